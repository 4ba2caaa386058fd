"""Clocks of a record: the matrix starts them, answers stop them, pauses move the internal ones, and the law is not softened."""

from datetime import timedelta
from uuid import uuid4

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from service.sla import workflow
from tests.service.escalations.steps import opened
from tests.service.sla.steps import NOON, clocks, done, kinds, person, started, watched
from tests.service.steps import assert_error, query, value

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
ORDER = {"source": "regulator", "trigger": "removal_order", "jurisdiction": "DE"}


async def test_a_press_query_has_three_clocks_and_answers_stop_the_right_ones(
    app: FastAPI, database: str, keys: dict[str, str]
) -> None:
    record = await started(app, database)
    assert clocks(database, record) == {
        ("first_response", "internal"): NOON + 30 * MINUTE,
        ("next_update", "internal"): NOON + 4 * HOUR,
        ("decision", "internal"): NOON + 24 * HOUR,
    }
    me = person(database)
    # What the first answer may promise is what it starts, not the deadline that it meets itself.
    async with app.state.engine.connect() as connection:
        # Nor one that is over.
        for at, promised in ((20 * MINUTE, 4 * HOUR + 20 * MINUTE), (23 * HOUR, 24 * HOUR), (25 * HOUR, 29 * HOUR)):
            assert await workflow.due_once_answered(connection, record, now=NOON + at) == NOON + promised
    await done(app, workflow.met, record, "first_response", actor=me, now=NOON + 20 * MINUTE)
    assert clocks(database, record) == {
        ("next_update", "internal"): NOON + 20 * MINUTE + 4 * HOUR,
        ("decision", "internal"): NOON + 24 * HOUR,
    }
    # As soon as somebody asks for them again, nothing changes: what was answered stays answered.
    await done(app, workflow.restart, record, actor=me, now=NOON + HOUR)
    assert len(clocks(database, record)) == 2
    await done(app, workflow.met, record, "decision", actor=me, now=NOON + 2 * HOUR)
    assert clocks(database, record) == {}
    assert [kind for kind in kinds(database, record) if kind == "sla.met"] == ["sla.met"] * 4


async def test_a_pause_moves_internal_clocks_and_never_a_legal_one(
    app: FastAPI, database: str, keys: dict[str, str]
) -> None:
    record = await started(app, database, **ORDER)
    me = person(database)
    await done(app, workflow.pause, record, reason="Asked which posts are meant", actor=me, now=NOON + 2 * MINUTE)
    await done(app, workflow.pause, record, reason="consult", actor=me, now=NOON + 3 * MINUTE)
    await done(app, workflow.pause, record, reason="consult", actor=me, now=NOON + 4 * MINUTE)
    # Another reason still holds.
    await done(app, workflow.resume, record, reason="consult", actor=me, now=NOON + 20 * MINUTE)
    assert query(database, "SELECT paused FROM sla_clocks ORDER BY kind") == [(True,), (False,)]
    async with app.state.engine.connect() as connection:
        near = (await workflow.nearest(connection, [record, uuid4()]))[record]
    assert (near.target, near.due_at, near.hard, near.paused) == ("decision", NOON + HOUR, True, False)
    await done(app, workflow.resume, record, actor=me, now=NOON + 30 * MINUTE)
    assert clocks(database, record) == {
        ("first_response", "internal"): NOON + 33 * MINUTE,
        ("decision", "legal"): NOON + HOUR,
    }
    assert kinds(database, record)[2:] == ["sla.paused", "sla.paused", "sla.resumed", "sla.resumed"]
    assert query(database, "SELECT reason FROM sla_pauses ORDER BY paused_at") == [
        ("Asked which posts are meant",),
        ("consult",),
    ]
    with pytest.raises(psycopg.errors.RaiseException, match="replaced, not changed"):
        query(database, "UPDATE sla_clocks SET due_at = due_at + interval '1 hour' WHERE kind = 'legal'")
    with pytest.raises(psycopg.errors.RaiseException, match="never deleted"):
        query(database, "DELETE FROM sla_clocks")


async def test_what_is_done_while_paused_is_judged_without_the_pause(
    app: FastAPI, database: str, keys: dict[str, str]
) -> None:
    record = await started(app, database)
    me = person(database)
    await done(app, workflow.pause, record, reason="Waits for Legal", actor=me, now=NOON + 10 * MINUTE)
    assert await watched(app, NOON + 50 * HOUR) == 0
    await done(app, workflow.met, record, "decision", actor=me, now=NOON + 50 * HOUR)
    assert query(database, "SELECT DISTINCT outcome FROM sla_facts") == [("met",)]


