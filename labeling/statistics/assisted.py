"""A share that a model claims of a whole, corrected by checks drawn with known chances.

The model's word is known of every item, and the checks only have to say how far it is off: the difference estimator (Särndal,
Swensson and Wretman 1992, section 6.3). Its interval is made of those of "missed" and "false alarm" by the method of Newcombe
(1998), which also holds where no check found the model wrong.
"""

from collections.abc import Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from labeling.statistics.estimate import Estimate
from labeling.statistics.weighted import weighted_share

# A share with the lower and upper end of its interval.
Interval = tuple[float, float, float]


def assisted_share(
    model_share: float,
    model: Sequence[bool] | NDArray[np.bool_],
    found: Sequence[float] | NDArray[np.bool_],
    chances: Sequence[float],
) -> Estimate:
    """The model's share of all items, corrected by what checks found: `model` and `found` are of those checked.

    Raises ValueError for a chance of none.
    """
    said, is_so = np.asarray(model, dtype=bool), np.asarray(found, dtype=bool)
    missed = _interval(weighted_share(is_so & ~said, chances))
    false_alarm = _interval(weighted_share(said & ~is_so, chances))
    if missed is None or false_alarm is None:
        return Estimate(None, None, None, len(is_so))
    below, above = _difference_width(missed, false_alarm)
    share = model_share + missed[0] - false_alarm[0]
    return Estimate(_between(share), _between(share - below), _between(share + above), len(is_so))


def _interval(estimate: Estimate) -> Interval | None:
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return None
    return estimate.value, estimate.low, estimate.high


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
