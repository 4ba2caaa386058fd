"""Working time: when somebody is at work, in a time zone with its changes of the clock, and how far that time reaches.

Everything here is pure. Moments go in and come out in UTC; a minute of work is a minute that passes, whatever a clock on the
wall does: a night shift in which the clock is put forward is an hour shorter.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache

import holidays

DAY_MINUTES = 24 * 60
# A calendar that has no hours for so long has none at all.
HORIZON_DAYS = 10 * 366
DAY = timedelta(days=1)
NONE = timedelta(0)


class NoWorkingTimeError(ValueError):
    """A calendar has no working time left within `HORIZON_DAYS`."""


@dataclass(frozen=True, slots=True)
class Shift:
    """From minute `start` of a local day until minute `end`, counted from the same midnight: over 1440 is the next day."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Calendar:
    """When people work: shifts of each weekday from Monday on, but for holidays of a country and own closed dates.

    A shift belongs to the day on which it begins: one that begins on a holiday is not worked, one that runs into a holiday is.
    `opened` are dates that no holiday closes. Round the clock is one shift from 0 to 1440 on every day.
    """

    zone: tzinfo
    week: tuple[tuple[Shift, ...], ...]
    country: str | None = None
    subdivision: str | None = None
    closed: frozenset[date] = frozenset()
    opened: frozenset[date] = frozenset()


def works_on(calendar: Calendar, day: date) -> bool:
    """Whether a date is a working day: it has a shift, and nothing closes it."""
    return bool(calendar.week[day.weekday()]) and exists(calendar.zone, day) and not _closed(calendar, day)


def intervals(calendar: Calendar, since: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Spans of working time in UTC that end after a moment, in order and without overlap.

    A local time that a change of the clock skips or repeats is read as iCalendar does (RFC 5545, 3.3.5): by the offset before
    the gap, and as the first of two.
    """
    since = since.astimezone(UTC)
    reached = since
    # One day back: a night shift of the evening before may still run.
    first = since.astimezone(calendar.zone).date() - DAY
    for number in range(HORIZON_DAYS):
        day = first + DAY * number
        if not works_on(calendar, day):
            continue
        spans = [
            (_at(calendar.zone, day, one.start), _at(calendar.zone, day, one.end))
            for one in calendar.week[day.weekday()]
        ]
        for begin, end in sorted(spans):
            if end > max(begin, reached):
                yield max(begin, reached), end
                reached = end


def add(calendar: Calendar, start: datetime, working: timedelta) -> datetime:
    """The moment at which so much working time has passed. What runs out with a shift is due at its end.

    Raises NoWorkingTimeError.
    """
    if working <= NONE:
        return start.astimezone(UTC)
    for begin, end in intervals(calendar, start):
        if working <= end - begin:
            return begin + working
        working -= end - begin
    raise NoWorkingTimeError(f"no working time within {HORIZON_DAYS} days of {start:%Y-%m-%d}")


def between(calendar: Calendar, start: datetime, end: datetime) -> timedelta:
    """How much working time lies between two moments; none where the second is not after the first."""
    total = NONE
    for begin, finish in intervals(calendar, start):
        if begin >= end:
            break
        total += min(finish, end) - begin
    return total


def add_days(calendar: Calendar, start: datetime, days: int) -> datetime:
    """The end of the last of so many working days. The day of the start does not count (Regulation 1182/71, article 3).

    The end of a day is the local midnight after it. Raises NoWorkingTimeError.
    """
    day = start.astimezone(calendar.zone).date()
    for _ in range(HORIZON_DAYS):
        day += DAY
        days -= works_on(calendar, day)
        if days <= 0:
            return end_of(calendar.zone, day)
    raise NoWorkingTimeError(f"no working day within {HORIZON_DAYS} days of {start:%Y-%m-%d}")


def end_of(zone: tzinfo, day: date) -> datetime:
    """The local midnight at the end of a date."""
    return _at(zone, day, DAY_MINUTES)


def exists(zone: tzinfo, day: date) -> bool:
    """Whether a zone had that date: Samoa went from 29 to 31 December 2011."""
    noon = datetime.combine(day, time(12), zone)
    return noon.astimezone(UTC).astimezone(zone).date() == day


def _at(zone: tzinfo, day: date, minute: int) -> datetime:
    days, minute = divmod(minute, DAY_MINUTES)
    return datetime.combine(day + DAY * days, time(*divmod(minute, 60)), zone).astimezone(UTC)


def _closed(calendar: Calendar, day: date) -> bool:
    if day in calendar.closed:
        return True
    if calendar.country is None or day in calendar.opened:
        return False
    return day in _holidays(calendar.country, calendar.subdivision, day.year)


@lru_cache(maxsize=256)
def _holidays(country: str, subdivision: str | None, year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays(country, subdiv=subdivision, years=year))
