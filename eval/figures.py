"""Figures of one set of scored rows: by policy area, for any harm, and for severity, each with its interval.

Intervals hold 95 % of bootstrap draws of rows. None stands for what cannot be measured; it is never a zero.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from eval.metrics import (
    MIN_POSITIVES,
    SEVERE,
    Calibration,
    Counts,
    Ranking,
    Statistic,
    Values,
    bootstrap,
    middle,
    severity_confusion,
    severity_figures,
)
from eval.scored import Scored
from eval.truth import UNKNOWN_SEVERITY
from models.calibration import severity_level

# From so many positives on, the calibration error of an area is firm enough to be held to a limit.
FIRM_POSITIVES = 100
HEADLINE = "noisy_or"


@dataclass(frozen=True, slots=True)
class Settings:
    """How figures are made: bootstrap draws and their seed, and the positives an area needs to enter a macro mean."""

    draws: int = 500
    seed: int = 1
    macro_positives: int = 30


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and the interval around it; None where it is not defined."""

    value: float | None
    low: float | None
    high: float | None


NOTHING = Estimate(None, None, None)


@dataclass(frozen=True, slots=True)
class AreaFigures:
    """One area on the rows where its label is known.

    Read `auprc` against `base_rate`, which a random order reaches. `ece_firm` says that there are FIRM_POSITIVES; the
    interval of `ece` is that of `error_estimate`.
    `recall`, `precision` and `fpr` are those at the bundle's `threshold`; `trained` says that the area was learned.
    """

    n: int
    positives: int
    base_rate: float
    auprc: float
    auprc_low: float | None
    auprc_high: float | None
    ece: float | None
    ece_low: float | None
    ece_high: float | None
    ece_firm: bool
    fpr_at_recall_80: float | None
    fpr_at_recall_80_low: float | None
    fpr_at_recall_80_high: float | None
    threshold: float
    recall: float | None
    precision: float | None
    fpr: float | None
    trained: bool


@dataclass(frozen=True, slots=True)
class Macro(Estimate):
    """Plain mean of AUPRC over `areas`, which are those with at least `min_positives` positives."""

    areas: tuple[str, ...]
    min_positives: int


@dataclass(frozen=True, slots=True)
class Curves:
    """What the charts draw: (recall, precision) points, and (stated, seen, rows) bins of the reliability diagram."""

    precision_recall: list[tuple[float, float]]
    reliability: list[tuple[float, float, int]]


@dataclass(frozen=True, slots=True)
class AreaTable:
    """All areas: measured ones, those with too few labels (and their positives), the macro mean, the curves."""

    areas: dict[str, AreaFigures]
    too_few: dict[str, int]
    macro: Macro
    curves: dict[str, Curves]


@dataclass(frozen=True, slots=True)
class HarmFigures:
    """Any harm: the label is "any annotated area positive".

    `auprc` and what follows is that of the headline score, noisy-or over the annotated areas; `max_auprc` takes the
    highest of them instead, and `everywhere_auprc` noisy-or over all areas, annotated or not, as when serving.
    `recall` and `fpr` are shares of flagged rows: some annotated area reaches its threshold. With fewer than
    MIN_POSITIVES harmful or harmless rows nothing that ranks them is measured.
    """

    n: int
    positives: int
    base_rate: float | None
    headline: str
    auprc: float | None
    auprc_low: float | None
    auprc_high: float | None
    max_auprc: Estimate
    everywhere_auprc: Estimate
    fpr_at_recall_80: Estimate
    recall: Estimate
    fpr: Estimate


@dataclass(frozen=True, slots=True)
class SeverityFigures:
    """Severity 0-4 as the median of its distribution: `recall_severe` is the share of true 3-4 that was taken for 3-4.

    `confusion[true][predicted]` counts rows; `positives` are the rows of true severity 3 or more.
    """

    n: int
    positives: int
    base_rate: float
    qwk: Estimate
    mae: Estimate
    recall_severe: Estimate
    confusion: list[list[int]]


