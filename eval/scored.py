"""Rows with their labels and somebody's scores, side by side: what every figure is computed from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from eval.dataset import Dataset
from eval.formats import ANY_HARM
from eval.metrics import Values
from eval.truth import Truth, make_truth
from labeling.records import LabelledText


@dataclass(frozen=True, slots=True)
class Scores:
    """Probabilities (n, areas), in which a column of NaN is an area that the scores do not speak of, and severity
    probabilities (n, 5) where there are any.
    """

    areas: Values
    severity: Values | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    """n rows, what is known of them, and their scores. `thresholds` (areas,) are where an area applies.

    `file_of` (n,) tells the data file of each row.

    `usable` (areas,) marks the areas whose score depends on the text at all; the others say nothing about harm.
    """

    rows: tuple[LabelledText, ...]
    file_of: NDArray[np.int64]
    areas: tuple[str, ...]
    truth: Truth
    scores: Scores
    thresholds: Values
    usable: NDArray[np.bool_]

    @property
    def harm_known(self) -> NDArray[np.bool_]:
        """Rows of which it is known whether any harm is in them: some area was annotated, or the row says so."""
        said = np.array([ANY_HARM in row.extra for row in self.rows], bool)
        return said | (self.truth.known.any(1))

    @property
    def harmful(self) -> NDArray[np.float32]:
        """1 where any annotated area is positive, or the row says so."""
        said = np.array([row.extra.get(ANY_HARM) is True for row in self.rows], bool)
        return (said | (self.truth.labels * self.truth.known).any(1)).astype(np.float32)

    @property
    def looked_at(self) -> NDArray[np.bool_]:
        """(n, areas): the annotated areas of each row that the scores speak of; all of them where none is annotated."""
        known = self.truth.known > 0
        return np.where(known.any(1, keepdims=True), known, True) & self.usable

    def noisy_or(self, *, everywhere: bool = False) -> NDArray[np.float64]:
        """Probability that some annotated area applies, as if areas were independent; of all areas if `everywhere`."""
        looked_at = np.broadcast_to(self.usable, self.truth.known.shape) if everywhere else self.looked_at
        with np.errstate(divide="ignore"):
            # A certain area makes the logarithm minus infinity and the result 1, as it should be.
            none = np.where(looked_at, np.log1p(-np.clip(self.scores.areas, 0, 1)), 0.0).sum(1)
        return np.asarray(-np.expm1(none), np.float64)

    def highest(self) -> NDArray[np.float64]:
        """The highest probability among the annotated areas; 0 where there is none."""
        return np.asarray(np.where(self.looked_at, self.scores.areas, 0.0).max(1, initial=0.0), np.float64)

    def reached(self) -> NDArray[np.bool_]:
        """(n, areas): where the score of an annotated area reaches its threshold."""
        return self.looked_at & (np.where(self.usable, self.scores.areas, -1.0) >= self.thresholds)

    def flagged(self) -> NDArray[np.bool_]:
        """Rows in which some annotated area reaches its threshold."""
        return np.asarray(self.reached().any(1), bool)

    def take(self, chosen: NDArray[np.bool_]) -> "Scored":
        """The chosen rows alone."""
        index = np.flatnonzero(chosen)
        truth = self.truth.part(index)
        severity = None if self.scores.severity is None else self.scores.severity[index]
        rows = tuple(self.rows[one] for one in index)
        scores = Scores(self.scores.areas[index], severity)
        return replace(self, rows=rows, file_of=self.file_of[index], truth=truth, scores=scores)


def pair_up(
    dataset: Dataset,
    areas: Sequence[str],
    scores: Scores,
    *,
    thresholds: Sequence[float] | Values,
    trained: Sequence[str],
) -> Scored:
    """Put `scores` beside their rows; an area outside `trained`, or without a score, is not usable."""
    spoken = ~np.isnan(scores.areas).any(0)
    usable = spoken & np.array([area in trained for area in areas], bool)
    file_of = np.array(dataset.file_of, np.int64)
    truth = make_truth(dataset.rows, areas)
    return Scored(dataset.rows, file_of, tuple(areas), truth, scores, np.asarray(thresholds, np.float64), usable)
