"""What the database counts: time once however much is open, items each, work from one break to the next."""

from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.service.exposure.shift import Shift, Span, seconds_of
from tests.service.steps import claim, query, value

Minutes = st.integers(-90, -1)
Spans = st.lists(
    st.tuples(Minutes, Minutes, st.integers(0, 4)).map(lambda one: (min(one[:2]), max(one[:2]), one[2])), max_size=7
)
# The seconds between the clock of the test and that of the statement.
NEAR = 5.0


def counted(shift: Shift, begun: float, over: float) -> float:
    return float(
        shift.world.value(
            "SELECT exposed_seconds(%s, %s, %s)", shift.person, shift.world.at(begun), shift.world.at(over)
        )
    )


def by_level(shift: Shift, begun: float, over: float) -> dict[int, tuple[float, int]]:
    rows = shift.world.rows(
        "SELECT * FROM exposure_by_level(%s, %s, %s)", shift.person, shift.world.at(begun), shift.world.at(over)
    )
    return {row["level"]: (row["seconds"], row["items"]) for row in rows}


def clipped(spans: list[tuple[int, int, int]], begun: int, over: int, *, least: int = 0) -> list[Span]:
    return [
        (max(since, begun), min(until, over))
        for since, until, level in spans
        if level >= least and until > begun and since < over
    ]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(Spans, st.integers(-90, -40), st.integers(-40, 0))
def test_time_is_a_union_and_levels_share_it_out(
    shift: Shift, spans: list[tuple[int, int, int]], begun: int, over: int
) -> None:
    with shift.world.connection.transaction(force_rollback=True):
        for since, until, level in spans:
            shift.opened((since, until), level=level)
        assert counted(shift, begun, over) == pytest.approx(seconds_of(clipped(spans, begun, over)))
        found = by_level(shift, begun, over)
        assert list(found) == [0, 1, 2, 3, 4]
        for level in range(5):
            above = seconds_of(clipped(spans, begun, over, least=level + 1))
            own = seconds_of(clipped(spans, begun, over, least=level)) - above
            items = sum(one[2] == level and begun <= one[0] < over for one in spans)
            assert found[level] == (pytest.approx(own), items)


def test_an_exposure_lasts_until_its_end_its_address_or_now(shift: Shift) -> None:
    shift.opened((-50, -40))
    assert counted(shift, -60, 0) == 600
    shift.ended(-45)
    assert counted(shift, -60, 0) == 300
    shift.opened((-10, 30))
    assert counted(shift, -10, 0) == pytest.approx(600, abs=NEAR)
    # Ended after its address had run out.
    shift.opened((-9, -8))
    shift.ended(-2)
    assert (
        shift.world.value("SELECT max(until - since) FROM exposure_spans WHERE since = %s", shift.world.at(-9)).seconds
        == 60
    )


def test_levels_from_before_they_were_kept_count_as_strong(shift: Shift) -> None:
    shift.opened((-20, -10), level=None)
    assert by_level(shift, -30, 0)[3] == (600, 1)


def work(shift: Shift, pause: float = 600) -> dict[str, Any]:
    [row] = shift.world.rows("SELECT * FROM work_of(%s, %s)", shift.person, pause)
    return row


def minutes_ago(shift: Shift, moment: Any) -> float:
    return float((moment - shift.world.start).total_seconds() / 60)


def test_who_never_worked_begins_now(shift: Shift) -> None:
    found = work(shift)
    assert found["active_at"] is None
    assert minutes_ago(shift, found["working_since"]) == pytest.approx(0, abs=0.1)
    assert found["shift_since"] == found["working_since"]


