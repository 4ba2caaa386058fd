"""Metrics as pure functions on arrays. An area somebody did not look for is masked, never counted as negative."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.truth import Truth
from labeling.taxonomy import SEVERITY_LEVELS

# Below this many positives (or negatives) an area has no figure at all: "too few" is a result, not a zero.
MIN_POSITIVES = 10
CALIBRATION_BINS = 15

# The recall at which false-positive rates of different systems are compared.
RECALL = 0.8
# A case of this severity or more must not be missed.
SEVERE = 3

Values = NDArray[np.floating]
# How often each row counts: ones for the rows as they are, a resample's multiplicities in the bootstrap.
Counts = NDArray[np.integer]
# One or several numbers of a resample.
Statistic = Callable[[Counts], Sequence[float]]


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
    return Ranking(labels, scores).average_precision(np.ones(len(labels), np.int64))


def cut_at_recall(labels: Values, scores: Values, *, recall: float = RECALL) -> float:
    """The highest score at which `recall` of the positives are found; NaN without positives."""
    return Ranking(labels, scores, recall=recall).at_recall(np.ones(len(labels), np.int64))[0]


def bootstrap(
    statistics: Sequence[Statistic], rows: int, *, draws: int = 500, seed: int = 1
) -> list[NDArray[np.float64]]:
    """Each statistic (one or several numbers) on `draws` resamples of whole rows: arrays (draws, numbers).

    All statistics see the same resamples, so differences between their columns are paired. The rows are drawn as if
    independent and from the same sources: intervals made of them say nothing about other sources.
    """
    generator = np.random.default_rng(seed)
    drawn: list[list[Sequence[float]]] = [[] for _ in statistics]
    for _ in range(draws):
        times = np.bincount(generator.integers(rows, size=rows), minlength=rows)
        for kept, statistic in zip(drawn, statistics, strict=True):
            kept.append(statistic(times))
    return [np.array(kept, np.float64).reshape(draws, -1) for kept in drawn]


def bootstrap_auprc(
    truth: Truth, scores: Values, columns: Sequence[int], *, draws: int = 500, seed: int = 1
) -> tuple[list[Interval], Interval]:
    """95 % intervals of the AUPRC of `columns`, and of their mean, from `draws` resamples of whole rows."""
    rankings = [
        Ranking(truth.labels[rows, column], scores[rows, column], rows=rows)
        for column in columns
        for rows in [np.flatnonzero(truth.known[:, column])]
    ]
    drawn = np.hstack(bootstrap([one.figures for one in rankings], len(truth.labels), draws=draws, seed=seed))[:, ::2]
    return [middle(values) for values in drawn.T], middle(drawn.mean(1))


class Calibration:
    """Expected calibration error: mean gap between stated and true share over CALIBRATION_BINS bins of like size.

    0 is perfect, and chance alone keeps a finite sample above it. Bins of like size, for with equal widths nearly every
    row of a rare area falls into the first. A resample keeps the bins of the rows as they are.
    """

    def __init__(self, labels: Values, probabilities: Values, *, rows: NDArray[np.integer] | None = None) -> None:
        # The bin follows from how many rows are below, so that rows of one probability share a bin.
        below = np.searchsorted(np.sort(probabilities), probabilities, side="left")
        self._bins = below * CALIBRATION_BINS // max(len(labels), 1)
        self._labels, self._probabilities = labels.astype(np.float64), probabilities.astype(np.float64)
        self._rows = np.arange(len(labels)) if rows is None else rows

    def error(self, times: Counts) -> float:
        """The error with row i counted times[i] times; NaN without rows."""
        weight = times[self._rows]
        total = float(weight.sum())
        gaps = np.bincount(self._bins, weights=weight * (self._labels - self._probabilities))
        return float(np.abs(gaps).sum() / total) if total else float("nan")

    def bins(self) -> list[tuple[float, float, int]]:
        """Mean stated probability, share of positives and number of rows of each bin that has rows."""
        sizes = np.bincount(self._bins)
        sums = [np.bincount(self._bins, weights=values) for values in (self._probabilities, self._labels)]
        return [
            (float(stated / size), float(seen / size), int(size))
            for stated, seen, size in zip(*sums, sizes, strict=True)
            if size
        ]


def calibration_error(labels: Values, probabilities: Values) -> float:
    """Expected calibration error of the rows as they are, as `Calibration` defines it."""
    return Calibration(labels, probabilities).error(np.ones(len(labels), np.int64))


def severity_kappa(truth: NDArray[np.int64], predicted: NDArray[np.int64]) -> float:
    """Quadratic-weighted kappa of severities 0-4 (Cohen 1968): 1 is perfect, 0 is chance; NaN when undefined."""
    return _kappa(severity_confusion(truth, predicted))


def severity_confusion(
    truth: NDArray[np.int64], predicted: NDArray[np.int64], times: Counts | None = None
) -> NDArray[np.float64]:
    """How often each true severity (row) was taken for each predicted one (column)."""
    cells = truth * SEVERITY_LEVELS + predicted
    seen = np.bincount(cells, weights=times, minlength=SEVERITY_LEVELS**2).astype(np.float64)
    return seen.reshape(SEVERITY_LEVELS, SEVERITY_LEVELS)


def severity_figures(confusion: NDArray[np.float64]) -> tuple[float, float, float]:
    """Quadratic-weighted kappa, mean absolute error, and recall of SEVERE or more; NaN where undefined."""
    levels = np.arange(SEVERITY_LEVELS)
    total, severe = confusion.sum(), confusion[SEVERE:].sum()
    error = float((np.abs(levels[:, None] - levels) * confusion).sum() / total) if total else float("nan")
    recall = float(confusion[SEVERE:, SEVERE:].sum() / severe) if severe else float("nan")
    return _kappa(confusion), error, recall


def _kappa(seen: NDArray[np.float64]) -> float:
    levels = np.arange(SEVERITY_LEVELS)
    cost = (levels[:, None] - levels[None, :]) ** 2
    by_chance = np.outer(seen.sum(1), seen.sum(0)) / max(seen.sum(), 1)
    expected = float((cost * by_chance).sum())
    return 1 - float((cost * seen).sum()) / expected if expected else float("nan")


class Ranking:
    """Rows in falling order of score, ready for the figures of many resamples.

    `rows` says which of the rows that a resample counts these are; all of them, in order, where it is left out.
    """

    def __init__(
        self,
        labels: Values,
        scores: Values,
        *,
        rows: NDArray[np.integer] | None = None,
        recall: float = RECALL,
    ) -> None:
        order = np.argsort(-scores, kind="stable")
        self._labels = (labels[order] > 0).astype(np.int64)
        self._order = order if rows is None else rows[order]
        self._scores = scores[order]
        ranked = self._scores
        self._ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)) if len(ranked) else np.zeros(0, int)
        self._recall = recall

    def average_precision(self, times: Counts) -> float:
        """AUPRC with row i counted times[i] times; NaN where there is no positive."""
        return self.figures(times)[0]

    def at_recall(self, times: Counts) -> tuple[float, float]:
        """Score of the cut that finds the wanted recall, and the false-positive rate there."""
        found, read = self._sums(times)
        if not len(found) or not found[-1]:
            return float("nan"), float("nan")
        cut, rate = self._cut(found, read)
        return float(self._scores[self._ends[cut]]), rate

    def figures(self, times: Counts) -> tuple[float, float]:
        """AUPRC and false-positive rate at the wanted recall, with row i counted times[i] times."""
        found, read = self._sums(times)
        if not len(found) or not found[-1]:
            return float("nan"), float("nan")
        steps = np.diff(found, prepend=0)
        precision = float((steps * found / np.maximum(read, 1)).sum() / found[-1])
        return precision, self._cut(found, read)[1]

    def curve(self, points: int = 100) -> list[tuple[float, float]]:
        """Recall and precision at no more than so many cuts, from the strictest on; empty without positives."""
        found, read = self._sums(np.ones(int(self._order.max(initial=-1)) + 1, np.int64))
        if not len(found) or not found[-1]:
            return []
        wanted = np.linspace(0, found[-1], points + 1)[1:]
        chosen = np.unique(np.append(0, np.searchsorted(found, wanted)))
        chosen = chosen[chosen < len(found)]
        return [(float(found[one] / found[-1]), float(found[one] / read[one])) for one in chosen]

    def _cut(self, found: NDArray[np.int64], read: NDArray[np.int64]) -> tuple[int, float]:
        """Where of the sums the wanted recall is reached, and the false-positive rate there, NaN without negatives."""
        # Rounding must not ask for one positive more than the share means.
        cut = int(np.searchsorted(found, self._recall * found[-1] - 1e-9))
        negatives = read - found
        return cut, float(negatives[cut] / negatives[-1]) if negatives[-1] else float("nan")

    def _sums(self, times: Counts) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        weight = times[self._order]
        return np.cumsum(weight * self._labels)[self._ends], np.cumsum(weight)[self._ends]


def middle(values: NDArray[np.float64]) -> Interval:
    """The 2.5th and 97.5th percentile of the draws in which the statistic is defined; NaN where it never is."""
    defined = values[~np.isnan(values)]
    if not len(defined):
        return Interval(float("nan"), float("nan"))
    low, high = np.percentile(defined, [2.5, 97.5])
    return Interval(float(low), float(high))
