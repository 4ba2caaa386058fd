"""What a claim leaves out, and how it says so: nobody is punished, the next case is milder."""

import asyncio
from typing import Any

import httpx
import pytest

from service.db import create_engine
from service.exposure.limits import Limits
from service.leases.workflow import ClaimRules, Lease
from tests.service.exposure.shift import Shift
from tests.service.leases.next import claim_next
from tests.service.steps import assert_error, claim, query, until, value


async def own(reviewer: httpx.AsyncClient) -> dict[str, Any]:
    answer = await reviewer.get("/v1/me/exposure")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "private, no-store"
    return dict(answer.json())


def day(shift: Shift) -> None:
    """Four hours of open originals, over by eleven minutes, in stretches of half an hour."""
    shift.had((-700, -11), since=-20)
    shift.opened(*((-11 - 40 * n - 30, -11 - 40 * n) for n in range(8)))


def stretch(shift: Shift) -> None:
    """Two hours of graphic cases, one after the other."""
    for minute in range(-121, -1, 20):
        shift.had((minute, minute + 20), high=True, since=-121)
    shift.had((-1, -0.5), since=-121)


def in_a_row(shift: Shift) -> None:
    for minute in range(-6, -1):
        shift.had((minute, minute + 1), high=True, since=-6)


@pytest.mark.parametrize(
    ("history", "why", "said"),
    [
        (day, "day", "open to you for 4 hours"),
        (stretch, "stretch", "for 2 hours without a break"),
        (in_a_row, "in_a_row", "5 graphic cases in a row"),
    ],
)
async def test_a_milder_case_comes_and_the_claim_says_why(
    shift: Shift, reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, history: Any, why: str, said: str
) -> None:
    graphic, mild = shift.case(high=True, waits=True), shift.case(waits=True)
    history(shift)
    before = await own(reviewer)
    assert before["kept_back"]["why"] == why
    assert before["waiting"] == {"high_exposure": 1, "milder": 1}
    claimed = await claim(reviewer)
    assert claimed["case"]["id"] == str(mild)
    assert claimed["milder"]["why"] == why
    assert said in claimed["milder"]["words"]
    other = await claim(colleague)
    assert other["case"]["id"] == str(graphic)
    assert other["milder"] is None


@pytest.mark.parametrize("history", [stretch, in_a_row])
async def test_after_a_break_graphic_cases_come_again(shift: Shift, reviewer: httpx.AsyncClient, history: Any) -> None:
    graphic = shift.case(high=True, waits=True)
    shift.world.start = shift.world.at(-11)
    history(shift)
    assert (await own(reviewer))["kept_back"] is None
    claimed = await claim(reviewer)
    assert (claimed["case"]["id"], claimed["milder"]) == (str(graphic), None)


async def test_after_a_milder_case_the_row_begins_anew(
    shift: Shift, reviewer: httpx.AsyncClient, database: str
) -> None:
    for _ in range(7):
        shift.case(high=True, waits=True)
    shift.case(waits=True)
    taken = []
    for _ in range(8):
        claimed = await claim(reviewer)
        taken.append(claimed["milder"] is None)
    assert taken == [True] * 5 + [False] + [True] * 2
    lease = "SELECT array_agg(high_exposure ORDER BY granted_at) FROM leases WHERE ended_at IS NULL"
    assert value(database, lease) == taken
    begun = query(database, "SELECT DISTINCT working_since, shift_since FROM leases WHERE working_since IS NOT NULL")
    assert len(begun) == 1


async def test_a_claim_waits_for_another_of_the_same_person_and_counts_its_case(shift: Shift, database: str) -> None:
    for high in (True, True, False):
        shift.case(high=high, waits=True)
    for minute in range(-5, -1):
        shift.had((minute, minute + 1), high=True, since=-5)
    rules = ClaimRules(seconds=600, limits=Limits(), random_share=0)
    engine = create_engine(database, pool=2)

    async def second() -> Lease | None:
        async with engine.begin() as connection:
            return await claim_next(connection, shift.person, rules)

    async with engine.begin() as connection:
        first = await claim_next(connection, shift.person, rules)
        other = asyncio.create_task(second())
        await until(lambda: value(database, "SELECT count(*) FROM pg_locks WHERE NOT granted") == 1 or other.done())
    held = await other
    await engine.dispose()
    assert first is not None
    assert first.milder is None
    assert held is not None
    assert held.milder is not None
    assert held.milder.why == "in_a_row"


