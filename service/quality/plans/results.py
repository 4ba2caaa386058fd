"""What a plan found: shares of the population by inverse chances, and agreement beyond chance. Pure functions."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labeling.statistics.disputed import Bounded, bounded
from labeling.statistics.estimate import MIN_ITEMS, Estimate
from labeling.statistics.nominal import cohen_kappa, gwet_ac1, raw_agreement
from labeling.statistics.weighted import weighted_share
from labeling.taxonomy import Taxonomy
from service.quality.plans.schemas import AgreementOut, CheckFigureOut, CheckPlanOut, EstimateOut, ResultsOut

SETTLED, DISPUTED = "settled", "disputed"


def results_of(plan: CheckPlanOut, rows: Sequence[Any], strata: Sequence[Any], taxonomy: Taxonomy) -> ResultsOut:
    """The results of a plan, of its answered items and how far each stratum is. Golden items say how those who check do, and nothing of the decisions: they are left out."""
    drawn = [row for row in rows if row.decided is not None]
    settled = [row for row in drawn if row.state == SETTLED]
    return ResultsOut(
        plan_id=plan.id,
        population=plan.population,
        settled=len(settled),
        disputed=len(drawn) - len(settled),
        accuracy=accuracy("all", drawn),
        by_area=_groups(drawn, lambda row: str(row.area)),
        by_vendor=_groups(drawn, lambda row: str(row.vendor)),
        by_language=_groups(drawn, lambda row: str(row.language)),
        decision_against_check=agreement(
            [(row.decided["policy_area"], row.answers[0]["policy_area"]) for row in drawn], taxonomy
        ),
        between_checks=agreement(
            [(row.answers[0]["policy_area"], row.answers[1]["policy_area"]) for row in drawn if len(row.answers) > 1],
            taxonomy,
        ),
        errors=dict(Counter(row.error for row in settled if row.error is not None)),
        unanswered=[one.stratum for one in strata if not one.answered],
    )


def accuracy(group: str, rows: Sequence[Any]) -> EstimateOut:
    """The share of right decisions, each check counted by 1 / its chance to be drawn and answered."""
    found = [None if row.state == DISPUTED else row.error is None for row in rows]
    share = bounded(found, lambda right: weighted_share(right, [row.chance for row in rows]))
    return EstimateOut(group=group, checks=share.n, disputed=share.disputed, **_figure(share).model_dump())


def agreement(pairs: Sequence[tuple[str, str]], taxonomy: Taxonomy) -> AgreementOut:
    """How far the two of each pair name the same area: as counted, and beyond chance in two ways."""
    names = sorted({*taxonomy.label_ids, *(name for pair in pairs for name in pair)})
    first, second = ([names.index(pair[side]) for pair in pairs] for side in (0, 1))
    if len(pairs) < MIN_ITEMS:
        few = _figure(Estimate(None, None, None, len(pairs)))
        return AgreementOut(pairs=len(pairs), raw=few, kappa=few, ac1=few)
    counts = _counts(first, second, len(names))
    return AgreementOut(
        pairs=len(pairs),
        raw=_figure(raw_agreement(counts).estimate()),
        kappa=_figure(cohen_kappa(first, second, levels=len(names)).estimate()),
        ac1=_figure(gwet_ac1(counts).estimate()),
    )


def _groups(rows: Sequence[Any], group_of: Callable[[Any], str]) -> list[EstimateOut]:
    # By name, never by result: this is no ranking.
    return [
        accuracy(name, [row for row in rows if group_of(row) == name])
        for name in sorted({group_of(row) for row in rows})
    ]


def _counts(first: Sequence[int], second: Sequence[int], levels: int) -> NDArray[np.int64]:
    counts = np.zeros((len(first), levels), dtype=np.int64)
    places = np.arange(len(first))
    np.add.at(counts, (places, np.asarray(first)), 1)
    np.add.at(counts, (places, np.asarray(second)), 1)
    return counts


def _figure(estimate: Estimate | Bounded) -> CheckFigureOut:
    return CheckFigureOut(value=estimate.value, low=estimate.low, high=estimate.high, words=str(estimate))
