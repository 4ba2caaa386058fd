"""One system against another on the same rows: paired differences of AUPRC with their intervals."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.figures import Settings, area_ranking, estimate, measurable
from eval.metrics import Ranking, bootstrap
from eval.scored import Scored


@dataclass(frozen=True, slots=True)
class Rival:
    """Another system's scores of the same rows. `name` is its key in the report, `system` what it is.

    `speaks_of` are the areas it has, as far as they are known: it may have some that the subject lacks.
    """

    name: str
    system: str
    scored: Scored
    speaks_of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """AUPRC of both, and ours minus theirs with the interval of paired bootstrap draws; None where not measurable.

    For a mean over areas, `n` and `positives` are those of all its areas together.
    """

    n: int
    positives: int
    base_rate: float | None
    ours: float | None
    theirs: float | None
    difference: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Ours against another system. `macro` is the mean over the `of` areas with enough positives.

    `better_in` of them are better by the figure alone, `surely_better_in` by an interval that lies above 0, and
    `worse_in` names the others in which the figure is lower. Areas that one of both does not speak of are in no other
    figure: `unknown_to_them`, and `unknown_to_us`.
    """

    system: str
    areas: dict[str, Difference]
    macro: Difference
    any_harm: Difference
    better_in: int
    surely_better_in: int
    of: int
    worse_in: tuple[str, ...]
    unknown_to_them: tuple[str, ...]
    unknown_to_us: tuple[str, ...]
    slices: dict[str, dict[str, dict[str, Difference]]]


def compare(
    ours: Scored,
    rival: Rival,
    settings: Settings,
    *,
    slices: Mapping[str, Mapping[str, NDArray[np.bool_]]],
) -> Comparison:
    """Compare on all rows, and by area on each of `slices` (dimension, then value, then the rows it holds)."""
    theirs = rival.scored
    areas, drawn = _by_area(ours, theirs, settings)
    counted = {area: one for area, one in areas.items() if one.positives >= settings.macro_positives}
    return Comparison(
        system=rival.system,
        areas=areas,
        macro=_mean(counted, {area: drawn[area] for area in counted}),
        any_harm=_any_harm(ours, theirs, settings),
        better_in=sum((one.difference or 0) > 0 for one in counted.values()),
        surely_better_in=sum((one.low or 0) > 0 for one in counted.values()),
        of=len(counted),
        worse_in=tuple(area for area, one in counted.items() if (one.difference or 0) < 0),
        unknown_to_them=_unspoken(theirs),
        unknown_to_us=tuple(
            dict.fromkeys((*_unspoken(ours), *(one for one in rival.speaks_of if one not in ours.areas)))
        ),
        slices={
            dimension: {
                value: _by_area(ours.take(chosen), theirs.take(chosen), settings)[0] for value, chosen in values.items()
            }
            for dimension, values in slices.items()
        },
    )


def _unspoken(scored: Scored) -> tuple[str, ...]:
    columns = zip(scored.areas, scored.scores.areas.T, strict=True)
    return tuple(area for area, column in columns if np.isnan(column).all())


def _by_area(
    ours: Scored, theirs: Scored, settings: Settings
) -> tuple[dict[str, Difference], dict[str, NDArray[np.float64]]]:
    columns = [column for column in measurable(ours)[0] if column in measurable(theirs)[0]]
    pairs = [(area_ranking(ours, column), area_ranking(theirs, column)) for column in columns]
    drawn = bootstrap(
        [ranking.figures for pair in pairs for ranking in pair],
        len(ours.rows),
        draws=settings.draws,
        seed=settings.seed,
    )
    found: dict[str, Difference] = {}
    gaps: dict[str, NDArray[np.float64]] = {}
    for place, (column, pair) in enumerate(zip(columns, pairs, strict=True)):
        area = ours.areas[column]
        gaps[area] = drawn[2 * place][:, 0] - drawn[2 * place + 1][:, 0]
        known = ours.truth.known[:, column] > 0
        positives = int(ours.truth.labels[known, column].sum())
        found[area] = _difference(pair, gaps[area], n=int(known.sum()), positives=positives, rows=len(ours.rows))
    return found, gaps


def _any_harm(ours: Scored, theirs: Scored, settings: Settings) -> Difference:
    rows, harmful = np.flatnonzero(ours.harm_known), ours.harmful
    pair = tuple(Ranking(harmful[rows], one.noisy_or()[rows], rows=rows) for one in (ours, theirs))
    first, second = bootstrap([one.figures for one in pair], len(ours.rows), draws=settings.draws, seed=settings.seed)
    gap = first[:, 0] - second[:, 0]
    return _difference((pair[0], pair[1]), gap, n=len(rows), positives=int(harmful[rows].sum()), rows=len(ours.rows))


def _difference(
    pair: tuple[Ranking, Ranking], drawn: NDArray[np.float64], *, n: int, positives: int, rows: int
) -> Difference:
    ones = np.ones(rows, np.int64)
    ours, theirs = (one.average_precision(ones) for one in pair)
    gap = estimate(ours - theirs, drawn)
    base_rate = positives / n if n else None
    return Difference(n, positives, base_rate, _number(ours), _number(theirs), gap.value, gap.low, gap.high)


def _mean(areas: Mapping[str, Difference], drawn: Mapping[str, NDArray[np.float64]]) -> Difference:
    if not areas:
        return Difference(0, 0, None, None, None, None, None, None)
    n, positives = (sum(values) for values in zip(*((one.n, one.positives) for one in areas.values()), strict=True))
    ours, theirs = (
        float(np.mean([value or 0.0 for value in values]))
        for values in zip(*((one.ours, one.theirs) for one in areas.values()), strict=True)
    )
    gap = estimate(ours - theirs, np.mean(list(drawn.values()), axis=0))
    return Difference(n, positives, positives / n, ours, theirs, gap.value, gap.low, gap.high)


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
