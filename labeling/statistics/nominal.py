"""Agreement beyond chance: Cohen's kappa of two raters, Fleiss' kappa and Gwet's AC1 of any number.

Which one to take is told in docs/agreement.md. All are 1 - observed / expected disagreement and differ in what they expect.
"""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from labeling.statistics.bootstrap import Codes, Coefficient, Values, patterns

# How far apart two labels are: all alike, by steps, by squared steps, or as a table says.
Weights = Literal["none", "linear", "quadratic"] | NDArray[np.float64]


def cohen_kappa(
    first: Sequence[int] | Codes, second: Sequence[int] | Codes, *, levels: int, weights: Weights = "none"
) -> Coefficient:
    """Cohen's kappa of two raters, whose labels of the same items are codes 0 to levels - 1; -1 is no answer.

    Cohen, "A coefficient of agreement for nominal scales", Educ. Psychol. Meas. 20, 1960; with weights: "Weighted kappa",
    Psychol. Bull. 70, 1968. Each rater's own habits are what chance is. Raises ValueError.
    """
    one, other = np.asarray(first, np.int64), np.asarray(second, np.int64)
    if one.shape != other.shape or one.ndim != 1:
        raise ValueError(f"the two raters must have a code for each item, not {one.shape} and {other.shape}")
    if max(one.max(initial=-1), other.max(initial=-1)) >= levels or min(one.min(initial=0), other.min(initial=0)) < -1:
        raise ValueError(f"codes must lie between 0 and {levels - 1}, or be -1 for no answer")
    both = (one >= 0) & (other >= 0)
    cells = np.bincount(one[both] * levels + other[both], minlength=levels**2)
    return cohen_kappa_of_table(cells.reshape(levels, levels), weights=weights)


def cohen_kappa_of_table(table: NDArray[np.integer], *, weights: Weights = "none") -> Coefficient:
    """Cohen's kappa from how often the first rater said the row and the second the column. Raises ValueError."""
    levels = len(table)
    if levels < 2 or table.shape != (levels, levels) or (table < 0).any():
        raise ValueError(f"a table of two raters is square and counts two labels or more, not {table.shape}")
    apart = distances(levels, weights)
    seen = np.flatnonzero(table)

    def disagreement(sums: Values) -> tuple[Values, Values]:
        shares = (sums / sums.sum(axis=-1, keepdims=True)).reshape(*sums.shape[:-1], levels, levels)
        rows, columns = shares.sum(axis=-1), shares.sum(axis=-2)
        return (shares * apart).sum(axis=(-1, -2)), ((rows @ apart) * columns).sum(axis=-1)

    times = table.ravel()[seen].astype(np.float64)
    return Coefficient(np.eye(levels**2)[seen], times, disagreement, int(table.sum()))


def distances(levels: int, weights: Weights) -> Values:
    """How far apart each two labels are, 1 at most. Raises ValueError."""
    if not isinstance(weights, str):
        if weights.shape != (levels, levels) or (weights < 0).any() or weights.diagonal().any() or not weights.any():
            raise ValueError(
                f"weights must be a table of {levels} by {levels} distances, none below 0, with 0 in the diagonal"
            )
        return weights / weights.max()
    if weights not in {"none", "linear", "quadratic"}:
        raise ValueError(f"weights are none, linear, quadratic or a table, not {weights!r}")
    steps = np.abs(np.subtract.outer(np.arange(levels), np.arange(levels))) / (levels - 1)
    return np.ceil(steps) if weights == "none" else steps ** {"linear": 1, "quadratic": 2}[weights]


def fleiss_kappa(counts: NDArray[np.integer], times: Values | None = None) -> Coefficient:
    """Fleiss' kappa from how many raters gave each item (row) each label (column), the same number of raters for each item.

    Fleiss, "Measuring nominal scale agreement among many raters", Psychol. Bull. 76, 1971. Chance is the habit of
    all raters together. Raises ValueError.
    """
    rows, times = patterns(counts, times)
    raters = np.unique(rows.sum(axis=1))
    if len(raters) > 1 or raters.min(initial=2) < 2:
        raise ValueError(
            f"Fleiss' kappa needs the same number of answers for each item, two or more; here it is {raters.min():g} to "
            f"{raters.max():g}: take Krippendorff's alpha or Gwet's AC1"
        )
    return _of_pairs(rows, times, fleiss_expected)


def gwet_ac1(counts: NDArray[np.integer], times: Values | None = None) -> Coefficient:
    """Gwet's AC1 from how many raters gave each item (row) each label (column); items may have any number of answers.

    Gwet, "Computing inter-rater reliability and its variance in the presence of high agreement", Br. J. Math. Stat.
    Psychol. 61, 2008; missing answers as in his Handbook of Inter-Rater Reliability, 4th ed. 2014: an item with one
    answer counts for how common labels are and not for agreement. Raises ValueError.
    """
    rows, times = patterns(counts, times)
    return _of_pairs(rows, times, gwet_expected)


def raw_agreement(counts: NDArray[np.integer], times: Values | None = None) -> Coefficient:
    """How often two answers about the same item are the same, averaged over items; chance is not taken off."""
    rows, times = patterns(counts, times)
    return _of_pairs(rows, times, _anything)


def _anything(shares: Values) -> Values:
    return np.ones(shares.shape[:-1])


def fleiss_expected(shares: Values) -> Values:
    """How often two raters would differ who both guess by the shares of labels."""
    return np.asarray(1 - (shares**2).sum(axis=-1))


def gwet_expected(shares: Values) -> Values:
    """How often raters would differ if they guessed on the items that are hard, as many as labels are mixed."""
    return np.asarray(1 - (shares * (1 - shares)).sum(axis=-1) / (shares.shape[-1] - 1))


def _of_pairs(rows: Values, times: Values, expected: Callable[[Values], Values]) -> Coefficient:
    """Disagreement of pairs of answers within items, averaged over items, against what is expected of the shares."""
    answers = rows.sum(axis=1, keepdims=True)
    rows, times, answers = (one[answers[:, 0] > 0] for one in (rows, times, answers))
    shares = rows / answers
    paired = answers > 1
    differ = np.where(
        paired, 1 - (rows * (rows - 1)).sum(axis=1, keepdims=True) / np.maximum(answers * (answers - 1), 1), 0
    )

    def disagreement(sums: Values) -> tuple[Values, Values]:
        items, pairs, apart = sums[..., :-2].sum(axis=-1, keepdims=True), sums[..., -2], sums[..., -1]
        return apart / pairs, expected(sums[..., :-2] / items)

    return Coefficient(np.hstack([shares, paired, differ]), times, disagreement, int(times[paired[:, 0]].sum()))
