"""A case handed over waits for one person, who may review it, and goes back to its queue if they do not come."""

from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI

from service.holds.workflow import forget_old
from service.people.workflow import close_person
from service.settings import Settings
from tests.service.holds.verbs import COLLEAGUE, again, at, give_back, hand_over, save_draft, skip, take
from tests.service.steps import Body, assert_error, claim, decide, decided, lapse, query, report, value

SCOPE = "UPDATE cases SET scope_id = case_scope('default', %s, %s, %s)"


async def refused(person: httpx.AsyncClient, claimed: Body, database: str, **fields: object) -> str:
    detail = assert_error(await hand_over(person, claimed, **fields), 422, "cannot_receive")
    assert query(database, "SELECT status, held_for FROM cases") == [("leased", None)]
    return detail


async def test_a_case_handed_over_waits_for_that_person(
    reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, lead: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    answer = await hand_over(reviewer, claimed, note="look at the second picture")
    assert answer.status_code == 200
    assert at(answer.json()["until"]) - at(answer.json()["server_now"]) == timedelta(minutes=60)
    assert (await colleague.get("/v1/holds")).json()["holds"] == [
        {
            "case_id": claimed["case"]["id"],
            "queue": "default",
            "kind": "hand_over",
            "reason": "look at the second picture",
            "until": answer.json()["until"],
            "taken_up": False,
        }
    ]
    assert (await reviewer.get("/v1/holds")).json()["holds"] == []
    assert value(database, "SELECT outcome FROM leases") == "handed_over"
    for person in (reviewer, lead):
        assert_error(await take(person, claimed), 409, "case_not_open")
        assert (await person.post("/v1/queues/default/claim")).status_code == 204
    taken = await take(colleague, claimed)
    assert taken.status_code == 200
    [shown] = (await colleague.get("/v1/holds")).json()["holds"]
    assert (shown["taken_up"], shown["reason"]) == (True, "look at the second picture")
    await decided(colleague, taken.json())
    assert (await colleague.get("/v1/holds")).json()["holds"] == []


async def test_the_note_is_forgotten_once_the_case_is_decided(
    app: FastAPI, reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    async def kept() -> list[tuple[object, ...]]:
        async with app.state.engine.begin() as connection:
            await forget_old(connection)
        return query(database, "SELECT held_as, held_reason FROM cases")

    await hand_over(reviewer, claimed, note="only for you")
    assert await kept() == [("hand_over", "only for you")]
    taken = (await take(colleague, claimed)).json()
    assert await kept() == [("hand_over", "only for you")]
    await decided(colleague, taken)
    assert await kept() == [(None, None)]


async def test_a_case_that_was_not_taken_goes_back_to_its_queue(
    app: FastAPI, reviewer: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    await hand_over(reviewer, claimed)
    assert (await again(reviewer, app, database))["case"]["id"] == claimed["case"]["id"]
    [(data,)] = query(database, "SELECT data FROM events WHERE kind = 'case.returned'")
    assert data == {"from": "hand_over", "because": "expired"}


async def test_neither_note_nor_names_are_in_events_or_the_case(
    reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    await hand_over(reviewer, claimed, note="between the two of us")
    people = query(database, "SELECT id::text FROM principals UNION SELECT username FROM principals")
    written = query(database, "SELECT data::text FROM events WHERE case_id IS NOT NULL")
    seen = (await reviewer.get(f"/v1/cases/{claimed['case']['id']}")).text
    for word in ("between the two", *(name for (name,) in people)):
        assert not [data for (data,) in written if word in data]
        assert word not in seen
    assert value(database, "SELECT count(*) FROM outbox") == 0


async def test_the_receiver_does_not_see_the_givers_draft(
    reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    await save_draft(reviewer, claimed, "mine")
    await hand_over(reviewer, claimed)
    theirs = (await take(colleague, claimed)).json()
    assert theirs["case"]["draft"] is None
    await save_draft(colleague, theirs, "theirs")
    lapse(database, claimed["case"]["id"])
    assert (await claim(reviewer))["case"]["draft"] == {"note": "mine"}


async def test_a_decision_after_handing_over_is_stale_and_kept_as_a_draft(
    reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    await hand_over(reviewer, claimed)
    assert_error(await decide(reviewer, claimed, note="too late"), 409, "lease_stale")
    assert value(database, "SELECT body ->> 'note' FROM drafts") == "too late"
    await decided(colleague, (await take(colleague, claimed)).json())


@pytest.mark.parametrize("to", ["nobody-here", "Test Reviewer", "test-ml", "test-admin", "test-platform"])
async def test_only_people_who_review_can_be_handed_a_case(
    reviewer: httpx.AsyncClient, claimed: Body, database: str, to: str
) -> None:
    assert to in await refused(reviewer, claimed, database, to=to)


async def test_a_case_is_not_handed_to_oneself(reviewer: httpx.AsyncClient, claimed: Body, database: str) -> None:
    assert "hold" in await refused(reviewer, claimed, database, to="test-reviewer")


async def test_a_closed_account_is_handed_nothing(
    app: FastAPI, reviewer: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    async with app.state.engine.begin() as connection:
        await close_person(connection, COLLEAGUE, actor=None)
    assert "no open account" in await refused(reviewer, claimed, database)


async def test_what_waits_for_an_account_that_is_closed_comes_back_at_once(
    app: FastAPI, reviewer: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    await hand_over(reviewer, claimed)
    assert await give_back(app) == 0
    async with app.state.engine.begin() as connection:
        await close_person(connection, COLLEAGUE, actor=None)
    assert await give_back(app) == 1
    assert (await claim(reviewer))["case"]["id"] == claimed["case"]["id"]
    [(data,)] = query(database, "SELECT data FROM events WHERE kind = 'case.returned'")
    assert data == {"from": "hand_over", "because": "no_longer_theirs"}


@pytest.mark.parametrize(
    "rule", ["roles = '{reviewer,lead}'", "skills = '{weapons}'", "restricted = true"], ids=["role", "skill", "member"]
)
async def test_the_receiver_has_to_work_in_the_queue(
    reviewer: httpx.AsyncClient, claimed: Body, database: str, rule: str
) -> None:
    query(database, "INSERT INTO queues (name, title) VALUES ('other', 'Other')")
    query(database, f"UPDATE queues SET {rule} WHERE name = 'other'")
    query(database, "UPDATE cases SET queue = 'other'")
    assert "queue 'other'" in await refused(reviewer, claimed, database)
    query(database, "UPDATE principals SET skills = '{weapons}' WHERE username = %s", COLLEAGUE)
    query(database, "INSERT INTO queue_members SELECT 'other', id FROM principals WHERE username = %s", COLLEAGUE)
    query(database, "UPDATE queues SET roles = NULL WHERE name = 'other'")
    assert (await hand_over(reviewer, claimed)).status_code == 200


async def test_the_receiver_has_to_read_the_language(reviewer: httpx.AsyncClient, claimed: Body, database: str) -> None:
    query(database, SCOPE, "fi", False, "")
    query(database, "UPDATE principals SET languages = '{en,de}' WHERE username = %s", COLLEAGUE)
    assert "'fi'" in await refused(reviewer, claimed, database)
    query(database, "UPDATE principals SET languages = '{en,fi}' WHERE username = %s", COLLEAGUE)
    assert (await hand_over(reviewer, claimed)).status_code == 200


async def test_consent_and_skips_stop_a_hand_over_in_the_same_words(
    app: FastAPI, reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    query(database, SCOPE, "en", True, "graphic_violence")
    query(database, "UPDATE principals SET consents = '{}' WHERE username = %s", COLLEAGUE)
    without_consent = await refused(reviewer, claimed, database)
    query(database, "UPDATE principals SET consents = '{graphic_violence}' WHERE username = %s", COLLEAGUE)
    query(
        database,
        "INSERT INTO skips SELECT p.id, c.id, 'infinity' FROM principals p, cases c WHERE p.username = %s",
        COLLEAGUE,
    )
    assert await refused(reviewer, claimed, database) == without_consent
    query(database, "UPDATE skips SET until = now()")
    assert (await hand_over(reviewer, claimed)).status_code == 200


async def test_only_so_many_cases_wait_for_one_person(
    app: FastAPI, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, lead: httpx.AsyncClient, settings: Settings
) -> None:
    app.state.settings = settings.model_copy(update={"holds_most": 1})
    for number in range(2):
        await report(platform, f"post-{number}")
    mine, leads = await claim(reviewer), await claim(lead)
    assert (await hand_over(reviewer, mine)).status_code == 200
    assert COLLEAGUE in assert_error(await hand_over(lead, leads), 409, "too_many_held")
    assert (await hand_over(lead, leads, to="test-reviewer")).status_code == 200


async def test_a_case_at_its_latest_start_is_not_handed_over(
    reviewer: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    query(database, "UPDATE cases SET start_by = now()")
    assert_error(await hand_over(reviewer, claimed), 409, "no_time_to_hold")


async def test_only_a_live_lease_can_be_handed_over(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, lead: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    assert_error(await hand_over(lead, claimed), 409, "lease_stale")
    await report(platform, "post-2")
    other = await claim(reviewer)
    crossed = {"case": claimed["case"], "lease": other["lease"]}
    assert_error(await hand_over(reviewer, crossed), 409, "lease_stale")
    lapse(database, claimed["case"]["id"])
    assert_error(await hand_over(reviewer, claimed), 409, "lease_stale")


async def test_a_case_handed_over_can_be_handed_back_or_passed_over(
    reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, claimed: Body
) -> None:
    await hand_over(reviewer, claimed)
    theirs = (await take(colleague, claimed)).json()
    assert (await hand_over(colleague, theirs, to="test-reviewer", note="rather you")).status_code == 200
    mine = (await take(reviewer, claimed)).json()
    assert (await skip(reviewer, mine)).status_code == 204
    assert (await claim(colleague))["case"]["id"] == claimed["case"]["id"]
