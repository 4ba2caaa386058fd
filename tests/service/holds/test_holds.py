"""A held case is its holder's until the hold ends, then it is back at its place: never lost, never later than due."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from service.settings import Settings
from tests.service.holds.verbs import again, at, give_back, hold, run_out, save_draft, take
from tests.service.steps import Body, assert_error, claim, decide, decided, lapse, query, report, value


async def test_a_held_case_leaves_the_queue_and_ends_the_lease(
    reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    answer = await hold(reviewer, claimed, minutes=30)
    assert answer.status_code == 200
    body = answer.json()
    assert body["case_id"] == claimed["case"]["id"]
    assert at(body["until"]) - at(body["server_now"]) == timedelta(minutes=30)
    assert abs(at(body["server_now"]) - datetime.now(UTC)) < timedelta(seconds=10)
    assert query(database, "SELECT status, lease_token FROM cases") == [("held", None)]
    assert query(database, "SELECT outcome, ended_at IS NOT NULL, ended_reason FROM leases") == [("held", True, None)]
    for person in (reviewer, colleague):
        assert (await person.post("/v1/queues/default/claim")).status_code == 204
        assert (await person.get(f"/v1/cases/{claimed['case']['id']}")).json()["status"] == "held"


async def test_the_holder_takes_a_held_case_up_again_and_decides_it(
    reviewer: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    await hold(reviewer, claimed)
    taken = await take(reviewer, claimed)
    assert taken.status_code == 200
    assert taken.json()["case"]["status"] == "leased"
    assert taken.json()["lease"]["token"] != claimed["lease"]["token"]
    await decided(reviewer, taken.json())
    assert query(database, "SELECT status, held_until FROM cases") == [("decided", None)]


async def test_nobody_else_takes_a_held_case(
    reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, lead: httpx.AsyncClient, claimed: Body
) -> None:
    await hold(reviewer, claimed)
    for person in (colleague, lead):
        assert_error(await take(person, claimed), 409, "case_not_open")
    assert (await take(reviewer, claimed)).status_code == 200


async def test_a_hold_that_ends_puts_the_case_back_at_its_place(
    app: FastAPI, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, database: str
) -> None:
    await report(platform, "viral", views_per_hour=1e6)
    await report(platform, "calm", views_per_hour=1)
    await hold(reviewer, await claim(reviewer))
    assert await give_back(app) == 0
    assert (await again(colleague, app, database))["case"]["subject"]["id"] == "viral"
    held = "SELECT held_until, held_for, held_reason, held_as, lapses FROM cases WHERE status = 'leased'"
    assert query(database, held) == [(None, None, None, None, 0)]


async def test_the_life_of_a_hold_is_written_down_without_its_reason(
    app: FastAPI, reviewer: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    await hold(reviewer, claimed, reason="something private")
    await again(reviewer, app, database)
    told = query(database, "SELECT kind, data, actor IS NULL FROM events WHERE case_id IS NOT NULL ORDER BY id")
    assert [(kind, nobody) for kind, _, nobody in told[2:]] == [
        ("case.held", False),
        ("case.returned", True),
        ("case.claimed", False),
    ]
    assert told[3][1] == {"from": "hold", "because": "expired"}
    assert value(database, "SELECT count(*) FROM events WHERE data::text LIKE '%%private%%'") == 0


async def test_a_hold_does_not_outlive_the_latest_start(
    app: FastAPI, reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    query(database, "UPDATE cases SET start_by = now() + interval '10 minutes'")
    body = (await hold(reviewer, claimed, minutes=60)).json()
    assert timedelta(minutes=9) < at(body["until"]) - at(body["server_now"]) < timedelta(minutes=10)
    assert at((await reviewer.get("/v1/holds")).json()["holds"][0]["until"]) == at(body["until"])
    assert await give_back(app) == 0
    query(database, "UPDATE cases SET start_by = now()")
    assert await give_back(app) == 1
    assert (await claim(colleague))["case"]["id"] == claimed["case"]["id"]
    [(data,)] = query(database, "SELECT data FROM events WHERE kind = 'case.returned'")
    assert data == {"from": "hold", "because": "start_by"}


async def test_a_case_at_its_latest_start_cannot_be_held(
    reviewer: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    query(database, "UPDATE cases SET start_by = now() - interval '1 second'")
    assert "release" in assert_error(await hold(reviewer, claimed), 409, "no_time_to_hold")
    assert (await decide(reviewer, claimed)).status_code == 201


@pytest.mark.parametrize("minutes", [0, -1, 24 * 60 + 1, 1e9, "soon", None])
async def test_a_hold_lasts_a_minute_to_a_day(reviewer: httpx.AsyncClient, claimed: Body, minutes: object) -> None:
    detail = assert_error(await hold(reviewer, claimed, minutes=minutes), 422, "invalid_request")
    assert "minutes" in detail
    assert (await hold(reviewer, claimed, minutes=24 * 60)).status_code == 200


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501, "nul \x00", None])
async def test_a_hold_needs_a_reason_that_can_be_stored(
    reviewer: httpx.AsyncClient, claimed: Body, reason: object
) -> None:
    assert "reason" in assert_error(await hold(reviewer, claimed, reason=reason), 422, "invalid_request")


async def test_holds_have_a_number(
    app: FastAPI,
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    settings: Settings,
) -> None:
    app.state.settings = settings.model_copy(update={"holds_most": 2})
    for number in range(4):
        await report(platform, f"post-{number}")
    first, second, third = [await claim(reviewer) for _ in range(3)]
    for one in (first, second):
        assert (await hold(reviewer, one)).status_code == 200
    assert "2" in assert_error(await hold(reviewer, third), 409, "too_many_held")
    # It is a number for each person, the refused case is still theirs, and taking one up makes room.
    assert (await hold(colleague, await claim(colleague))).status_code == 200
    assert (await take(reviewer, first)).status_code == 200
    assert (await hold(reviewer, third)).status_code == 200


async def test_callers_see_what_is_held_for_them_and_nothing_else(
    app: FastAPI,
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    claimed: Body,
    database: str,
) -> None:
    await report(platform, "post-2")
    second = await claim(reviewer)
    await hold(reviewer, claimed, minutes=60, reason="  asked a partner ")
    await hold(reviewer, second, minutes=5, reason="short break")
    shown = (await reviewer.get("/v1/holds")).json()
    assert [(one["case_id"], one["reason"], one["kind"], one["taken_up"]) for one in shown["holds"]] == [
        (second["case"]["id"], "short break", "hold", False),
        (claimed["case"]["id"], "asked a partner", "hold", False),
    ]
    assert at(shown["holds"][0]["until"]) - at(shown["server_now"]) < timedelta(minutes=5)
    assert (await colleague.get("/v1/holds")).json()["holds"] == []
    await take(reviewer, second)
    taken = {one["case_id"]: one["taken_up"] for one in (await reviewer.get("/v1/holds")).json()["holds"]}
    assert taken == {claimed["case"]["id"]: False, second["case"]["id"]: True}
    run_out(database)
    lapse(database, second["case"]["id"])
    assert (await reviewer.get("/v1/holds")).json()["holds"] == []


async def test_only_a_live_lease_can_be_held(
    reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    assert_error(await hold(colleague, claimed), 409, "lease_stale")
    assert_error(await hold(reviewer, claimed, lease_token=str(uuid4())), 409, "lease_stale")
    lapse(database, claimed["case"]["id"])
    assert_error(await hold(reviewer, claimed), 409, "lease_stale")
    assert value(database, "SELECT count(*) FROM events WHERE kind = 'case.held'") == 0


async def test_a_decision_with_the_token_of_before_the_hold_is_stale_and_kept_as_a_draft(
    reviewer: httpx.AsyncClient, claimed: Body
) -> None:
    await hold(reviewer, claimed)
    assert_error(await decide(reviewer, claimed, note="worked out"), 409, "lease_stale")
    taken = (await take(reviewer, claimed)).json()
    assert taken["case"]["draft"]["note"] == "worked out"
    assert_error(await decide(reviewer, claimed), 409, "lease_stale")
    await decided(reviewer, taken)


async def test_a_draft_outlives_hold_and_lapse_and_is_seen_by_its_author_alone(
    app: FastAPI, reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    await save_draft(reviewer, claimed, "half a thought")
    await hold(reviewer, claimed)
    theirs = await again(colleague, app, database)
    assert theirs["case"]["draft"] is None
    lapse(database, theirs["case"]["id"])
    assert (await claim(reviewer))["case"]["draft"] == {"note": "half a thought"}


async def test_another_report_reaches_a_held_case_and_ranks_it_anew(
    app: FastAPI, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    await hold(reviewer, claimed)
    filed = await report(platform, views_per_hour=1e6)
    assert (filed["case_id"], filed["case_status"]) == (claimed["case"]["id"], "held")
    back = await again(reviewer, app, database)
    assert back["case"]["report_count"] == 2
    assert back["case"]["rank"]["value"] > claimed["case"]["rank"]["value"]


async def test_due_holds_come_back_in_one_go_however_many(app: FastAPI, keys: dict[str, str], database: str) -> None:
    query(
        database,
        """
        WITH made AS (SELECT number, gen_random_uuid() AS id FROM generate_series(1, 250) AS number),
        s AS (INSERT INTO subjects (id, external_id, kind) SELECT id, 'seeded-' || number, 'post' FROM made),
        e AS (INSERT INTO evidence (id, subject_id, content_hash, text) SELECT id, id, '\\x00', 'text' FROM made)
        INSERT INTO cases (id, subject_id, evidence_id, queue, status, rank_value, rank, held_as, held_until)
        SELECT id, id, id, 'default', 'held', number, '{}', 'hold', now() - interval '1 s' * number FROM made
        """,
    )
    assert [await give_back(app) for _ in range(4)] == [100, 100, 50, 0]
    assert value(database, "SELECT count(*) FROM cases WHERE status = 'open'") == 250
    assert value(database, "SELECT count(*) FROM events WHERE kind = 'case.returned'") == 250
