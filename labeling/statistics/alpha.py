"""Krippendorff's alpha: agreement of any number of raters, with missing answers, for names and for ordered levels.

Krippendorff, "Computing Krippendorff's alpha-reliability", 2011; Content Analysis, 3rd ed. 2013, chapter 12.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from labeling.statistics.bootstrap import Coefficient, Values, patterns

Metric = Literal["nominal", "ordinal"]


def krippendorff_alpha(
    counts: NDArray[np.integer], times: Values | None = None, *, metric: Metric = "nominal"
) -> Coefficient:
    """Alpha from how many raters gave each item (row) each label (column); columns of ordered labels are in their order.

    Items with fewer than two answers say nothing of agreement and are left out. Raises ValueError.
    """
    if metric not in {"nominal", "ordinal"}:
        raise ValueError(f"the metric is nominal or ordinal, not {metric!r}")
    rows, times = patterns(counts, times)
    answers = rows.sum(axis=1)
    rows, times, answers = rows[answers > 1], times[answers > 1], answers[answers > 1]
    labels = rows.shape[1]
    # The coincidence matrix of each pattern: its pairs of answers, so that an item weighs as much as it has answers.
    pairs = rows[:, :, None] * rows[:, None, :] - rows[:, :, None] * np.eye(labels)
    pairs /= (answers - 1)[:, None, None]

    def disagreement(sums: Values) -> tuple[Values, Values]:
        together = sums.reshape(*sums.shape[:-1], labels, labels)
        given = together.sum(axis=-1)
        apart = _apart(given, metric)
        total = given.sum(axis=-1)
        expected = (given[..., :, None] * given[..., None, :] * apart).sum(axis=(-1, -2)) / (total * (total - 1))
        return (together * apart).sum(axis=(-1, -2)) / total, expected

    return Coefficient(pairs.reshape(len(rows), labels**2), times, disagreement, int(times.sum()))


def _apart(given: Values, metric: Metric) -> Values:
    """Squared distance of each two labels, 1 at most; that of ordered ones is how many answers lie between them."""
    if metric == "nominal":
        return 1 - np.eye(given.shape[-1])
    middle = given.cumsum(axis=-1) - given / 2
    apart = (middle[..., :, None] - middle[..., None, :]) ** 2
    return np.asarray(apart / np.maximum(apart.max(axis=(-1, -2), keepdims=True), 1e-12))
