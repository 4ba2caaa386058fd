"""Shares of a whole from items that were chosen with known, unequal chances.

An item that was chosen with chance q stands for 1 / q items. The share is that of Hajek (in Foundations of Statistical
Inference, 1971), who divides by the number of items that the sample stands for. Horvitz and Thompson ("A generalization of
sampling without replacement from a finite universe", JASA 47, 1952) divide by the true number: that varies more, comes to
more than 1 at times, and needs an interval that knows how many are drawn. Items that could not be chosen at all are in
neither: without a random share of all items, nothing is known of them. For draws one after the other from a shrinking
queue see `eval/sampling.py`.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from labeling.statistics.bootstrap import Values
from labeling.statistics.estimate import Estimate

NORMAL = 1.959964


def wilson(share: float, number: float) -> tuple[float, float]:
    """The 95 % interval of a share seen in so many independent draws, 0 to 1 of none (Wilson, JASA 22, 1927)."""
    square = NORMAL**2
    middle = (share * number + square / 2) / (number + square)
    half = NORMAL * math.sqrt(share * (1 - share) * number + square / 4) / (number + square)
    return max(0.0, middle - half), min(1.0, middle + half)


def counted_share(part: int, n: int) -> Estimate:
    """The share that `part` of `n` is, with the interval of Wilson: how far chance alone could have moved it."""
    if not n:
        return Estimate(None, None, None, 0)
    low, high = wilson(part / n, n)
    return Estimate(part / n, low, high, n)


def weighted_share(
    values: Sequence[float] | Values | NDArray[np.bool_],
    chances: Sequence[float] | Values,
    *,
    finite: bool = False,
) -> Estimate:
    """The share of a whole that has something, from items with a value of 0 to 1 and the chance each was chosen with.

    With `finite` the interval is about these very items, of which those that were chosen for certain are known; without, it is about whatever makes
    such items: the skill of a reviewer, the prevalence on the platform. It is Wilson's for as many draws as the
    estimate is worth by its linearised variance. Raises ValueError.
    """
    value, chance = np.asarray(values, np.float64), np.asarray(chances, np.float64)
    _check(value, chance)
    if not len(value):
        return Estimate(None, None, None, 0)
    weight = 1 / chance
    share = float((weight * value).sum()) / float(weight.sum())
    number = _worth(value, weight, finite=finite)
    low, high = wilson(share, number) if math.isfinite(number) else (share, share)
    return Estimate(share, low, max(high, share), len(value))


def _check(value: Values, chance: Values) -> None:
    if value.ndim != 1 or value.shape != chance.shape:
        raise ValueError(f"each item needs a value and a chance, not {value.shape} and {chance.shape}")
    if not ((chance > 0) & (chance <= 1)).all():
        raise ValueError("chances must lie above 0 and be 1 at most; what could not be chosen cannot be in the sample")
    if not ((value >= 0) & (value <= 1)).all():
        raise ValueError("values must lie between 0 and 1")


def _worth(value: Values, weight: Values, *, finite: bool) -> float:
    """How many independent draws the share is worth.

    Two items that have it and two that have not are put in with a typical weight, so that the variance does not vanish with what
    was not seen (Agresti and Coull, Am. Stat. 52, 1998).
    """
    typical = float((weight**2).sum() / weight.sum())
    value = np.append(value, [1.0, 1.0, 0.0, 0.0])
    weight = np.append(weight, [typical] * 4)
    unsure = weight**2 - weight if finite else weight**2
    near = float((weight * value).sum() / weight.sum())
    variance = float((unsure * (value - near) ** 2).sum()) / float(weight.sum()) ** 2
    return near * (1 - near) / variance if variance > 0 else math.inf
