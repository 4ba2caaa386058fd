"""Clocks: when one is due, which is the nearest, and what becomes of those that run when the rules change. All pure.

A legal clock never pauses and knows no working hours, unless its law counts working days. It moves later only where its basis
changed, and that is on record. An internal one runs in working time and stands still while its record is paused.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from service.sla.calendars import (
    DAY,
    HORIZON_DAYS,
    Calendar,
    NoWorkingTimeError,
    add,
    add_days,
    between,
    end_of,
    works_on,
)

Kind = Literal["legal", "internal"]


@dataclass(frozen=True, slots=True)
class Budget:
    """How long a clock runs: `minutes` or, where `days` is given, working days of the calendar."""

    calendar: Calendar
    minutes: int = 0
    days: int | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """A time for which a record's internal clocks stand still; `end` is None while it lasts."""

    start: datetime
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a clock is due, and what that rests on."""

    due_at: datetime
    basis: str


def due(kind: Kind, start: datetime, budget: Budget, pauses: Sequence[Pause] = ()) -> datetime | None:
    """When a clock runs out; None for an internal one that a pause without an end stops before that.

    Raises NoWorkingTimeError.
    """
    if kind == "legal":
        if budget.days is not None:
            return add_days(budget.calendar, start, budget.days)
        return start + timedelta(minutes=budget.minutes)
    stops = merged(start, pauses)
    if budget.days is not None:
        return _days(budget.calendar, start, budget.days, stops)
    left = timedelta(minutes=budget.minutes)
    reached = start
    for stop in stops:
        before = between(budget.calendar, reached, stop.start)
        if left <= before:
            break
        if stop.end is None:
            return None
        left -= before
        reached = stop.end
    return add(budget.calendar, reached, left)


def merged(start: datetime, pauses: Iterable[Pause]) -> list[Pause]:
    """The pauses from a moment on, in order, those that touch or overlap as one."""
    found: list[Pause] = []
    for one in sorted(pauses, key=lambda pause: pause.start):
        begin = max(one.start, start)
        if one.end is not None and one.end <= begin:
            continue
        if not found:
            found.append(Pause(begin, one.end))
            continue
        last = found[-1]
        if last.end is None:
            break
        if begin > last.end:
            found.append(Pause(begin, one.end))
        elif one.end is None or one.end > last.end:
            found[-1] = Pause(last.start, one.end)
    return found


def is_over(due_at: datetime, now: datetime) -> bool:
    """Whether a clock has run out. What is done at the very moment it is due is done in time."""
    return now > due_at


def moves_later(kind: Kind, old: Deadline, new: Deadline, *, reason: str) -> str | None:
    """Why a clock must not take the place of another; None where it may.

    A legal clock moves later only on another basis, which the reason has to name word for word.
    """
    if kind != "legal" or new.due_at <= old.due_at:
        return None
    if new.basis.casefold() == old.basis.casefold():
        return "a legal clock moves later only on another basis than the one it has"
    if new.basis.casefold() not in reason.casefold():
        return "the reason has to name the new basis word for word"
    return None


def _days(calendar: Calendar, start: datetime, days: int, stops: Sequence[Pause]) -> datetime | None:
    """As `add_days`, without the days for whose whole working time the clock stood still."""
    day = start.astimezone(calendar.zone).date()
    for _ in range(HORIZON_DAYS):
        day += DAY
        if not works_on(calendar, day):
            continue
        if any(stop.end is None and stop.start <= end_of(calendar.zone, day - DAY) for stop in stops):
            return None
        days -= _runs_on(calendar, day, stops)
        if days <= 0:
            return end_of(calendar.zone, day)
    raise NoWorkingTimeError(f"no working day within {HORIZON_DAYS} days of {start:%Y-%m-%d}")


def _runs_on(calendar: Calendar, day: date, stops: Sequence[Pause]) -> bool:
    begin, end = end_of(calendar.zone, day - DAY), end_of(calendar.zone, day)
    working = between(calendar, begin, end)
    for stop in stops:
        working -= between(calendar, max(stop.start, begin), min(stop.end or end, end))
    return working > timedelta(0)
