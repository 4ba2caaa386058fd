"""Feedback reaches whoever said otherwise, and an objection goes to somebody who had no part in it."""

import asyncio
from uuid import uuid4

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from service.db import libpq_url
from service.settings import Settings
from tests.conftest import bearer, client_of
from tests.service.quality.verbs import (
    ALLOWED,
    OTHER,
    RIGHT,
    adjudicate,
    checked,
    decided_case,
    disputed,
    gets,
    make_golden,
    objects,
    plan,
    settled_otherwise,
    take,
    told,
)
from tests.service.steps import Body, assert_error, query, until, value

# The golden item that `settled_otherwise` leads to is of the second; what it was decided as is drawn by none of these plans.
SPAM_OR_NOTHING = {"areas": ["spam", "benign"]}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"qa_golden_hours": 0})


async def test_it_is_read_by_the_one_it_is_for(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    database: str,
) -> None:
    await settled_otherwise(platform, reviewer, checker, lead)
    [one] = await told(reviewer)
    assert one["said"] == RIGHT
    assert one["holds"] == ALLOWED
    assert one["text"] == "what post-1 says"
    for person in (checker, lead):
        assert await told(person) == []
        assert_error(await person.post(f"/v1/qa/feedback/{one['id']}/seen"), 404, "not_found")
        assert_error(await objects(person, one), 404, "not_found")
    assert (await reviewer.post(f"/v1/qa/feedback/{one['id']}/seen")).status_code == 204
    assert (await reviewer.get("/v1/qa/feedback")).json()["unseen"] == 0
    # Names of staff are in none of it.
    answer = (await reviewer.get("/v1/qa/feedback")).text
    for [name] in query(database, "SELECT username FROM principals"):
        assert name not in answer


async def test_an_objection_that_is_upheld_replaces_what_was_settled(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    database: str,
) -> None:
    await settled_otherwise(platform, reviewer, checker, lead)
    [one] = await told(reviewer)
    path = f"/v1/qa/feedback/{one['id']}"
    assert (await objects(reviewer, one)).status_code == 204
    assert_error(await objects(reviewer, one), 409, "objection_refused")
    # Not by who settled it.
    assert (await lead.get("/v1/qa/objections")).json()["objections"] == []
    body = {"upheld": True, "reply": "you are right", "answer": RIGHT}
    assert_error(await lead.post(f"{path}/resolve", json=body), 409, "check_settled")
    [objection] = (await colleague.get("/v1/qa/objections")).json()["objections"]
    assert objection["objection"] == "it is no quote"
    assert_error(await colleague.post(f"{path}/resolve", json={"upheld": True, "reply": "yes"}), 422, "invalid_request")
    assert (await colleague.post(f"{path}/resolve", json=body)).status_code == 204
    assert_error(await colleague.post(f"{path}/resolve", json=body), 409, "check_settled")
    rows = query(database, "SELECT by, error, replaces IS NULL FROM qa_settlements ORDER BY settled_at")
    assert rows == [("adjudication", "false_positive", True), ("dispute", None, False)]
    [one] = await told(reviewer)
    assert (one["upheld"], one["reply"], one["replaced"]) == (True, "you are right", True)
    # Now the one who checked is the one who was wrong.
    [theirs] = await told(checker)
    assert theirs["error"] == "false_negative"


async def test_of_two_objections_upheld_at_once_one_settles(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    manager: httpx.AsyncClient,
    database: str,
) -> None:
    await decided_case(platform, reviewer, "post-1")
    await plan(lead)
    await checked(checker, **OTHER)
    [item] = await disputed(lead)
    assert (await adjudicate(lead, item, **ALLOWED)).status_code == 201
    paths = []
    for person in (reviewer, checker):
        [one] = await told(person)
        paths.append(f"/v1/qa/feedback/{one['id']}")
        assert (await objects(person, one)).status_code == 204
    body = {"upheld": True, "reply": "yes", "answer": RIGHT}
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    with psycopg.connect(libpq_url(database)) as held:
        held.execute("SELECT FROM qa_items FOR UPDATE")
        both = asyncio.gather(
            colleague.post(f"{paths[0]}/resolve", json=body), manager.post(f"{paths[1]}/resolve", json=body)
        )
        await until(lambda: value(database, waiting) > 1)
    answers = await both
    assert sorted(answer.status_code for answer in answers) == [204, 409]
    assert value(database, "SELECT count(*) FROM qa_settlements") == 2
    # Whoever answered the one does not answer the other.
    first, second = (colleague, manager) if answers[0].status_code == 204 else (manager, colleague)
    left = paths[1] if first is colleague else paths[0]
    no = {"upheld": False, "reply": "it has been settled anew"}
    assert_error(await first.post(f"{left}/resolve", json=no), 409, "check_settled")
    assert (await second.post(f"{left}/resolve", json=no)).status_code == 204


