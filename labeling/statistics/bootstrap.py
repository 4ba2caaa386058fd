"""Intervals by resampling items, for numbers that are functions of sums over items.

Every coefficient of agreement here is 1 - observed / expected disagreement, and both are functions of sums over items. So
resampling needs no second pass over the answers: items that were answered alike are one pattern, a resample is a
multinomial draw of how often each pattern comes, and leaving an item out takes its part off the sums.

Intervals are BCa: percentiles of the resamples, moved for bias and skewness (Efron, "Better bootstrap confidence
intervals", JASA 82, 1987).
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from labeling.statistics.estimate import Estimate

Values = NDArray[np.float64]
Codes = NDArray[np.int64]
# Sums over items (…, parts) → observed and expected disagreement, each (…). That of one item lies between 0 and 1.
Disagreement = Callable[[Values], tuple[Values, Values]]

LEVEL = 0.95
SEED = 1
RESAMPLES = 2000
# Numbers that are drawn at a time: many patterns take several turns instead of gigabytes.
CELLS = 4_000_000
# Expected disagreement below this is rounding: chance alone would agree on everything.
NOTHING = 1e-12
NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Coefficient:
    """1 - observed / expected disagreement of `n` items that more than one person answered.

    `parts` is what one item of each pattern adds to the sums, `times` how many items have that pattern.
    """

    parts: Values
    times: Values
    disagreement: Disagreement
    n: int

    @property
    def value(self) -> float | None:
        """The coefficient, whatever the number of items; None where chance alone would agree on everything."""
        found = float(self._of(self.times @ self.parts))
        return None if math.isnan(found) else found

    def estimate(self, *, seed: int = SEED, resamples: int = RESAMPLES) -> Estimate:
        """The coefficient with its interval; the same seed gives the same interval."""
        value = self.value
        if value is None or not Estimate(value, value, value, self.n).enough:
            return Estimate(None, None, None, self.n)
        sums = self.times @ self.parts
        observed, expected = (float(one) for one in self.disagreement(sums))
        if observed < NOTHING:
            return Estimate(value, _low_of_unanimous(expected, self.n), 1.0, self.n)
        drawn = np.concatenate([self._of(each) for each in self._resampled(seed, resamples)])
        low, high = bca(value, drawn, self._of(sums - self.parts), self.times)
        return Estimate(value, low, high, self.n)

    def _of(self, sums: Values) -> Values:
        with np.errstate(divide="ignore", invalid="ignore"):
            observed, expected = self.disagreement(sums)
            return np.where(expected > NOTHING, 1 - observed / expected, np.nan)

    def _resampled(self, seed: int, resamples: int) -> Iterator[Values]:
        random = np.random.default_rng(seed)
        items = int(self.times.sum())
        turn = max(1, CELLS // len(self.times))
        for begin in range(0, resamples, turn):
            size = min(turn, resamples - begin)
            yield random.multinomial(items, self.times / self.times.sum(), size=size) @ self.parts


def patterns(counts: NDArray[np.integer], times: Values | None = None) -> tuple[Values, Values]:
    """The different rows of counts (items, labels), and how many items each is of.

    `times` says how many items a row stands for, 1 by default. Raises ValueError.
    """
    if counts.ndim != 2 or counts.shape[1] < 2:
        raise ValueError(
            f"counts must have a row for each item and a column for each of two labels or more, not {counts.shape}"
        )
    if (counts < 0).any():
        raise ValueError("counts must not be negative")
    found, place = np.unique(counts, axis=0, return_inverse=True)
    return found.astype(np.float64), np.bincount(place, times, len(found)).astype(np.float64)


def bca(value: float, drawn: Values, left_out: Values, times: Values) -> tuple[float, float]:
    """The interval from resampled values and from those with one item left out, each of which stands `times` times.

    Values that are not defined (a resample of one label alone) are passed over.
    """
    drawn = drawn[~np.isnan(drawn)]
    known = ~np.isnan(left_out)
    left_out, times = left_out[known], times[known]
    if not len(drawn):
        return value, value
    below = (float((drawn < value).mean()) + float((drawn <= value).mean())) / 2
    bias = NORMAL.inv_cdf(min(max(below, 1 / (2 * len(drawn))), 1 - 1 / (2 * len(drawn))))
    apart = np.average(left_out, weights=times) - left_out
    spread = float((times * apart**2).sum())
    skew = float((times * apart**3).sum()) / (6 * spread**1.5) if spread > 0 else 0.0
    ends = [NORMAL.inv_cdf((1 - LEVEL) / 2), NORMAL.inv_cdf((1 + LEVEL) / 2)]
    at = [NORMAL.cdf(bias + (bias + end) / max(1 - skew * (bias + end), NOTHING)) for end in ends]
    low, high = np.quantile(drawn, at)
    return float(low), float(high)


def _low_of_unanimous(expected: float, items: int) -> float:
    """The low end where nobody disagreed: a resample cannot show what was not seen.

    At most a share 1 - 0.025^(1/n) of all items can be disagreed on (Clopper and Pearson, Biometrika 26, 1934).
    """
    return max(-1.0, 1 - (1 - ((1 - LEVEL) / 2) ** (1 / items)) / expected)
