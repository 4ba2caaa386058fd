"""Shares with their intervals, of counts that may stand for more than one: pure functions."""

import math
from dataclasses import dataclass

# Below this many, a share says more about chance than about anybody's work.
LEAST = 30
# The standard normal quantile of a two-sided interval of 95 %.
Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Sums:
    """What a weighted share is made of: how many, their weights summed and squared-and-summed, and the part that holds."""

    n: int
    weight: float
    squares: float
    part: float

    @classmethod
    def of(cls, n: int, part: int) -> "Sums":
        """A plain count, in which each stands for itself."""
        return cls(n, float(n), float(n), float(part))


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its interval of 95 %."""

    value: float
    low: float
    high: float


def share(sums: Sums) -> Share | None:
    """The share by inverse probability weights (Hájek 1971); None under LEAST.

    The interval is Wilson's (1927) on the effective number of Kish (1965), (sum of w)^2 / sum of w^2: equal weights give the
    plain one, unequal ones a wider. It takes the checks as independent of each other.
    """
    if sums.n < LEAST or sums.weight <= 0:
        return None
    # Sums of floats can end a hair beyond what they are sums of.
    value = min(max(sums.part / sums.weight, 0.0), 1.0)
    n = sums.weight**2 / sums.squares
    spread = Z95**2 / n
    middle = (value + spread / 2) / (1 + spread)
    half = Z95 / (1 + spread) * math.sqrt(value * (1 - value) / n + spread / (4 * n))
    return Share(value, max(middle - half, 0.0), min(middle + half, 1.0))