async def test_changed_facts_change_clocks_and_keep_pauses(app: FastAPI, database: str, keys: dict[str, str]) -> None:
    record = await started(app, database, source="user", trigger="report", severity=1)
    me = person(database)
    assert clocks(database, record) == {("decision", "internal"): NOON + 48 * HOUR}
    await done(app, workflow.pause, record, reason="Waits for facts", actor=me, now=NOON + HOUR)
    await done(app, workflow.resume, record, actor=me, now=NOON + 3 * HOUR)
    query(database, "UPDATE escalations SET severity = 3 WHERE id = %s", record)
    # Nobody told the clocks: the worker finds it.
    assert await watched(app, NOON + 4 * HOUR) == 1
    assert clocks(database, record) == {("decision", "internal"): NOON + 10 * HOUR}
    assert await watched(app, NOON + 4 * HOUR) == 0
    query(database, "UPDATE escalations SET trigger = 'removal_order', source = 'court' WHERE id = %s", record)
    await watched(app, NOON + 4 * HOUR)
    assert clocks(database, record)["decision", "legal"] == NOON + HOUR


async def test_what_was_answered_before_a_clock_asked_for_it_stays_answered(
    app: FastAPI, database: str, keys: dict[str, str]
) -> None:
    record = await started(app, database, source="user", trigger="report", severity=1)
    me = person(database)
    await done(app, workflow.met, record, "first_response", actor=me, now=NOON + 10 * MINUTE)
    query(database, "UPDATE escalations SET source = 'press', trigger = 'press_query' WHERE id = %s", record)
    await done(app, workflow.restart, record, actor=me, now=NOON + 2 * HOUR)
    assert clocks(database, record) == {
        ("next_update", "internal"): NOON + 10 * MINUTE + 4 * HOUR,
        ("decision", "internal"): NOON + 24 * HOUR,
    }


async def test_a_deadline_of_an_order_hides_no_clock_of_another_law(
    app: FastAPI, database: str, keys: dict[str, str], colleague: httpx.AsyncClient
) -> None:
    record = await started(app, database)
    body = {"due_at": (NOON + 720 * HOUR).isoformat(), "basis": "Order 9/2026"}
    assert (await colleague.post(f"/v1/escalations/{record}/clocks", json=body)).status_code == 201
    query(database, "UPDATE escalations SET source = 'regulator', trigger = 'removal_order' WHERE id = %s", record)
    await done(app, workflow.restart, record, actor=person(database), now=NOON)
    legal = "SELECT due_at FROM sla_clocks WHERE kind = 'legal' AND ended_at IS NULL ORDER BY due_at"
    assert query(database, legal) == [(NOON + HOUR,), (NOON + 720 * HOUR,)]


async def test_a_legal_clock_is_neither_dropped_nor_moved_later_by_changed_facts(
    app: FastAPI, database: str, keys: dict[str, str]
) -> None:
    record = await started(app, database, **ORDER)
    query(database, "UPDATE escalations SET trigger = 'press_query', source = 'press' WHERE id = %s", record)
    await done(app, workflow.restart, record, actor=person(database), now=NOON)
    assert clocks(database, record)["decision", "legal"] == NOON + HOUR
    query(database, "UPDATE escalations SET trigger = 'court_order', jurisdiction = 'IN' WHERE id = %s", record)
    await done(app, workflow.restart, record, actor=person(database), now=NOON)
    assert clocks(database, record)["decision", "legal"] == NOON + 3 * HOUR
    [(reason, basis)] = query(
        database,
        "SELECT reason, basis FROM sla_clocks WHERE kind = 'legal' AND replaces IS NOT NULL AND ended_at IS NULL",
    )
    assert basis in reason


async def test_an_order_states_its_own_deadline(
    app: FastAPI, database: str, keys: dict[str, str], colleague: httpx.AsyncClient
) -> None:
    record = await started(app, database, **ORDER)
    path = f"/v1/escalations/{record}/clocks"
    shown = (await colleague.get(path)).json()["clocks"]
    legal = next(one for one in shown if one["kind"] == "legal")
    later = {"due_at": (NOON + 9 * HOUR).isoformat(), "basis": "Order 17/2026, point 4", "replaces": legal["id"]}
    refused = await colleague.post(path, json=later | {"reason": "They gave us more time"})
    assert "name the new basis" in assert_error(refused, 422, "invalid_request")
    refused = await colleague.post(path, json=later | {"basis": legal["basis"], "reason": legal["basis"]})
    assert "another basis" in assert_error(refused, 422, "invalid_request")
    assert_error(
        await colleague.post(path, json=later | {"target": "next_update", "reason": "x"}), 422, "invalid_request"
    )
    assert_error(await colleague.post(path, json=later | {"replaces": str(uuid4()), "reason": "x"}), 404, "not_found")
    assert_error(await colleague.post(path, json=later), 422, "invalid_request")
    taken = await colleague.post(path, json=later | {"reason": "The order itself: Order 17/2026, point 4"})
    assert taken.status_code == 201
    assert clocks(database, record)["decision", "legal"] == NOON + 9 * HOUR
    assert_error(await colleague.post(path, json=later | {"reason": "again"}), 422, "invalid_request")
    # The matrix does not bring back what the order took the place of.
    await done(app, workflow.restart, record, actor=person(database), now=NOON)
    query(database, "UPDATE escalations SET jurisdiction = 'FR' WHERE id = %s", record)
    await watched(app, NOON)
    assert clocks(database, record)["decision", "legal"] == NOON + 9 * HOUR
    assert [one["state"] for one in (await colleague.get(path)).json()["clocks"] if one["kind"] == "legal"] == [
        "replaced",
        "running",
    ]


