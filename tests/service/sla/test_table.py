"""Clocks against instants worked out by hand, against a slow second way of counting, and the law against the calendar."""

import tomllib
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.sla.calendars import Calendar, NoWorkingTimeError, Shift, add, add_days, between
from service.sla.matrix import Spec, calendar_of
from service.sla.plan import Current, Situation, begun, replan
from service.sla.running import Budget, Deadline, Kind, Pause, due, is_over, moves_later
from service.sla.schemas import CalendarIn

TABLE = tomllib.loads((Path(__file__).parent / "table.toml").read_text(encoding="utf-8"))
CALENDARS = {name: calendar_of(CalendarIn.model_validate(one)) for name, one in TABLE["calendars"].items()}
DUE = [[part, *case] for part, cases in TABLE["due"].items() for case in cases]
LEAST = 150
MINUTE = timedelta(minutes=1)


def moment(written: str) -> datetime:
    return datetime.fromisoformat(written)


def pauses_of(written: Sequence[str]) -> list[Pause]:
    spans = [one.split("/") for one in written]
    return [Pause(moment(start), moment(end) if end else None) for start, end in spans]


def budget_of(calendar: str, written: str) -> Budget:
    number, unit = int(written[:-1]), written[-1]
    if unit == "d":
        return Budget(CALENDARS[calendar], days=number)
    return Budget(CALENDARS[calendar], minutes=number * (60 if unit == "h" else 1))


def spec_of(kind: Kind, calendar: str, budget: str, basis: str) -> Spec:
    return Spec("decision", kind, basis, "row", budget_of(calendar, budget), timedelta(0), "notify", None)


def current(spec: Spec, start: datetime, due_at: datetime) -> Current:
    return Current(uuid4(), spec.target, spec.kind, spec.basis, start, due_at, paused=False, spec=spec)


def named(cases: Sequence[Sequence[Any]], part: int = 0) -> list[Any]:
    return [pytest.param(*case[part + 1 :], id=": ".join(map(str, case[: part + 1]))) for case in cases]


def test_the_table_is_whole_and_no_case_is_there_twice() -> None:
    cases = [*DUE, *(case for part in ("between", "switch", "over") for case in TABLE[part]["cases"])]
    assert len(cases) >= LEAST
    facts = [repr(case[2:]) for case in DUE]
    assert len(set(facts)) == len(facts)


@pytest.mark.parametrize(("kind", "calendar", "start", "budget", "pauses", "expected"), named(DUE, 1))
def test_a_clock_is_due_when_the_table_says(
    kind: Kind, calendar: str, start: str, budget: str, pauses: list[str], expected: str
) -> None:
    found = due(kind, moment(start), budget_of(calendar, budget), pauses_of(pauses))
    assert found == (None if expected == "-" else moment(expected))


@pytest.mark.parametrize(("calendar", "start", "end", "minutes"), named(TABLE["between"]["cases"]))
def test_so_much_working_time_lies_between(calendar: str, start: str, end: str, minutes: int) -> None:
    assert between(CALENDARS[calendar], moment(start), moment(end)) == minutes * MINUTE


@pytest.mark.parametrize(("old", "new", "start", "pauses", "expected"), named(TABLE["switch"]["cases"]))
def test_another_matrix_keeps_pauses_and_does_not_soften_the_law(
    old: list[Any], new: list[Any], start: str, pauses: list[str], expected: str
) -> None:
    before, after = spec_of(*old), spec_of(*new)
    where = Situation(moment(start), {}, pauses_of(pauses))
    first = begun(before, moment(start), where.pauses)
    plan = replan([current(before, moment(start), first.due_at)], [after], where)
    assert ([one.due_at for one in plan.new] or [first.due_at]) == [moment(expected)]
    assert plan.ended == ()


@pytest.mark.parametrize(("due_at", "now", "expected"), named(TABLE["over"]["cases"]))
def test_what_is_done_at_the_very_moment_is_in_time(due_at: str, now: str, *, expected: bool) -> None:
    assert is_over(moment(due_at), moment(now)) is expected


def test_a_calendar_without_hours_says_so() -> None:
    empty = Calendar(ZoneInfo("UTC"), ((),) * 7)
    with pytest.raises(NoWorkingTimeError, match="no working time"):
        add(empty, datetime(2026, 2, 2, tzinfo=UTC), MINUTE)
    with pytest.raises(NoWorkingTimeError, match="no working day"):
        add_days(empty, datetime(2026, 2, 2, tzinfo=UTC), 1)
    with pytest.raises(NoWorkingTimeError, match="no working day"):
        due("internal", datetime(2026, 2, 2, tzinfo=UTC), Budget(empty, days=1))


def works(week: Sequence[Sequence[Shift]], zone: ZoneInfo, closed: frozenset[date], minute: datetime) -> bool:
    """Whether a minute is one of work, by looking at a wall clock: the slow way."""
    local = minute.astimezone(zone)
    for day, offset in ((local.date(), 0), (local.date() - timedelta(days=1), 1440)):
        at = local.hour * 60 + local.minute + offset
        if day not in closed and any(one.start <= at < one.end for one in week[day.weekday()]):
            return True
    return False


