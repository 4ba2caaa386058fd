"""Metrics as pure functions on arrays. An area somebody did not look for is masked, never counted as negative."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.truth import Truth
from labeling.taxonomy import SEVERITY_LEVELS

# Below this many positives (or negatives) an area has no figure at all: "too few" is a result, not a zero.
MIN_POSITIVES = 10
CALIBRATION_BINS = 15

Values = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class AreaResult:
    """Ranking quality of one area: rows with a known label, positives among them, and AUPRC (higher is better).

    Read `auprc` against `base_rate`, which is what a random order would reach.
    """

    rows: int
    positives: int
    auprc: float

    @property
    def base_rate(self) -> float:
        """Share of positives among the known rows."""
        return self.positives / self.rows


@dataclass(frozen=True, slots=True)
class AreaReport:
    """Results by area, and the areas left out for want of labels with the number of positives they had."""

    areas: dict[str, AreaResult]
    too_few: dict[str, int]

    @property
    def macro_auprc(self) -> float:
        """Unweighted mean over the areas that could be measured; NaN when there is none."""
        return float(np.mean([result.auprc for result in self.areas.values()])) if self.areas else float("nan")


@dataclass(frozen=True, slots=True)
class Interval:
    """The middle 95 % of a bootstrap distribution."""

    low: float
    high: float


def area_report(truth: Truth, scores: Values, areas: Sequence[str]) -> AreaReport:
    """AUPRC of every area that has MIN_POSITIVES positives and as many negatives. `scores` is (n, areas)."""
    measured: dict[str, AreaResult] = {}
    too_few: dict[str, int] = {}
    for column, area in enumerate(areas):
        rows = truth.known[:, column] > 0
        labels = truth.labels[rows, column]
        positives = int(labels.sum())
        if min(positives, len(labels) - positives) < MIN_POSITIVES:
            too_few[area] = positives
            continue
        auprc = average_precision(labels, scores[rows, column])
        measured[area] = AreaResult(rows=len(labels), positives=positives, auprc=auprc)
    return AreaReport(measured, too_few)


def average_precision(labels: Values, scores: Values) -> float:
    """Area under the precision-recall curve as a step function; rows of equal score enter together.

    NaN where there is no positive.
    """
    return _Ranking(labels, scores).average_precision(np.ones(len(labels), np.int64))


def bootstrap_auprc(
    truth: Truth, scores: Values, columns: Sequence[int], *, draws: int = 500, seed: int = 1
) -> tuple[list[Interval], Interval]:
    """95 % intervals of the AUPRC of `columns`, and of their mean, from `draws` resamples of whole rows.

    The rows are drawn as if independent and from the same sources: the interval says nothing about other sources.
    """
    generator = np.random.default_rng(seed)
    selected = [truth.known[:, column] > 0 for column in columns]
    rankings = [
        _Ranking(truth.labels[rows, column], scores[rows, column])
        for column, rows in zip(columns, selected, strict=True)
    ]
    count = len(truth.labels)
    drawn = np.empty((draws, len(rankings)))
    for draw in range(draws):
        times = np.bincount(generator.integers(count, size=count), minlength=count)
        drawn[draw] = [ranking.average_precision(times[rows]) for ranking, rows in zip(rankings, selected, strict=True)]
    return [_middle(values) for values in drawn.T], _middle(drawn.mean(1))


def calibration_error(labels: Values, probabilities: Values) -> float:
    """Expected calibration error: mean gap between stated and true share over CALIBRATION_BINS bins of like size.

    0 is perfect. Bins of like size, for with equal widths nearly every row of a rare area falls into the first.
    """
    if not len(labels):
        return float("nan")
    # The bin follows from how many rows are below, so that rows of one probability share a bin.
    below = np.searchsorted(np.sort(probabilities), probabilities, side="left")
    chosen = below * CALIBRATION_BINS // len(labels)
    gaps = np.bincount(chosen, weights=labels - probabilities)
    return float(np.abs(gaps).sum() / len(labels))


def severity_kappa(truth: NDArray[np.int64], predicted: NDArray[np.int64]) -> float:
    """Quadratic-weighted kappa of severities 0-4 (Cohen 1968): 1 is perfect, 0 is chance; NaN when undefined."""
    seen = np.zeros((SEVERITY_LEVELS, SEVERITY_LEVELS))
    np.add.at(seen, (truth, predicted), 1)
    levels = np.arange(SEVERITY_LEVELS)
    cost = (levels[:, None] - levels[None, :]) ** 2
    by_chance = np.outer(seen.sum(1), seen.sum(0)) / max(seen.sum(), 1)
    expected = float((cost * by_chance).sum())
    return 1 - float((cost * seen).sum()) / expected if expected else float("nan")


class _Ranking:
    """Rows in falling order of score, ready for the average precision of many resamples."""

    def __init__(self, labels: Values, scores: Values) -> None:
        self._order = np.argsort(-scores, kind="stable")
        self._labels = (labels[self._order] > 0).astype(np.int64)
        ranked = scores[self._order]
        self._ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)) if len(ranked) else np.zeros(0, int)

    def average_precision(self, times: NDArray[np.int64]) -> float:
        """AUPRC with row i counted times[i] times."""
        weight = times[self._order]
        found = np.cumsum(weight * self._labels)[self._ends]
        if not len(found) or not found[-1]:
            return float("nan")
        read = np.cumsum(weight)[self._ends]
        steps = np.diff(found, prepend=0)
        return float((steps * found / np.maximum(read, 1)).sum() / found[-1])


def _middle(values: Values) -> Interval:
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return Interval(float(low), float(high))
