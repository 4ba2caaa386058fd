"""Which deadlines will be missed at this pace: a pure function of the clocks that run, what is done, and what comes.

What it assumes, and the page says: everybody goes on at this pace, and cases with a deadline are decided before all others,
the nearest deadline first, as the guard does when a deadline comes near. So it is the best that can be hoped for: whoever
works on anything else meanwhile makes it worse. Cases that are still to come stand before a known one where their deadline
will be nearer; they are taken to come as they did, with the time to decide that they had.

In that order the k-th case is in time exactly if all before it and itself are no more work than is done until it is due.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

# A pace of an hour or a shift says nothing of the day after tomorrow.
HORIZON_HOURS = 24.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Decisions an hour; cases an hour that come with a deadline, and the hours they have until it (their median)."""

    done_per_hour: float
    clocked_per_hour: float = 0.0
    allowance_hours: float = 0.0


@dataclass(frozen=True, slots=True)
class Breaches:
    """What will be missed within the horizon: how many, and when the first of them is due; `overdue` are missed already."""

    overdue: int
    missed: int
    first_at: datetime | None


def predict(due: Sequence[datetime], pace: Pace, *, now: datetime, before: int = 0) -> Breaches:
    """Which of the open deadlines pass before their case is reached; `before` cases that are not among them are overdue."""
    overdue, late = before, []
    # A case can come with a deadline that is over: it stands in front all the same, from when it comes.
    allowance = max(0.0, pace.allowance_hours)
    for place, moment in enumerate(sorted(due), start=before + 1):
        hours = (moment - now).total_seconds() / 3600
        if hours <= 0:
            overdue += 1
        elif hours <= HORIZON_HOURS:
            newcomers = pace.clocked_per_hour * max(0.0, hours - allowance)
            if place + newcomers > pace.done_per_hour * hours:
                late.append(moment)
    return Breaches(overdue, len(late), late[0] if late else None)
