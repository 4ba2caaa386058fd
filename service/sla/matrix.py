"""The matrix of clocks: read from its text, checked, and asked which row a record has. All pure.

Of the rows that match a record the most specific one counts. A trigger weighs most, then a country, a group of countries, an
area, a source and last a severity: whatever weighs more outweighs all that weighs less together. Two rows that are equally
specific and take the same record contradict each other, and such a matrix is refused.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from importlib import resources
from itertools import combinations, pairwise
from zoneinfo import ZoneInfo

import holidays
from pydantic import ValidationError

from service.errors.requests import InvalidRequestError
from service.sla.calendars import DAY_MINUTES, Calendar, Shift
from service.sla.running import Budget, Kind
from service.sla.schemas import CalendarIn, Day, MatrixIn, RowIn, Target, TargetIn

WEEK: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# From the heaviest on; a country weighs twice what a group of countries does.
CONDITIONS = ("triggers", "jurisdictions", "areas", "sources", "severities")
COUNTRY, GROUP = 16, 8
WEIGHTS: Mapping[str, int] = {"triggers": 32, "areas": 4, "sources": 2, "severities": 1}
MOST_WARNING = timedelta(days=1)
PROBLEMS_SHOWN = 5
# A target that takes longer than so many working weeks is a slip of the pen, and would be counted for ever.
MOST_WEEKS = 104


@dataclass(frozen=True, slots=True)
class Facts:
    """What the matrix goes by."""

    source: str
    trigger: str
    severity: int | None = None
    area: str | None = None
    jurisdiction: str | None = None


@dataclass(frozen=True, slots=True)
class Spec:
    """A clock that a record has by the matrix."""

    target: Target
    kind: Kind
    basis: str
    row: str
    budget: Budget
    warn: timedelta
    on_breach: str
    hand_to: str | None


@lru_cache(maxsize=1)
def shipped() -> str:
    """The matrix that comes with the product: defaults with source and date, no legal advice."""
    return resources.files("service.sla").joinpath("matrix.toml").read_text(encoding="utf-8")


@lru_cache(maxsize=16)
def parsed(text: str) -> MatrixIn:
    """A matrix that can be put to work. Raises InvalidRequestError, which says what is wrong with which row."""
    try:
        matrix = MatrixIn.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise InvalidRequestError(f"text: this is no TOML: {error}") from error
    except ValidationError as error:
        raise InvalidRequestError("; ".join(_said(error))) from error
    if found := [*_wrong_calendars(matrix), *_wrong_rows(matrix), *_overlaps(matrix)]:
        left = len(found) - PROBLEMS_SHOWN
        raise InvalidRequestError("; ".join(found[:PROBLEMS_SHOWN]) + (f"; and {left} more" if left > 0 else ""))
    return matrix


def row_of(matrix: MatrixIn, facts: Facts) -> RowIn | None:
    """The most specific row that takes a record; None where none does."""
    weighed = [(weight, row) for row in matrix.rows if (weight := weight_of(matrix, row, facts)) is not None]
    return max(weighed, key=lambda one: one[0])[1] if weighed else None


def weight_of(matrix: MatrixIn, row: RowIn, facts: Facts) -> int | None:
    """How specific a row is about a record; None where it does not take it."""
    weight = 0
    asked: dict[str, tuple[object, object]] = {
        "triggers": (row.triggers, facts.trigger),
        "areas": (row.areas, facts.area),
        "sources": (row.sources, facts.source),
        "severities": (row.severities, facts.severity),
    }
    for name, (wanted, fact) in asked.items():
        if wanted:
            if fact not in wanted:  # type: ignore[operator]
                return None
            weight += WEIGHTS[name]
    if row.jurisdictions:
        if facts.jurisdiction in row.jurisdictions:
            weight += GROUP if facts.jurisdiction in matrix.groups else COUNTRY
        elif any(facts.jurisdiction in matrix.groups.get(one, ()) for one in row.jurisdictions):
            weight += GROUP
        else:
            return None
    return weight


def specs_of(matrix: MatrixIn, facts: Facts) -> list[Spec]:
    """The clocks that a record has by the matrix."""
    row = row_of(matrix, facts)
    return specs_in(matrix, row) if row else []


def specs_in(matrix: MatrixIn, row: RowIn) -> list[Spec]:
    """The clocks of a row."""
    return [_spec(matrix, row, one) for one in row.targets]


@lru_cache(maxsize=256)
def _made(zone: str, week: tuple[tuple[Shift, ...], ...], given: tuple[object, ...]) -> Calendar:
    country, subdivision, closed, opened = given
    return Calendar(ZoneInfo(zone), week, country, subdivision, closed, opened)  # type: ignore[arg-type]


def calendar_of(given: CalendarIn) -> Calendar:
    """A calendar to count with."""
    if given.always:
        week: tuple[tuple[Shift, ...], ...] = ((Shift(0, DAY_MINUTES),),) * 7
    else:
        week = tuple(tuple(map(_shift, given.week.get(day, []))) for day in WEEK)
    return _made(
        given.zone, week, (given.holidays, given.subdivision, frozenset(given.closed), frozenset(given.opened))
    )


def _spec(matrix: MatrixIn, row: RowIn, one: TargetIn) -> Spec:
    budget = Budget(calendar_of(matrix.calendars[one.calendar]), one.minutes or 0, one.business_days)
    # A quarter of the time, or the last day of those that count in days.
    quarter = MOST_WARNING if one.minutes is None else min(timedelta(minutes=one.minutes) / 4, MOST_WARNING)
    warn = quarter if one.warn_minutes is None else timedelta(minutes=one.warn_minutes)
    return Spec(one.target, one.kind, one.basis or row.basis, row.name, budget, warn, one.on_breach, one.hand_to)


def _shift(hours: str) -> Shift:
    start, end = (int(part[:2]) * 60 + int(part[3:]) for part in hours.split("-"))
    return Shift(start, end if end > start else end + DAY_MINUTES)


def _said(error: ValidationError) -> Iterator[str]:
    for one in error.errors()[:PROBLEMS_SHOWN]:
        yield f"{'.'.join(map(str, one['loc']))}: {one['msg']}"


def _wrong_calendars(matrix: MatrixIn) -> Iterator[str]:
    countries = holidays.list_supported_countries()
    for name, given in matrix.calendars.items():
        try:
            ZoneInfo(given.zone)
        except (OSError, ValueError, KeyError):
            yield f"calendars.{name}.zone: {given.zone!r} is no time zone, such as Europe/Berlin"
            continue
        if given.always == any(given.week.values()):
            yield f"calendars.{name}: give it shifts in its week, or always = true, and not both"
        if given.holidays is not None and given.holidays not in countries:
            yield f"calendars.{name}.holidays: holidays of {given.holidays!r} are not known"
        elif given.subdivision is not None and given.subdivision not in countries.get(given.holidays or "", ()):
            yield f"calendars.{name}.subdivision: {given.subdivision!r} is no part of {given.holidays}"
        for day, shifts in given.week.items():
            if any(hours[:5] == hours[6:] for hours in shifts):
                yield f"calendars.{name}.week.{day}: a shift begins and ends at the same time; round the clock is 00:00-24:00"
            spans = sorted((one.start, one.end) for one in map(_shift, shifts))
            if any(later[0] < earlier[1] for earlier, later in pairwise(spans)):
                yield f"calendars.{name}.week.{day}: two of its shifts overlap"


def _wrong_rows(matrix: MatrixIn) -> Iterator[str]:
    names = [row.name for row in matrix.rows]
    for name in sorted({one for one in names if names.count(one) > 1}):
        yield f"row {name}: two rows have this name"
    for row in matrix.rows:
        kinds = [(one.target, one.kind) for one in row.targets]
        if len(set(kinds)) < len(kinds):
            yield f"row {row.name}: two clocks of one kind for one target"
        for one in row.targets:
            yield from (f"row {row.name}, {one.target}: {problem}" for problem in _wrong_target(matrix, one))


def _wrong_target(matrix: MatrixIn, one: TargetIn) -> Iterator[str]:
    if (one.minutes is None) == (one.business_days is None):
        yield "give either minutes or business_days"
    if one.calendar not in matrix.calendars:
        yield f"there is no calendar {one.calendar!r}"
    elif one.minutes is not None and one.minutes > MOST_WEEKS * _a_week(matrix.calendars[one.calendar]):
        yield f"minutes: the calendar {one.calendar!r} has not so much working time in {MOST_WEEKS} weeks"
    elif one.kind == "legal" and one.minutes is not None and not matrix.calendars[one.calendar].always:
        yield "a legal clock in minutes runs round the clock; working days are counted with business_days"
    if one.minutes is not None and (one.warn_minutes or 0) >= one.minutes:
        yield "warn_minutes: a warning comes before the time is up and after the clock began"
    if (one.on_breach == "hand_over") != (one.hand_to is not None):
        yield "hand_to: named exactly where on_breach is hand_over"


def _a_week(given: CalendarIn) -> int:
    """Minutes of work of a week without holidays."""
    if given.always:
        return 7 * DAY_MINUTES
    return sum(one.end - one.start for shifts in given.week.values() for one in map(_shift, shifts))


def _overlaps(matrix: MatrixIn) -> Iterator[str]:
    """Pairs of rows of which neither is more specific, and that could both take one record."""
    for one, other in combinations(matrix.rows, 2):
        pairs = [(set(getattr(one, name)), set(getattr(other, name))) for name in CONDITIONS]
        if all(bool(mine) == bool(theirs) and (not mine or mine & theirs) for mine, theirs in pairs):
            yield f"rows {one.name} and {other.name} take the same records, and neither is more specific"