def area_table(scored: Scored, settings: Settings) -> AreaTable:
    """Figures of every area that has MIN_POSITIVES positives and as many negatives."""
    columns, too_few = measurable(scored)
    rankings = [area_ranking(scored, column) for column in columns]
    calibrations = [_calibration(scored, column) for column in columns]
    drawn = bootstrap(
        [*(one.figures for one in rankings), *(_single(one) for one in calibrations)],
        len(scored.rows),
        draws=settings.draws,
        seed=settings.seed,
    )
    ones = np.ones(len(scored.rows), np.int64)
    areas: dict[str, AreaFigures] = {}
    for place, column in enumerate(columns):
        auprc, rate = rankings[place].figures(ones)
        areas[scored.areas[column]] = _area_figures(
            scored,
            column,
            auprc=estimate(auprc, drawn[place][:, 0]),
            rate=estimate(rate, drawn[place][:, 1]),
            ece=error_estimate(calibrations[place].error(ones), drawn[len(columns) + place][:, 0]),
        )
    precisions = {scored.areas[column]: drawn[place][:, 0] for place, column in enumerate(columns)}
    curves = {
        scored.areas[column]: Curves(ranking.curve(), calibration.bins())
        for column, ranking, calibration in zip(columns, rankings, calibrations, strict=True)
    }
    return AreaTable(areas, too_few, _macro(areas, precisions, settings.macro_positives), curves)


def measurable(scored: Scored) -> tuple[list[int], dict[str, int]]:
    """Columns with enough positives and negatives to measure, and the positives of the other areas."""
    known = scored.truth.known > 0
    positives = (scored.truth.labels * known).sum(0).astype(int)
    least = np.minimum(positives, known.sum(0) - positives)
    enough = (least >= MIN_POSITIVES) & ~np.isnan(scored.scores.areas).any(0)
    return list(np.flatnonzero(enough)), {
        area: int(positives[column]) for column, area in enumerate(scored.areas) if not enough[column]
    }


def area_ranking(scored: Scored, column: int) -> Ranking:
    """The rows whose label for the area is known, ranked by its score."""
    rows = np.flatnonzero(scored.truth.known[:, column])
    return Ranking(scored.truth.labels[rows, column], scored.scores.areas[rows, column], rows=rows)


def harm_figures(scored: Scored, settings: Settings) -> HarmFigures:
    """Any-harm figures of the rows of which it is known."""
    known, harmful = scored.harm_known, scored.harmful
    rows = np.flatnonzero(known)
    scores = (scored.noisy_or(), scored.highest(), scored.noisy_or(everywhere=True))
    rankings = [Ranking(harmful[rows], one[rows], rows=rows) for one in scores]
    flagged, hit, miss = scored.flagged(), known & (harmful > 0), known & (harmful == 0)
    statistics = [*(one.figures for one in rankings), _share(flagged, hit), _share(flagged, miss)]
    noisy, highest, everywhere, recall, rate = estimates(statistics, len(scored.rows), settings)
    if min(hit.sum(), miss.sum()) < MIN_POSITIVES:
        noisy = highest = everywhere = [NOTHING, NOTHING]
    return HarmFigures(
        n=len(rows),
        positives=int(hit.sum()),
        base_rate=float(hit.sum() / len(rows)) if len(rows) else None,
        headline=HEADLINE,
        auprc=noisy[0].value,
        auprc_low=noisy[0].low,
        auprc_high=noisy[0].high,
        max_auprc=highest[0],
        everywhere_auprc=everywhere[0],
        fpr_at_recall_80=noisy[1],
        recall=recall[0],
        fpr=rate[0],
    )


def severity_table(scored: Scored, settings: Settings) -> dict[str, SeverityFigures]:
    """Severity figures of all rated rows, and of those that a person rated; without the entries that have no rows."""
    if scored.scores.severity is None:
        return {}
    rated = scored.truth.severity != UNKNOWN_SEVERITY
    human = np.array([row.extra.get("severity_basis") == "human" for row in scored.rows], bool)
    chosen = {"all": rated, "human": rated & human}
    severity = scored.scores.severity
    return {name: _severity(scored.take(rows), severity[rows], settings) for name, rows in chosen.items() if rows.any()}


