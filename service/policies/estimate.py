"""How many decisions would flip: estimates from checks drawn with known chances, alone or with a model's help.

Pure arithmetic on arrays. With weights w = 1 / chance, the share is the ratio estimator sum(w y) / sum(w) (Hájek 1971),
the interval that of Wilson (1927) for the effective number of checks: that of a plain draw with the same linearised
variance, and never more than there were checks (Korn and Graubard 1998). With a model, its flips are known of every
decision, and the checks only have to say how far it is off: the difference estimator (Särndal, Swensson and Wretman 1992,
section 6.3). Its interval is made of the two Wilson intervals of "missed" and "false alarm" by the method of Newcombe
(1998), which also holds where no check found the model wrong.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

# Below so many checks no share is told, only how many there are.
LEAST_CHECKED = 30
# The normal deviate of a 95 % interval.
Z = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share with its 95 % interval; all None where there are too few checks."""

    checked: int
    share: float | None = None
    low: float | None = None
    high: float | None = None


def weighted_share(flips: Sequence[bool] | NDArray[np.bool_], chances: Sequence[float]) -> Estimate:
    """The share of flips in what checks were drawn from, each with its own chance. Raises ValueError for a chance of none."""
    weights = _weights(chances, len(flips))
    if len(weights) < LEAST_CHECKED:
        return Estimate(len(weights))
    return Estimate(len(weights), *_interval(np.asarray(flips, dtype=bool), weights))


def assisted_share(
    model_share: float,
    model: Sequence[bool] | NDArray[np.bool_],
    flips: Sequence[bool] | NDArray[np.bool_],
    chances: Sequence[float],
) -> Estimate:
    """The model's share over all decisions, corrected by what the checks found: `model` and `flips` are of those checked.

    Raises ValueError for a chance of none.
    """
    weights = _weights(chances, len(flips))
    if len(weights) < LEAST_CHECKED:
        return Estimate(len(weights))
    said, found = np.asarray(model, dtype=bool), np.asarray(flips, dtype=bool)
    missed = _interval(found & ~said, weights)
    false_alarm = _interval(said & ~found, weights)
    below, above = _difference_width(missed, false_alarm)
    share = model_share + missed[0] - false_alarm[0]
    return Estimate(len(weights), _between(share), _between(share - below), _between(share + above))


# A share with the lower and upper end of its interval.
Interval = tuple[float, float, float]


def _interval(is_so: NDArray[np.bool_], weights: NDArray[np.float64]) -> Interval:
    share = float((is_so * weights).sum() / weights.sum())
    low, high = _wilson(share, _effective(is_so, share, weights))
    return share, low, high


def _effective(is_so: NDArray[np.bool_], share: float, weights: NDArray[np.float64]) -> float:
    """How many checks of a plain draw say as much. Where all are alike there is no variance to tell it by: Kish's number."""
    variance = float((weights**2 * (is_so - share) ** 2).sum() / weights.sum() ** 2)
    if variance > 0:
        return min(len(weights), share * (1 - share) / variance)
    return float(weights.sum() ** 2 / (weights**2).sum())


def _difference_width(one: Interval, other: Interval) -> tuple[float, float]:
    """How far the interval of `one - other`, two outcomes of the same checks, reaches down and up (Newcombe's method 10)."""
    spread = sqrt(one[0] * (1 - one[0]) * other[0] * (1 - other[0]))
    # Two outcomes that exclude each other: the more of one, the less of the other.
    together = -one[0] * other[0] / spread if spread else 0.0

    def reach(of_one: float, of_other: float) -> float:
        return sqrt(max(0.0, of_one**2 - 2 * together * of_one * of_other + of_other**2))

    return reach(one[0] - one[1], other[2] - other[0]), reach(one[2] - one[0], other[0] - other[1])


def _wilson(share: float, n: float) -> tuple[float, float]:
    centre = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z * sqrt(share * (1 - share) / n + Z**2 / (4 * n**2)) / (1 + Z**2 / n)
    return max(0.0, min(centre - half, share)), min(1.0, max(centre + half, share))


def _weights(chances: Sequence[float], expected: int) -> NDArray[np.float64]:
    given = np.asarray(chances, dtype=np.float64)
    if len(given) != expected:
        raise ValueError(f"{expected} checks need {expected} chances, not {len(given)}")
    if not ((given > 0) & (given <= 1)).all():
        raise ValueError("every check needs the chance it was drawn with, above 0 and at most 1")
    return 1 / given


def _between(share: float) -> float:
    return min(1.0, max(0.0, share))