async def test_whoever_settled_an_item_before_does_not_resolve_a_later_objection(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    manager: httpx.AsyncClient,
) -> None:
    await settled_otherwise(platform, reviewer, checker, lead)
    for person, resolver in ((reviewer, colleague), (checker, manager)):
        [one] = await told(person)
        path = f"/v1/qa/feedback/{one['id']}"
        assert (await objects(person, one)).status_code == 204
        body = {"upheld": True, "reply": "yes", "answer": one["said"]}
        assert_error(await lead.post(f"{path}/resolve", json=body), 409, "check_settled")
        if person is checker:
            assert_error(await colleague.post(f"{path}/resolve", json=body), 409, "check_settled")
        assert (await resolver.post(f"{path}/resolve", json=body)).status_code == 204


async def test_an_objection_that_is_not_upheld_leaves_it_settled(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    database: str,
) -> None:
    await settled_otherwise(platform, reviewer, checker, lead)
    [one] = await told(reviewer)
    path = f"/v1/qa/feedback/{one['id']}"
    assert_error(await colleague.post(f"{path}/resolve", json={"upheld": False, "reply": "no"}), 404, "not_found")
    assert (await objects(reviewer, one)).status_code == 204
    assert (
        await colleague.post(f"{path}/resolve", json={"upheld": False, "reply": "see the rubric"})
    ).status_code == 204
    assert value(database, "SELECT count(*) FROM qa_settlements") == 1
    [one] = await told(reviewer)
    assert (one["upheld"], one["replaced"], one["may_dispute"]) == (False, False, False)


async def test_objections_have_a_time_limit(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    database: str,
) -> None:
    await settled_otherwise(platform, reviewer, checker, lead)
    query(database, "UPDATE qa_feedback SET told_at = now() - interval '15 days'")
    [one] = await told(reviewer)
    assert not one["may_dispute"]
    assert_error(await objects(reviewer, one), 409, "objection_refused")
    assert_error(await objects(reviewer, {"id": uuid4()}), 404, "not_found")


async def golden_of(item: Body, lead: httpx.AsyncClient) -> Body:
    answer = await make_golden(lead, item)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_a_golden_item_answered_otherwise_gives_feedback_and_can_be_wrong_itself(
    app: FastAPI,
    keys: dict[str, str],
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    third: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    database: str,
) -> None:
    item = await settled_otherwise(platform, reviewer, checker, lead)
    golden = await golden_of(item, lead)
    assert (await make_golden(lead, item)).status_code == 409
    await decided_case(platform, reviewer, "post-2", **OTHER)
    await plan(lead, "second", golden_share=0.5, scope=SPAM_OR_NOTHING)
    for _ in range(2):
        await checked(third, **OTHER)
    [shown] = (await lead.get("/v1/qa/golden")).json()["golden"]
    assert (shown["checks"], shown["missed"]) == (1, 1)
    # Of a golden item no decision was wrong; the one who answered is told, as of any other check.
    assert value(database, "SELECT count(*) FROM qa_settlements WHERE error IS NOT NULL") == 1
    [one] = await told(third)
    assert (one["error"], one["holds"], one["said"]) == ("false_positive", ALLOWED, OTHER)
    assert "golden" not in str(one)
    assert (await objects(third, one)).status_code == 204
    await plan(lead, "third", golden_share=0.5, scope=SPAM_OR_NOTHING)
    body = {"upheld": True, "reply": "so it is", "answer": OTHER}
    assert (await colleague.post(f"/v1/qa/feedback/{one['id']}/resolve", json=body)).status_code == 204
    # As when somebody retires it: nobody else is measured by it, and it is in the log.
    states = "SELECT state FROM qa_items WHERE golden_id IS NOT NULL ORDER BY state"
    assert query(database, states) == [("settled",), ("void",)]
    assert value(database, "SELECT count(*) FROM events WHERE kind = 'qa.golden_retired'") == 1
    [shown] = (await lead.get("/v1/qa/golden")).json()["golden"]
    assert shown["retired_at"]
    assert shown["id"] == golden["id"]


async def test_feedback_on_a_golden_item_comes_later(
    app: FastAPI,
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    third: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    database: str,
) -> None:
    await golden_of(await settled_otherwise(platform, reviewer, checker, lead), lead)
    await decided_case(platform, reviewer, "post-2", **OTHER)
    await plan(lead, "second", golden_share=0.5, scope=SPAM_OR_NOTHING)
    app.state.settings = app.state.settings.model_copy(update={"qa_golden_hours": 24})
    for _ in range(2):
        await checked(third, **OTHER)
    assert await told(third) == []
    query(database, "UPDATE qa_feedback SET told_at = told_at - interval '24 hours'")
    assert len(await told(third)) == 1


