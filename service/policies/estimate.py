"""How many decisions would flip: estimates from checks drawn with known chances, alone or with a model's help.

Pure arithmetic on arrays. With weights w = 1 / chance, the share is the ratio estimator sum(w y) / sum(w) (Hájek 1971),
the interval that of Wilson (1927) for the effective number of checks (sum w)² / sum w² (Kish 1965). With a model, its flips
are known of every decision, and the checks only have to say how far it is off: the difference estimator (Särndal, Swensson
and Wretman 1992, section 6.3). Its interval is made of the two Wilson intervals of "missed" and "false alarm" by the method
of Newcombe (1998), which also holds where no check found the model wrong.
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
    share = _mean(np.asarray(flips, dtype=np.float64), weights)
    low, high = _wilson(share, _effective(weights))
    return Estimate(len(weights), share, low, high)


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
    missed = _mean((found & ~said).astype(np.float64), weights)
    false_alarm = _mean((said & ~found).astype(np.float64), weights)
    below, above = _difference_width(missed, false_alarm, _effective(weights))
    share = model_share + missed - false_alarm
    return Estimate(len(weights), _between(share), _between(share - below), _between(share + above))


def _difference_width(one: float, other: float, n: float) -> tuple[float, float]:
    """How far the interval of `one - other`, two outcomes of the same n checks, reaches down and up (Newcombe's method 10)."""
    low_one, high_one = _wilson(one, n)
    low_other, high_other = _wilson(other, n)
    spread = sqrt(one * (1 - one) * other * (1 - other))
    # Two outcomes that exclude each other: the more of one, the less of the other.
    together = -one * other / spread if spread else 0.0

    def reach(of_one: float, of_other: float) -> float:
        return sqrt(max(0.0, of_one**2 - 2 * together * of_one * of_other + of_other**2))

    return reach(one - low_one, high_other - other), reach(high_one - one, other - low_other)


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


def _mean(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    return float((values * weights).sum() / weights.sum())


def _effective(weights: NDArray[np.float64]) -> float:
    return float(weights.sum() ** 2 / (weights**2).sum())


def _between(share: float) -> float:
    return min(1.0, max(0.0, share))
