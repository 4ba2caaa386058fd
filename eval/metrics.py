"""Metrics as pure functions on arrays. An area somebody did not look for is masked, never counted as negative."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, cohen_kappa_score

# Below this many positives (or negatives) an area has no figure at all: "too few" is a result, not a zero.
MIN_POSITIVES = 10


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


def area_report(
    labels: NDArray[np.float32],
    known: NDArray[np.float32],
    scores: NDArray[np.float32],
    areas: Sequence[str],
    *,
    min_positives: int = MIN_POSITIVES,
) -> AreaReport:
    """AUPRC of every area. `labels`, `known` and `scores` are (n, areas); `known` is 1 where the label is known."""
    measured: dict[str, AreaResult] = {}
    too_few: dict[str, int] = {}
    for column, area in enumerate(areas):
        rows = known[:, column] > 0
        truth = labels[rows, column]
        positives = int(truth.sum())
        if positives < min_positives or len(truth) - positives < min_positives:
            too_few[area] = positives
            continue
        auprc = float(average_precision_score(truth, scores[rows, column]))
        measured[area] = AreaResult(rows=len(truth), positives=positives, auprc=auprc)
    return AreaReport(measured, too_few)


def severity_kappa(truth: NDArray[np.int64], predicted: NDArray[np.int64]) -> float:
    """Quadratic-weighted kappa of severities 0-4 (Cohen 1968): 1 is perfect, 0 is chance."""
    return float(cohen_kappa_score(truth, predicted, weights="quadratic", labels=list(range(5))))