async def test_a_retired_golden_item_measures_nobody(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    third: httpx.AsyncClient,
    lead: httpx.AsyncClient,
) -> None:
    golden = await golden_of(await settled_otherwise(platform, reviewer, checker, lead), lead)
    await decided_case(platform, reviewer, "post-2", **OTHER)
    await plan(lead, "second", golden_share=0.5, scope=SPAM_OR_NOTHING)
    assert (await lead.post(f"/v1/qa/golden/{golden['id']}/retire")).status_code == 204
    assert_error(await lead.post(f"/v1/qa/golden/{uuid4()}/retire"), 404, "not_found")
    await checked(third, **OTHER)
    assert await gets(third) is None


async def test_only_what_is_settled_becomes_golden(
    app: FastAPI,
    keys: dict[str, str],
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    lead: httpx.AsyncClient,
) -> None:
    await decided_case(platform, reviewer, "post-1")
    await plan(lead)
    await checked(checker, **OTHER)
    [item] = await disputed(colleague)
    async with client_of(app) as other:
        other.headers.update(bearer(keys["lead"]))
        assert_error(await make_golden(other, item), 409, "check_settled")


async def test_a_golden_item_that_is_not_shown_is_not_retired_either(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    manager: httpx.AsyncClient,
    database: str,
) -> None:
    item = await settled_otherwise(platform, reviewer, checker, lead)
    await plan(lead, "second")
    # In hand since before it was golden: what it holds is hidden from this manager alone.
    await take(manager)
    golden = await golden_of(item, lead)
    path = f"/v1/qa/golden/{golden['id']}/retire"
    assert (await manager.get("/v1/qa/golden")).json()["golden"] == []
    assert_error(await manager.post(path), 404, "not_found")
    query(database, "INSERT INTO queues (name, title, restricted) VALUES ('few', 'Few', true)")
    query(database, "UPDATE cases SET queue = 'few'")
    assert (await lead.get("/v1/qa/golden")).json()["golden"] == []
    assert_error(await lead.post(path), 404, "not_found")
    assert value(database, "SELECT count(*) FROM golden_items WHERE retired_at IS NOT NULL") == 0


@pytest.mark.parametrize("same", [ALLOWED, {**ALLOWED, "severity": 1}])
async def test_an_objection_is_not_upheld_with_what_was_settled(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    database: str,
    same: Body,
) -> None:
    await settled_otherwise(platform, reviewer, checker, lead)
    [one] = await told(reviewer)
    assert (await objects(reviewer, one)).status_code == 204
    path = f"/v1/qa/feedback/{one['id']}"
    body = {"upheld": True, "reply": "you are right", "answer": same}
    refused = assert_error(await colleague.post(f"{path}/resolve", json=body), 422, "invalid_request")
    assert "is what was settled" in refused
    assert value(database, "SELECT count(*) FROM qa_settlements") == 1
    # It still waits, and what neither of them said can hold.
    assert (await colleague.post(f"{path}/resolve", json={**body, "answer": OTHER})).status_code == 204
    assert value(database, "SELECT answer FROM qa_settlements WHERE by = 'dispute'") == OTHER


async def test_all_that_is_unseen_can_be_seen_however_much_it_is(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    checker: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    database: str,
) -> None:
    await settled_otherwise(platform, reviewer, checker, lead)
    # Settlements that replace one another, the newest of which are seen already.
    query(
        database,
        """
        WITH RECURSIVE k AS (
            SELECT 0 AS n, id, NULL::uuid AS before FROM qa_settlements
            UNION ALL SELECT n + 1, gen_random_uuid(), id FROM k WHERE n < 120
        ), made AS (
            INSERT INTO qa_settlements (id, item_id, by, settled_by, answer, replaces)
            SELECT k.id, s.item_id, 'dispute', s.settled_by, s.answer, k.before FROM k, qa_settlements s WHERE n > 0
        )
        INSERT INTO qa_feedback (id, settlement_id, person, told_at, seen_at)
        SELECT gen_random_uuid(), k.id, f.person, f.told_at + n * interval '1 microsecond', CASE WHEN n > 101 THEN now() END
        FROM k, qa_feedback f WHERE n > 0
        """,
    )
    left = []
    for _ in range(3):
        answer = (await reviewer.get("/v1/qa/feedback")).json()
        assert len(answer["feedback"]) == 100
        left.append((answer["unseen"], sum(one["seen_at"] is None for one in answer["feedback"])))
        for one in answer["feedback"]:
            assert (await reviewer.post(f"/v1/qa/feedback/{one['id']}/seen")).status_code == 204
    assert left == [(102, 100), (2, 2), (0, 0)]
