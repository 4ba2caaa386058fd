"""A decision can be taken back by its author, in time, and before any effect was sent."""

import asyncio
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from service.settings import Settings
from tests.service.steps import (
    Body,
    assert_error,
    claim,
    decided,
    messages,
    query,
    report,
    report_body,
    rewrite,
    row_counts,
    value,
)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings with a minute to think again."""
    return settings.model_copy(update={"undo_seconds": 60})


@pytest.fixture
async def endpoint(platform: httpx.AsyncClient) -> None:
    """Somebody who is told of decisions."""
    answer = await platform.post("/v1/webhooks", json={"url": "https://platform.test/hook"})
    assert answer.status_code == 201


@pytest.fixture
async def made(endpoint: None, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient) -> Body:
    """A decision of the reviewer, with its `case_id`."""
    filed = await report(platform)
    return await decided(reviewer, await claim(reviewer)) | {"case_id": filed["case_id"]}


async def undo(person: httpx.AsyncClient, made: Body) -> httpx.Response:
    return await person.post(f"/v1/decisions/{made['decision_id']}/undo")


async def test_undo_opens_the_case_again(reviewer: httpx.AsyncClient, made: Body, database: str) -> None:
    answer = await undo(reviewer, made)
    assert (answer.status_code, answer.json()) == (200, {"case_id": made["case_id"]})
    assert query(database, "SELECT status, decided_at FROM cases") == [("open", None)]
    assert (await claim(reviewer))["case"]["id"] == made["case_id"]


async def test_undo_cancels_what_was_to_be_sent(reviewer: httpx.AsyncClient, made: Body, database: str) -> None:
    assert query(database, "SELECT state FROM outbox") == [("pending",)]
    await undo(reviewer, made)
    assert query(database, "SELECT state FROM outbox") == [("cancelled",)]


async def test_an_undone_decision_stays_on_record(reviewer: httpx.AsyncClient, made: Body) -> None:
    await undo(reviewer, made)
    case = (await reviewer.get(f"/v1/cases/{made['case_id']}")).json()
    assert case["decisions"][0]["undone_at"] is not None
    assert [event["kind"] for event in case["events"]][:3] == ["case.reopened", "decision.undone", "case.decided"]


async def test_a_case_can_be_decided_anew_after_an_undo(reviewer: httpx.AsyncClient, made: Body, database: str) -> None:
    await undo(reviewer, made)
    await decided(reviewer, await claim(reviewer), severity=4)
    assert query(database, "SELECT severity FROM decisions ORDER BY decided_at") == [(2,), (4,)]
    assert query(database, "SELECT state FROM outbox ORDER BY created_at") == [("cancelled",), ("pending",)]


async def test_undo_works_once(reviewer: httpx.AsyncClient, made: Body) -> None:
    assert (await undo(reviewer, made)).status_code == 200
    assert_error(await undo(reviewer, made), 409, "undo_expired")


async def test_undo_twice_at_once_works_once(reviewer: httpx.AsyncClient, made: Body, database: str) -> None:
    answers = await asyncio.gather(*(undo(reviewer, made) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 5
    assert value(database, "SELECT count(*) FROM events WHERE kind = 'decision.undone'") == 1


async def test_undo_after_the_window_is_refused(reviewer: httpx.AsyncClient, made: Body, database: str) -> None:
    rewrite(database, "UPDATE decisions SET undo_until = now() - interval '1 second'")
    before = row_counts(database)
    assert_error(await undo(reviewer, made), 409, "undo_expired")
    assert row_counts(database) == before
    assert query(database, "SELECT status FROM cases") == [("decided",)]
    assert query(database, "SELECT state FROM outbox") == [("pending",)]


@pytest.mark.parametrize("state", ["sending", "delivered", "failed"])
async def test_undo_of_what_is_being_sent_is_refused(
    reviewer: httpx.AsyncClient, made: Body, database: str, state: str
) -> None:
    query(database, "UPDATE outbox SET state = %s", state)
    before = row_counts(database)
    assert_error(await undo(reviewer, made), 409, "undo_expired")
    assert row_counts(database) == before
    assert query(database, "SELECT state FROM outbox") == [(state,)]


async def test_nobody_else_can_undo(
    reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, made: Body, database: str
) -> None:
    assert_error(await undo(colleague, made), 404, "not_found")
    assert query(database, "SELECT status FROM cases") == [("decided",)]


async def test_an_unknown_decision_is_not_found(reviewer: httpx.AsyncClient) -> None:
    assert_error(await undo(reviewer, {"decision_id": str(uuid4())}), 404, "not_found")


async def test_undo_moves_the_reports_into_a_newer_case(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, made: Body, database: str
) -> None:
    newer = await report(platform, reason="self_harm")
    answer = await undo(reviewer, made)
    assert answer.json() == {"case_id": newer["case_id"]}
    assert query(database, "SELECT status, report_count FROM cases ORDER BY opened_at") == [("decided", 0), ("open", 2)]
    assert value(database, "SELECT count(*) FROM reports WHERE case_id = %s", newer["case_id"]) == 2
    case = (await claim(reviewer))["case"]
    assert case["id"] == newer["case_id"]
    assert case["rank"]["parts"]["reasons"] == ["harassment", "self_harm"]
    assert query(database, "SELECT data FROM events WHERE kind = 'case.merged'") == [({"into": newer["case_id"]},)]


async def test_deadline_flags_and_special_route_go_with_the_reports(
    endpoint: None, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    due = "2199-01-01T00:00:00+00:00"
    deadline = {"kind": "legal", "basis": "agreed answer time", "due_at": due}
    body = report_body("post-1") | {"deadline": deadline, "flags": ["high_profile", "threat_to_life"]}
    assert (await platform.post("/v1/reports", json=body)).status_code == 201
    first = await decided(reviewer, await claim(reviewer))
    again = report_body("post-1", reason="self_harm") | {"flags": ["repeat"]}
    newer = (await platform.post("/v1/reports", json=again)).json()
    assert query(database, "SELECT deadline, special FROM cases WHERE status = 'open'") == [(None, None)]
    await undo(reviewer, first)
    row = query(database, "SELECT id::text, deadline, flags, special FROM cases WHERE status = 'open'")[0]
    assert row[0] == newer["case_id"]
    assert row[1].isoformat()[:10] == due[:10]
    assert row[2:] == (["high_profile", "repeat", "threat_to_life"], "threat_to_life")


async def test_reports_that_move_into_a_shed_case_bring_it_back(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, made: Body, database: str
) -> None:
    newer = await report(platform, reason="self_harm")
    rewrite(
        database,
        "UPDATE cases SET status = 'shed', shed_at = now(), shed_under = 'test' WHERE id = %s",
        newer["case_id"],
    )
    await undo(reviewer, made)
    assert query(database, "SELECT data FROM events WHERE kind = 'case.unshed'") == [({"because": "undo"},)]
    [told] = messages(database, "case.unshed")
    assert (told["case_id"], told["subject"]) == (newer["case_id"], {"id": "post-1", "kind": "post"})
    reports = query(database, "SELECT id::text FROM reports")
    assert sorted(told["reports"]) == sorted(one for (one,) in reports)
    assert len(reports) == 2
    assert (await claim(reviewer))["case"]["id"] == newer["case_id"]


async def test_waiting_counts_from_the_oldest_report_after_a_merge(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, made: Body, database: str
) -> None:
    await report(platform, reason="self_harm")
    await undo(reviewer, made)
    first = value(database, "SELECT min(received_at)::text FROM reports")
    ranked = value(database, "SELECT (rank ->> 'received_at')::timestamptz::text FROM cases WHERE status = 'open'")
    assert ranked == first


async def test_undo_into_a_case_that_a_colleague_holds(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, made: Body, database: str
) -> None:
    newer = await report(platform, reason="self_harm")
    held = await claim(colleague)
    assert (await undo(reviewer, made)).json() == {"case_id": newer["case_id"]}
    assert value(database, "SELECT report_count FROM cases WHERE status = 'leased'") == 2
    await decided(colleague, held)


async def test_undo_after_a_newer_case_was_decided_too_leaves_one_open_case(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, made: Body, database: str
) -> None:
    await report(platform, reason="self_harm")
    await decided(reviewer, await claim(reviewer))
    assert (await undo(reviewer, made)).json() == {"case_id": made["case_id"]}
    assert query(database, "SELECT status FROM cases ORDER BY opened_at") == [("open",), ("decided",)]


async def test_undo_and_new_reports_at_once_leave_one_open_case(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, made: Body, database: str
) -> None:
    undoing = asyncio.create_task(undo(reviewer, made))
    filed = await asyncio.gather(*(report(platform) for _ in range(8)))
    assert (await undoing).status_code == 200
    assert value(database, "SELECT count(*) FROM cases WHERE status = 'open'") == 1
    assert value(database, "SELECT report_count FROM cases WHERE status = 'open'") == 9
    assert len({one["case_id"] for one in filed}) == 1


async def test_without_a_window_nothing_can_be_undone(
    reviewer: httpx.AsyncClient, platform: httpx.AsyncClient, settings: Settings, app: FastAPI
) -> None:
    app.state.settings = settings.model_copy(update={"undo_seconds": 0})
    await report(platform)
    made = await decided(reviewer, await claim(reviewer))
    assert_error(await undo(reviewer, made), 409, "undo_expired")
