"""Counts and checks as shares with their intervals; what is said of few is said of none (labeling.statistics)."""

from collections.abc import Sequence
from dataclasses import dataclass

from labeling.statistics.estimate import MIN_ITEMS, Estimate
from labeling.statistics.weighted import weighted_share, wilson

LEAST = MIN_ITEMS


def counted(part: int, n: int) -> Estimate:
    """The share that `part` of `n` is, with the interval of Wilson: how far chance alone could have moved it."""
    if not n:
        return Estimate(None, None, None, 0)
    low, high = wilson(part / n, n)
    return Estimate(part / n, low, high, n)


@dataclass(frozen=True, slots=True)
class Bounds:
    """A share of checks: as if all that is disputed went against it, and as if all went for it."""

    worst: Estimate
    best: Estimate
    disputed: int


def bounded(found: Sequence[int | None], chances: Sequence[float]) -> Bounds:
    """The share of checks that found it so, each counted by 1 / its chance; None is one that is disputed."""
    # A share knows weights by their proportion alone, and those shared out among plans may lie below 1.
    most = max([1.0, *chances])
    scaled = [chance / most for chance in chances]
    worst, best = (
        weighted_share([float(either if one is None else one) for one in found], scaled) for either in (0, 1)
    )
    return Bounds(worst, best, sum(one is None for one in found))
