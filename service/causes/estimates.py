"""Intervals of counts and of rates before and after: what chance alone could have done."""

import math
from dataclasses import dataclass
from typing import Literal

from labeling.statistics.weighted import NORMAL, wilson

# Fewer events than these before and after together tell nothing, whatever their ratio.
LEAST_EVENTS = 10
# A share of fewer is not said.
LEAST_SHARED = 20
# An action that was done less long ago is not judged.
LEAST_DAYS_AFTER = 14

Verdict = Literal["too_early", "too_few", "fewer", "more", "no_difference"]


@dataclass(frozen=True, slots=True)
class Rate:
    """Events per week with the interval of 95 % of a Poisson count."""

    events: int
    weeks: float
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Compared:
    """Rates before and after something. `ratio`, `low` and `high` are of after to before; None where nothing is claimed."""

    before: Rate
    after: Rate
    verdict: Verdict
    ratio: float | None = None
    low: float | None = None
    high: float | None = None


def rate(events: int, weeks: float) -> Rate:
    """So many events in so many weeks, more than none; the interval is Byar's (Breslow and Day, IARC 82, 1987)."""
    low = 0.0 if events == 0 else events * (1 - 1 / (9 * events) - NORMAL / (3 * math.sqrt(events))) ** 3
    more = events + 1
    high = more * (1 - 1 / (9 * more) + NORMAL / (3 * math.sqrt(more))) ** 3
    return Rate(events, weeks, events / weeks, max(0.0, low) / weeks, high / weeks)


def compared(before: Rate, after: Rate) -> Compared:
    """Whether there is less or more of it than before; no claim where there is too little to make one.

    Given all events, those after are a share of them by chance alone (Przyborowski and Wilenski, Biometrika 31, 1940).
    """
    events = before.events + after.events
    if after.weeks * 7 < LEAST_DAYS_AFTER:
        return Compared(before, after, "too_early")
    if events < LEAST_EVENTS:
        return Compared(before, after, "too_few")
    scale = before.weeks / after.weeks
    low, high = (_odds(share) * scale for share in wilson(after.events / events, events))
    verdict: Verdict = "fewer" if high < 1 else "more" if low > 1 else "no_difference"
    ratio = _odds(after.events / events) * scale
    # After nothing at all before, there is more of it, and no number says how many times.
    return Compared(before, after, verdict, *(None if math.isinf(one) else one for one in (ratio, low, high)))


def _odds(share: float) -> float:
    return share / (1 - share) if share < 1 else math.inf
