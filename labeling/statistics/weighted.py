"""Shares of a whole from items that were chosen with known, unequal chances.

An item that was chosen with chance q stands for 1 / q items. Horvitz and Thompson ("A generalization of sampling without
replacement from a finite universe", JASA 47, 1952) divide by the known number of items of the whole, Hajek (in Foundations of
Statistical Inference, 1971) by the estimated one, which is steadier for shares. Items that could not be chosen at all are in
neither: without a random share of all items, nothing is known of them. For draws one after the other from a shrinking
queue see `eval/sampling.py`.
"""

import math
from collections.abc import Sequence

import numpy as np

from labeling.statistics.bootstrap import Values
from labeling.statistics.estimate import Estimate

NORMAL = 1.959964


def wilson(share: float, number: float) -> tuple[float, float]:
    """The 95 % interval of a share seen in so many independent draws (Wilson, JASA 22, 1927)."""
    square = NORMAL**2
    middle = (share + square / (2 * number)) / (1 + square / number)
    half = NORMAL / (1 + square / number) * math.sqrt(share * (1 - share) / number + square / (4 * number**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def weighted_share(
    values: Sequence[float] | Values,
    chances: Sequence[float] | Values,
    *,
    population: int | None = None,
    finite: bool = False,
) -> Estimate:
    """The share of a whole that has something, from items with a value of 0 to 1 and the chance each was chosen with.

    Hajek's estimate, or Horvitz and Thompson's where `population` gives the number of items of the whole. With `finite` the
    interval is about these very items, of which those that were chosen for certain are known; without, it is about whatever makes
    such items: the skill of a reviewer, the prevalence on the platform. It is Wilson's for as many draws as the
    estimate is worth by its linearised variance. Raises ValueError.
    """
    value, chance = np.asarray(values, np.float64), np.asarray(chances, np.float64)
    _check(value, chance, population)
    if not len(value):
        return Estimate(None, None, None, 0)
    weight = 1 / chance
    whole = float(population or weight.sum())
    share = float((weight * value).sum()) / whole
    number = _worth(value, weight, share=share, whole=whole if population else None, finite=finite)
    low, high = wilson(min(share, 1.0), number) if math.isfinite(number) else (share, share)
    return Estimate(share, low, max(high, share), len(value))


def _check(value: Values, chance: Values, population: int | None) -> None:
    if value.ndim != 1 or value.shape != chance.shape:
        raise ValueError(f"each item needs a value and a chance, not {value.shape} and {chance.shape}")
    if not ((chance > 0) & (chance <= 1)).all():
        raise ValueError("chances must lie above 0 and be 1 at most; what could not be chosen cannot be in the sample")
    if not ((value >= 0) & (value <= 1)).all():
        raise ValueError("values must lie between 0 and 1")
    if population is not None and population < len(value):
        raise ValueError(f"the whole of {population} items is smaller than the sample of {len(value)}")


def _worth(value: Values, weight: Values, *, share: float, whole: float | None, finite: bool) -> float:
    """How many independent draws the share is worth.

    Two items that have it and two that have not are put in with a typical weight, so that the variance does not vanish with what
    was not seen (Agresti and Coull, Am. Stat. 52, 1998).
    """
    typical = float((weight**2).sum() / weight.sum())
    value = np.append(value, [1.0, 1.0, 0.0, 0.0])
    weight = np.append(weight, [typical] * 4)
    near = float((weight * value).sum() / weight.sum())
    unsure = weight**2 - weight if finite else weight**2
    if whole is None:
        variance = float((unsure * (value - near) ** 2).sum()) / float(weight.sum()) ** 2
    else:
        variance = float((unsure * value**2).sum()) / (whole + 4 * typical) ** 2
        near = min(share, near)
    return near * (1 - near) / variance if variance > 0 else math.inf