async def test_pauses_by_people_and_what_others_may_not_see(
    app: FastAPI, database: str, keys: dict[str, str], colleague: httpx.AsyncClient, lead: httpx.AsyncClient
) -> None:
    record = await opened(app, database)
    await watched(app, NOON)
    path = f"/v1/escalations/{record}/clocks"
    paused = (await colleague.post(f"{path}/pause", json={"reason": "Waits for Legal"})).json()
    assert {one["state"] for one in paused["clocks"]} == {"paused"}
    assert (paused["pauses"][0]["reason"], paused["pauses"][0]["paused_by"]) == ("Waits for Legal", "test-specialist")
    resumed = (await colleague.post(f"{path}/resume")).json()
    assert {one["state"] for one in resumed["clocks"]} == {"running"}
    hidden = await opened(app, database, confidentiality="restricted", path="child_safety")
    for answer in (
        await lead.get(f"/v1/escalations/{hidden}/clocks"),
        await lead.post(f"/v1/escalations/{hidden}/clocks/pause", json={"reason": "x"}),
        await lead.post(f"/v1/escalations/{hidden}/clocks/resume"),
        await lead.post(f"/v1/escalations/{hidden}/clocks/seen"),
        await lead.post(f"/v1/escalations/{hidden}/clocks", json={"due_at": NOON.isoformat(), "basis": "An order"}),
    ):
        assert_error(answer, 404, "not_found")


async def test_a_resolved_record_needs_nothing_and_one_taken_up_again_is_decided_anew(
    app: FastAPI, database: str, keys: dict[str, str]
) -> None:
    record = await started(app, database)
    close = "UPDATE escalations SET status = 'resolved', resolution = 'answered', resolved_at = %s WHERE id = %s"
    query(database, close, NOON + HOUR, record)
    await watched(app, NOON + 30 * HOUR)
    assert clocks(database, record) == {}
    assert value(database, "SELECT count(*) FROM events WHERE kind = 'sla.breached'") == 0
    assert query(database, "SELECT target, outcome FROM sla_facts ORDER BY target") == [
        ("decision", "met"),
        ("first_response", "missed"),
        ("next_update", "met"),
    ]
    again = "UPDATE escalations SET status = 'working', resolution = NULL, resolved_at = NULL WHERE id = %s"
    query(database, again, record)
    await watched(app, NOON + 40 * HOUR)
    assert clocks(database, record) == {
        ("next_update", "internal"): NOON + 44 * HOUR,
        ("decision", "internal"): NOON + 64 * HOUR,
    }


async def test_the_nearest_is_the_one_that_runs_out_first(app: FastAPI, database: str, keys: dict[str, str]) -> None:
    add = (
        "INSERT INTO sla_clocks (id, escalation_id, target, kind, basis, warn_seconds, on_breach, started_at, due_at, warn_at,"
        " paused, met_at) VALUES (gen_random_uuid(), %s, %s, %s, 'x', 0, 'notify', %s, %s, %s, %s, %s)"
    )
    # Of a record: target, kind, hours until it is due, whether paused, whether met. Then the nearest: target, hard, paused.
    cases = [
        ([("decision", "legal", 2, False, False), ("first_response", "internal", 1, False, False)], ("first_response", False, False)),
        ([("decision", "legal", 2, False, False), ("first_response", "internal", 1, True, False)], ("decision", True, False)),
        ([("next_update", "internal", 3, False, False), ("decision", "legal", 1, False, True)], ("next_update", False, False)),
        ([("decision", "internal", 1, True, False), ("next_update", "internal", 2, True, False)], ("decision", False, True)),
        # Equally near: the law comes first.
        ([("decision", "internal", 1, False, False), ("next_update", "legal", 1, False, False)], ("next_update", True, False)),
    ]  # fmt: skip
    ids = []
    for rows, _nearest in cases:
        ids.append(await opened(app, database))
        for target, kind, hours, paused, met in rows:
            due = NOON + hours * HOUR
            query(database, add, ids[-1], target, kind, NOON, due, due, paused, NOON if met else None)
    async with app.state.engine.connect() as connection:
        found = await workflow.nearest(connection, ids)
    assert [(found[one].target, found[one].hard, found[one].paused) for one in ids] == [nearest for _, nearest in cases]