def estimates(
    statistics: Sequence[Statistic], rows: int, settings: Settings, *, draws: int | None = None
) -> list[list[Estimate]]:
    """Every number of every statistic with its interval."""
    ones = np.ones(rows, np.int64)
    drawn = bootstrap(statistics, rows, draws=draws or settings.draws, seed=settings.seed)
    return [
        [estimate(value, values) for value, values in zip(statistic(ones), many.T, strict=True)]
        for statistic, many in zip(statistics, drawn, strict=True)
    ]


def estimate(value: float, drawn: NDArray[np.float64]) -> Estimate:
    """`value` with the middle of its draws; None for what is not a number."""
    interval = middle(drawn)
    return Estimate(*(None if math.isnan(one) else float(one) for one in (value, interval.low, interval.high)))


def error_estimate(value: float, drawn: NDArray[np.float64]) -> Estimate:
    """A calibration error with the interval of its draws reflected at it, as in the basic bootstrap.

    Chance adds to an error that cannot be negative, and a resample adds it once more: the middle of the draws as they
    are lies above the error itself, so they are taken by how far they went up. The interval holds the figure.
    """
    found = estimate(value, np.maximum(0.0, 2 * value - drawn))
    if found.value is None or found.high is None:
        return found
    return replace(found, high=max(found.high, found.value))


def share(flagged: NDArray[np.bool_], among: NDArray[np.bool_]) -> float | None:
    """Share of the rows `among` that are flagged; None without rows."""
    return float(flagged[among].mean()) if among.any() else None


def _share(flagged: NDArray[np.bool_], among: NDArray[np.bool_]) -> Statistic:
    both, all_of_them = (flagged & among).astype(np.int64), among.astype(np.int64)

    def statistic(times: Counts) -> tuple[float]:
        total = int(times @ all_of_them)
        return (float(times @ both) / total if total else math.nan,)

    return statistic


def _single(calibration: Calibration) -> Statistic:
    return lambda times: (calibration.error(times),)


def _calibration(scored: Scored, column: int) -> Calibration:
    rows = np.flatnonzero(scored.truth.known[:, column])
    return Calibration(scored.truth.labels[rows, column], scored.scores.areas[rows, column], rows=rows)


def _area_figures(scored: Scored, column: int, *, auprc: Estimate, rate: Estimate, ece: Estimate) -> AreaFigures:
    known = scored.truth.known[:, column] > 0
    positive = known & (scored.truth.labels[:, column] > 0)
    threshold = float(scored.thresholds[column])
    reached = known & (scored.scores.areas[:, column] >= threshold) & bool(scored.usable[column])
    count, positives = int(known.sum()), int(positive.sum())
    return AreaFigures(
        n=count,
        positives=positives,
        base_rate=positives / count,
        auprc=auprc.value or 0.0,
        auprc_low=auprc.low,
        auprc_high=auprc.high,
        ece=ece.value,
        ece_low=ece.low,
        ece_high=ece.high,
        ece_firm=positives >= FIRM_POSITIVES,
        fpr_at_recall_80=rate.value,
        fpr_at_recall_80_low=rate.low,
        fpr_at_recall_80_high=rate.high,
        threshold=threshold,
        recall=share(reached, positive),
        precision=share(positive, reached),
        fpr=share(reached, known & ~positive),
        trained=bool(scored.usable[column]),
    )


def _macro(areas: Mapping[str, AreaFigures], drawn: Mapping[str, NDArray[np.float64]], least: int) -> Macro:
    chosen = tuple(area for area, one in areas.items() if one.positives >= least)
    if not chosen:
        return Macro(None, None, None, (), least)
    value = float(np.mean([areas[area].auprc for area in chosen]))
    found = estimate(value, np.mean([drawn[area] for area in chosen], axis=0))
    return Macro(found.value, found.low, found.high, chosen, least)


def _severity(rated: Scored, severity: Values, settings: Settings) -> SeverityFigures:
    truth, predicted = rated.truth.severity, severity_level(severity)
    (found,) = estimates(
        [lambda times: severity_figures(severity_confusion(truth, predicted, times))], len(truth), settings
    )
    positives = int((truth >= SEVERE).sum())
    return SeverityFigures(
        n=len(truth),
        positives=positives,
        base_rate=positives / len(truth),
        qwk=found[0],
        mae=found[1],
        recall_severe=found[2],
        confusion=severity_confusion(truth, predicted).astype(int).tolist(),
    )