@pytest.mark.parametrize(
    ("span", "fields", "since"),
    [
        ((-40, -9), {}, -50),
        ((-40, -11), {}, 0),
        ((-40, -9), {"outcome": "lapsed"}, 0),
        ((-9, -8), {"outcome": "unopened"}, 0),
    ],
    ids=["still at work", "had the break", "a lease that ran out is no work", "what was never opened is none"],
)
def test_a_break_is_ten_minutes_without_work(shift: Shift, span: Span, fields: dict[str, Any], since: float) -> None:
    shift.had(span, since=-50, **fields)
    assert minutes_ago(shift, work(shift)["working_since"]) == pytest.approx(since, abs=0.1)


async def test_a_case_that_is_kept_is_work_and_one_that_is_left_lying_is_none(
    shift: Shift, reviewer: httpx.AsyncClient, database: str
) -> None:
    shift.case(waits=True)
    held = await claim(reviewer)
    begun = [shift.world.at(-40)] * 3
    query(database, "UPDATE leases SET granted_at = %s, working_since = %s, shift_since = %s", *begun)
    assert minutes_ago(shift, work(shift)["working_since"]) == pytest.approx(0, abs=0.1)
    body = {"lease_token": held["lease"]["token"]}
    assert (await reviewer.post(f"/v1/cases/{held['case']['id']}/lease/renew", json=body)).status_code == 200
    query(database, "UPDATE leases SET renewed_at = renewed_at - interval '9 minutes'")
    assert minutes_ago(shift, work(shift)["working_since"]) == pytest.approx(-40)


def test_a_picture_that_is_open_is_work_and_a_shift_outlasts_breaks(shift: Shift) -> None:
    lease = shift.had((-60, -30), since=-70)
    found = work(shift)
    assert minutes_ago(shift, found["working_since"]) == pytest.approx(0, abs=0.1)
    assert minutes_ago(shift, found["shift_since"]) == pytest.approx(-70)
    shift.opened((-35, -5), lease=lease)
    assert minutes_ago(shift, work(shift)["working_since"]) == pytest.approx(-70)


def test_a_shift_ends_with_a_pause_of_four_hours(shift: Shift) -> None:
    shift.had((-300, -241), since=-400)
    assert minutes_ago(shift, work(shift)["shift_since"]) == pytest.approx(0, abs=0.1)


def test_graphic_work_is_such_a_case_in_hand_or_something_open(shift: Shift) -> None:
    mild = shift.had((-60, -50), since=-60)
    shift.had((-50, -40), high=True, since=-60)
    shift.had((-30, -20), high=True, since=-60, outcome="unopened")
    shift.opened((-55, -45), lease=mild)
    found = shift.world.value("SELECT high_exposure_seconds(%s, %s)", shift.person, shift.world.at(-60))
    assert found == 15 * 60


async def test_what_was_fetched_ahead_is_work_once_it_is_opened(
    shift: Shift, reviewer: httpx.AsyncClient, database: str
) -> None:
    for _ in range(2):
        shift.case(waits=True, high=True)
    await claim(reviewer)
    ahead = (await reviewer.post("/v1/queues/default/claim", json={"prefetch": True})).json()
    begun = (
        "UPDATE leases SET granted_at = now() - interval '20 minutes', working_since = now() - interval '20 minutes'"
    )
    query(database, begun)
    query(
        database, "UPDATE leases SET ended_at = now() - interval '15 minutes', outcome = 'decided' WHERE NOT prefetched"
    )
    seconds = "SELECT high_exposure_seconds(%s, now() - interval '21 minutes')"
    assert value(database, seconds, shift.person) == pytest.approx(300, abs=5)
    await reviewer.post("/v1/me/breaks")
    query(database, "UPDATE breaks SET started_at = started_at - interval '12 minutes'")
    body = {"lease_token": ahead["lease"]["token"]}
    renewed = await reviewer.post(f"/v1/cases/{ahead['case']['id']}/lease/renew", json=body)
    assert renewed.status_code == 200, renewed.text
    told = (await reviewer.get("/v1/me/breaks")).json()
    assert (told["on_break"], round(told["work_seconds"])) == (None, 0)
    assert value(database, seconds, shift.person) == pytest.approx(300, abs=5)