# Shifts neither begin nor end in the hours in which clocks change: a wall clock shows those times twice, or never.
SHIFTS = st.lists(
    st.tuples(st.integers(4 * 60, 15 * 60), st.integers(60, 8 * 60)) | st.just((22 * 60, 7 * 60)), max_size=2
).map(lambda found: tuple(Shift(start, start + length) for start, length in found))
WEEKS = st.lists(SHIFTS, min_size=7, max_size=7).filter(lambda week: sum(map(bool, week)) >= 3)
# Each zone with a night in which its clock changes.
CHANGES = st.sampled_from(
    [
        ("Europe/Berlin", datetime(2026, 3, 28, 12, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 10, 24, 12, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 3, 7, 20, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 10, 31, 20, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2026, 4, 4, 2, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2026, 10, 3, 2, tzinfo=UTC)),
        ("Asia/Kolkata", datetime(2026, 3, 28, 12, tzinfo=UTC)),
        ("Pacific/Chatham", datetime(2026, 4, 4, 12, tzinfo=UTC)),
    ]
)
SPANS = st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 900)), max_size=3)


@settings(max_examples=60, deadline=None)
@given(WEEKS, CHANGES, st.integers(0, 1440), st.integers(1, 700), SPANS, st.booleans())
def test_counting_minute_by_minute_comes_to_the_same(
    week: Sequence[tuple[Shift, ...]],
    change: tuple[str, datetime],
    later: int,
    minutes: int,
    spans: list[tuple[int, int]],
    closes: bool,
) -> None:
    zone, start = ZoneInfo(change[0]), change[1] + later * MINUTE
    closed = frozenset({start.astimezone(zone).date() + timedelta(days=1)}) if closes else frozenset()
    pauses = [Pause(start + begin * MINUTE, start + (begin + length) * MINUTE) for begin, length in spans]
    found = due("internal", start, Budget(Calendar(zone, tuple(week), closed=closed), minutes), pauses)
    reached, left = start, minutes
    while left:
        paused = any(one.start <= reached and (one.end is None or reached < one.end) for one in pauses)
        left -= not paused and works(week, zone, closed, reached)
        reached += MINUTE
    assert found == reached


BUDGETS = st.one_of(
    st.integers(1, 5000).map(lambda minutes: Budget(CALENDARS["always"], minutes)),
    st.integers(1, 20).map(lambda days: Budget(CALENDARS["new_york"], days=days)),
)
BASES = st.sampled_from(["Act, article 1", "ACT, Article 1", "Act, article 2", "Order 7"])
SPECS = st.builds(
    lambda kind, basis, budget: Spec("decision", kind, basis, "row", budget, timedelta(0), "notify", None),
    st.sampled_from(["legal", "legal", "internal"]),
    BASES,
    BUDGETS,
)
START = datetime(2026, 2, 2, 9, tzinfo=UTC)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.lists(SPECS, max_size=2, unique_by=lambda one: one.kind), SPANS), min_size=1, max_size=6))
def test_a_legal_clock_moves_later_only_on_another_basis_that_is_on_record(
    versions: list[tuple[list[Spec], list[tuple[int, int]]]],
) -> None:
    """Whatever matrices come one after the other, and however often a record is paused meanwhile."""
    legal: Current | None = None
    pauses: list[Pause] = []
    for specs, spans in versions:
        pauses += [Pause(START + begin * MINUTE, START + (begin + length) * MINUTE) for begin, length in spans]
        plan = replan([legal] if legal else [], specs, Situation(START, {}, pauses))
        assert legal is None or legal.id not in plan.ended
        for made in plan.new:
            if made.spec.kind != "legal":
                continue
            assert made.due_at == due("legal", START, made.spec.budget)
            assert not made.stands
            if legal is not None:
                assert made.replaces == legal.id
                if made.due_at > legal.due_at:
                    assert made.spec.basis.casefold() != legal.basis.casefold()
                    assert made.spec.basis in made.reason
            legal = current(made.spec, START, made.due_at)
        assert legal is not None or all(one.kind != "legal" for one in specs)


@pytest.mark.parametrize(
    ("kind", "hours", "basis", "reason", "refused"),
    [
        ("legal", 1, "Order 7", "by order 7", False),
        ("legal", 1, "Order 7", "they asked for it", True),
        ("legal", 1, "A", "by A", True),
        ("legal", 0, "A", "", False),
        ("legal", -1, "A", "", False),
        ("internal", 1, "A", "", False),
    ],
)
def test_the_reason_has_to_name_the_new_basis(
    kind: Kind, hours: int, basis: str, reason: str, *, refused: bool
) -> None:
    new = Deadline(START + timedelta(hours=hours), basis)
    assert (moves_later(kind, Deadline(START, "A"), new, reason=reason) is not None) is refused


@given(st.integers(0, 20_000), st.integers(0, 5_000), st.sampled_from(sorted(CALENDARS)))
@settings(max_examples=80, deadline=None)
def test_adding_and_measuring_agree(later: int, minutes: int, calendar: str) -> None:
    start = datetime.combine(date(2026, 3, 20), time(), UTC) + later * MINUTE
    end = add(CALENDARS[calendar], start, minutes * MINUTE)
    assert between(CALENDARS[calendar], start, end) == minutes * MINUTE
