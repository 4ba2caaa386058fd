"""How many decisions would flip: estimates from checks drawn with known chances, alone or with a model's help.

Pure arithmetic on arrays. From checks alone it is the share of `labeling.statistics.weighted`. With a model, its flips are
known of every decision, and the checks only have to say how far it is off: the difference estimator (Särndal, Swensson and
Wretman 1992, section 6.3). Its interval is made of those of "missed" and "false alarm" by the method of Newcombe (1998), which
also holds where no check found the model wrong.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from labeling.statistics import weighted
from labeling.statistics.estimate import MIN_ITEMS

# Below so many checks no share is told, only how many there are.
LEAST_CHECKED = MIN_ITEMS
# A share with the lower and upper end of its interval.
Interval = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share with its 95 % interval; all None where there are too few checks."""

    checked: int
    share: float | None = None
    low: float | None = None
    high: float | None = None


def weighted_share(flips: Sequence[bool] | NDArray[np.bool_], chances: Sequence[float]) -> Estimate:
    """The share of flips in what checks were drawn from, each with its own chance. Raises ValueError for a chance of none."""
    found = weighted.weighted_share(np.asarray(flips, dtype=np.float64), chances)
    return Estimate(found.n, found.value, found.low, found.high)


def assisted_share(
    model_share: float,
    model: Sequence[bool] | NDArray[np.bool_],
    flips: Sequence[bool] | NDArray[np.bool_],
    chances: Sequence[float],
) -> Estimate:
    """The model's share over all decisions, corrected by what the checks found: `model` and `flips` are of those checked.

    Raises ValueError for a chance of none.
    """
    said, found = np.asarray(model, dtype=bool), np.asarray(flips, dtype=bool)
    missed = _interval(weighted_share(found & ~said, chances))
    false_alarm = _interval(weighted_share(said & ~found, chances))
    if missed is None or false_alarm is None:
        return Estimate(len(found))
    below, above = _difference_width(missed, false_alarm)
    share = model_share + missed[0] - false_alarm[0]
    return Estimate(len(found), _between(share), _between(share - below), _between(share + above))


def _interval(estimate: Estimate) -> Interval | None:
    if estimate.share is None or estimate.low is None or estimate.high is None:
        return None
    return estimate.share, estimate.low, estimate.high


def _difference_width(one: Interval, other: Interval) -> tuple[float, float]:
    """How far the interval of `one - other`, two outcomes of the same checks, reaches down and up (Newcombe's method 10)."""
    spread = sqrt(one[0] * (1 - one[0]) * other[0] * (1 - other[0]))
    # Two outcomes that exclude each other: the more of one, the less of the other.
    together = -one[0] * other[0] / spread if spread else 0.0

    def reach(of_one: float, of_other: float) -> float:
        return sqrt(max(0.0, of_one**2 - 2 * together * of_one * of_other + of_other**2))

    return reach(one[0] - one[1], other[2] - other[0]), reach(one[2] - one[0], other[0] - other[1])


def _between(share: float) -> float:
    return min(1.0, max(0.0, share))
