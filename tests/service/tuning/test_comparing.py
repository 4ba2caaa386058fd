"""Two orders of the same cases: lanes of the claim, who comes and goes, and what the first are about."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from service.tuning.comparing import Place, Standing, compare, median_wait

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=5)


def case(number: int, now: Place, then: Place, *, area: str = "harassment") -> Standing:
    return Standing(
        case_id=UUID(int=number),
        now=now,
        then=then,
        wait_seconds=number * 60.0,
        area=area,
        severity=1.0,
        harm_per_hour=1.0,
        minutes=1.0,
        scored=True,
    )


def plain(value: float) -> Place:
    return Place(value, LATER, has_deadline=False)


def test_deadlines_go_first_then_latest_starts_then_the_value() -> None:
    soon = Place(0, NOW - timedelta(minutes=1), has_deadline=False)
    legal = Place(0, NOW, has_deadline=True)
    older_legal = Place(0, NOW - timedelta(hours=1), has_deadline=True)
    cases = [
        case(number, place, plain(-number))
        for number, place in enumerate([plain(1), plain(9), soon, legal, older_legal])
    ]
    found = compare(cases, top=5, at=NOW)
    assert [one.case_id.int for one in found.now] == [4, 3, 2, 1, 0]
    assert [one.case_id.int for one in found.then] == [0, 1, 2, 3, 4]


def test_who_enters_and_leaves_with_their_places() -> None:
    cases = [
        case(number, plain(number), plain(-number), area="spam" if number < 2 else "threat") for number in range(4)
    ]
    found = compare(cases, top=2, at=NOW)
    assert [one.case_id.int for one in found.enter] == [0, 1]
    assert [one.case_id.int for one in found.leave] == [3, 2]
    assert (found.position_now[UUID(int=0)], found.position_then[UUID(int=0)]) == (4, 1)
    assert found.areas == [("spam", 0, 2), ("threat", 2, 0)]
    assert (median_wait(found.now), median_wait(found.then)) == (150.0, 30.0)


def test_the_same_rules_change_nothing_and_nothing_has_no_order() -> None:
    cases = [case(number, plain(1), plain(1)) for number in range(3)]
    found = compare(cases, top=2, at=NOW)
    assert (found.enter, found.leave) == ([], [])
    empty = compare([], top=50, at=NOW)
    assert (empty.now, empty.areas, median_wait(empty.now)) == ([], [], None)