async def test_where_only_graphic_cases_wait_nothing_comes_and_the_reason_is_told(
    shift: Shift, reviewer: httpx.AsyncClient
) -> None:
    shift.case(high=True, waits=True)
    in_a_row(shift)
    assert (await reviewer.post("/v1/queues/default/claim")).status_code == 204
    told = await own(reviewer)
    assert told["waiting"] == {"high_exposure": 1, "milder": 0}
    assert told["kept_back"]["words"] == (
        "You had 5 graphic cases in a row, so a milder one comes. Graphic cases come again after a milder one, or after"
        " 10 minutes without a case."
    )
    assert told["kept_back"]["until"] is not None


async def test_nothing_is_said_where_no_graphic_case_waits(shift: Shift, reviewer: httpx.AsyncClient) -> None:
    shift.case(waits=True), shift.case(waits=True)
    in_a_row(shift)
    assert (await claim(reviewer))["milder"] is None
    # One that this person passed over would not have come either.
    skipped = shift.case(high=True, waits=True)
    shift.world.add("skips", principal_id=shift.person, case_id=skipped, until=shift.world.at(60))
    assert (await claim(reviewer))["milder"] is None


async def test_not_now_keeps_graphic_cases_away_and_leaves_no_trace(
    shift: Shift, reviewer: httpx.AsyncClient, lead: httpx.AsyncClient, database: str
) -> None:
    graphic, mild = shift.case(high=True, waits=True), shift.case(waits=True)
    events = value(database, "SELECT count(*) FROM events")
    until = shift.world.at(60).isoformat()
    assert (await reviewer.put("/v1/me/not-now", json={"until": until})).status_code == 200
    assert value(database, "SELECT count(*) FROM events") == events
    told = await own(reviewer)
    assert told["kept_back"]["why"] == "not_now"
    assert told["kept_back"]["until"] == told["not_now_until"]
    claimed = await claim(reviewer)
    assert (claimed["case"]["id"], claimed["milder"]["why"]) == (str(mild), "not_now")
    for page in ("/v1/exposure/spread", "/v1/forecast", "/v1/alerts/leases", "/v1/scorecards"):
        assert "not_now" not in (await lead.get(page)).text
    assert (await reviewer.put("/v1/me/not-now", json={"until": None})).json() == {"until": None}
    assert value(database, "SELECT count(*) FROM not_now") == 0
    assert (await claim(reviewer))["case"]["id"] == str(graphic)


@pytest.mark.parametrize("minutes", [-1, 12 * 60 + 1])
async def test_not_now_ends_with_the_shift(shift: Shift, reviewer: httpx.AsyncClient, minutes: float) -> None:
    refused = await reviewer.put("/v1/me/not-now", json={"until": shift.world.at(minutes).isoformat()})
    assert_error(refused, 422, "invalid_request")


async def test_a_named_graphic_case_is_kept_back_too_but_not_from_who_had_it(
    shift: Shift, reviewer: httpx.AsyncClient, database: str
) -> None:
    graphic = shift.case(high=True, waits=True)
    in_a_row(shift)
    refused = await reviewer.post(f"/v1/cases/{graphic}/claim")
    assert_error(refused, 409, "case_not_open")
    assert "GET /v1/me/exposure" in refused.json()["detail"]
    shift.world.lease(graphic, shift.person, (-30, -29))
    assert (await reviewer.post(f"/v1/cases/{graphic}/claim")).status_code == 200


async def test_no_figure_about_people_counts_what_was_kept_back(
    shift: Shift, reviewer: httpx.AsyncClient, database: str
) -> None:
    shift.case(high=True, waits=True), shift.case(waits=True)
    in_a_row(shift)
    await claim(reviewer)
    kinds = query(database, "SELECT kind, data FROM events WHERE actor = %s", shift.person)
    assert kinds == [("case.claimed", {"lane": "ranked"})]
