"""Plain counts as shares: each stands for itself, and what is said of few is said of none (labeling.statistics)."""

from labeling.statistics.estimate import MIN_ITEMS, Estimate
from labeling.statistics.weighted import wilson

LEAST = MIN_ITEMS


def counted(part: int, n: int) -> Estimate:
    """The share that `part` of `n` is, with the interval of Wilson: how far chance alone could have moved it."""
    if not n:
        return Estimate(None, None, None, 0)
    low, high = wilson(part / n, n)
    return Estimate(part / n, low, high, n)
