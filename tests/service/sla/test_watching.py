"""The watch: each clock is warned of and breaks once, its breach acts once, and the queue serves a legal one first."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from service.sla import workflow
from service.sla.matrix import shipped
from service.sla.watching import store
from service.sla.watching.workflow import CaseClocks
from tests.conftest import bearer
from tests.service.escalations.steps import opened
from tests.service.sla.steps import NOON, clocks, done, kinds, person, started, watched
from tests.service.steps import assert_error, query, report, value

HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
ORDER = {"source": "regulator", "trigger": "removal_order", "jurisdiction": "DE"}


def matrix(**target: Any) -> str:
    """A matrix of one row whose decision is due in an hour."""
    fields = {"target": "decision", "kind": "internal", "minutes": 60, **target}
    written = ", ".join(f"{name} = {one if isinstance(one, int) else repr(one)}" for name, one in fields.items())
    return (
        "[calendars.always]\nzone = 'UTC'\nalways = true\n[[rows]]\nname = 'all'\ntitle = 'All'\nbasis = 'Ours'\n"
        f"as_of = 2026-11-30\ntargets = [{{ {written} }}]\n"
    )


def put_to_work(database: str, text: str) -> None:
    query(
        database,
        "INSERT INTO sla_matrices (version, body, owner, reason, effective_at) SELECT coalesce(max(version), 0) + 1, %s,"
        " 'Ops', 'test', '2020-01-01Z' FROM sla_matrices",
        text,
    )


def acted(database: str) -> list[dict[str, Any]]:
    return [data for (data,) in query(database, "SELECT data FROM events WHERE kind = 'sla.acted' ORDER BY id")]


async def test_a_clock_is_warned_of_once_and_breaks_once_after_its_moment(
    app: FastAPI, database: str, keys: dict[str, str]
) -> None:
    put_to_work(database, matrix(warn_minutes=20))
    record = await started(app, database)
    due = NOON + HOUR
    for moment, expected in (
        (due - 20 * MINUTE - SECOND, []),
        (due - 20 * MINUTE, ["sla.warned"]),
        (due - SECOND, ["sla.warned"]),
        # What is done at the very moment is in time: only after it the clock has run out.
        (due, ["sla.warned"]),
        (due + SECOND, ["sla.warned", "sla.breached", "sla.acted"]),
        (due + HOUR, ["sla.warned", "sla.breached", "sla.acted"]),
    ):
        await watched(app, moment)
        assert kinds(database, record)[1:] == expected, moment


async def test_two_workers_and_one_that_dies_act_once(
    app: FastAPI, database: str, keys: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    put_to_work(database, matrix(on_breach="raise_severity"))
    records = [await started(app, database, severity=1) for _ in range(4)]
    late = NOON + 2 * HOUR
    notify = store.notify

    async def dies(*_given: Any, **_named: Any) -> int:
        raise ConnectionError

    monkeypatch.setattr(store, "notify", dies)
    with pytest.raises(ConnectionError):
        await watched(app, late)
    assert acted(database) == []
    monkeypatch.setattr(store, "notify", notify)
    await asyncio.gather(*(watched(app, late) for _ in range(3)))
    await watched(app, late + HOUR)
    assert len(acted(database)) == 4
    assert query(database, "SELECT DISTINCT severity FROM escalations") == [(2,)]
    for record in records:
        assert kinds(database, record).count("sla.breached") == 1


async def test_a_breach_raises_hands_over_or_says_that_it_could_not(
    app: FastAPI, database: str, keys: dict[str, str], lead: httpx.AsyncClient, colleague: httpx.AsyncClient
) -> None:
    put_to_work(database, matrix(on_breach="raise_severity"))
    record = await started(app, database, severity=4)
    await watched(app, NOON + 2 * HOUR)
    assert (acted(database)[-1]["done"], acted(database)[-1]["told"]) == (False, 1)
    put_to_work(database, matrix(on_breach="hand_over", hand_to="lead"))
    mine = person(database)
    handed = await started(app, database)
    query(database, "UPDATE escalations SET owner = %s WHERE id = %s", mine, handed)
    await watched(app, NOON + 2 * HOUR)
    lead_id = person(database, "test-lead")
    assert value(database, "SELECT owner FROM escalations WHERE id = %s", handed) == lead_id
    assert query(database, "SELECT principal_id FROM escalation_watchers") == [(mine,)]
    restricted = await started(app, database, confidentiality="restricted", path="law_enforcement")
    await watched(app, NOON + 2 * HOUR)
    assert acted(database)[-1]["done"] is False
    assert value(database, "SELECT owner FROM escalations WHERE id = %s", restricted) is None
    # Loud for whoever may see it, and nobody else.
    seen = (await lead.get("/v1/sla/overdue")).json()
    assert {one["escalation_id"] for one in seen["clocks"]} == {str(record), str(handed)}
    assert (seen["total"], seen["legal"]) == (2, 0)
    assert all(one["told"] for one in seen["clocks"])
    assert (await lead.post(f"/v1/escalations/{handed}/clocks/seen")).status_code == 204
    told = {one["escalation_id"]: one["told"] for one in (await lead.get("/v1/sla/overdue")).json()["clocks"]}
    assert told == {str(record): True, str(handed): False}
    text = (await lead.get("/metrics")).text
    assert 'triage_sla_overdue{kind="internal"} 3.0' in text
    assert 'triage_sla_overdue{kind="legal"} 0.0' in text


async def test_a_legal_clock_drives_the_queue_of_its_cases(
    app: FastAPI,
    database: str,
    keys: dict[str, str],
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    lead: httpx.AsyncClient,
) -> None:
    for number in range(3):
        await report(platform, f"other-{number}", views_per_hour=100_000)
    case = (await report(platform, "ordered", views_per_hour=0))["case_id"]
    # The guard takes a case up half an hour before its deadline.
    now = datetime.now(UTC) - 45 * MINUTE
    record = await started(app, database, **ORDER, cases=[case], received_at=now)
    state = app.state
    chore = CaseClocks(state.engine, state.jobs, taxonomy=state.taxonomy, config=state.rank_config)
    assert await chore.step() == 1
    assert await chore.step() == 0
    assert value(database, "SELECT due_at FROM clocks WHERE case_id = %s", case) == now + HOUR
    # Another takes its place, and so does the case's: at last, whatever came in between.
    for country, steps in (("IN", 0), ("DE", 0), ("IN", 1), ("DE", 1)):
        query(database, "UPDATE escalations SET jurisdiction = %s WHERE id = %s", country, record)
        await done(app, workflow.restart, record, actor=person(database), now=now)
        if steps:
            assert await chore.step() == 1
            due = now + (3 if country == "IN" else 1) * HOUR
            assert value(database, "SELECT deadline FROM cases WHERE id = %s", case) == due
    answer = await reviewer.post("/v1/queues/default/claim")
    assert answer.json()["case"]["subject"]["id"] == "ordered"
    assert value(database, "SELECT count(*) FROM clocks") == 3
    # It is met, and so the case owes it no more; that somebody else set a deadline stays, and nothing is told of the record.
    own = now + 8 * HOUR
    await platform.post(
        f"/v1/cases/{case}/clocks", json={"kind": "contract", "basis": "Theirs", "due_at": own.isoformat()}
    )
    await done(app, workflow.met, record, "decision", actor=person(database))
    assert await chore.step() == 1
    assert await chore.step() == 0
    assert value(database, "SELECT deadline FROM cases WHERE id = %s", case) == own
    [(ended, about)] = query(database, "SELECT data, escalation_id FROM events WHERE kind = 'clock.ended'")
    assert (ended["because"], about) == ("met", None)
    listed = (await reviewer.get(f"/v1/cases/{case}/clocks")).json()["clocks"]
    assert [one["ended_at"] is not None for one in listed if one["replaced_by"] is None] == [True, False]
    again = {"kind": "legal", "basis": "B", "due_at": own.isoformat(), "replaces": ended["clock"], "reason": "B"}
    assert "ended" in assert_error(await lead.post(f"/v1/cases/{case}/clocks", json=again), 422, "invalid_request")


@pytest.mark.parametrize(
    "closed", [{"confidentiality": "confidential"}, {"confidentiality": "restricted", "path": "child_safety"}]
)
async def test_a_breach_sends_cases_to_the_front_and_a_record_not_for_all_tells_only_the_time(
    app: FastAPI, database: str, keys: dict[str, str], platform: httpx.AsyncClient, closed: dict[str, str]
) -> None:
    put_to_work(database, matrix(on_breach="front_queue"))
    case = (await report(platform, "slow"))["case_id"]
    await started(app, database, cases=[case], **closed)
    await started(app, database)
    state = app.state
    chore = CaseClocks(state.engine, state.jobs, taxonomy=state.taxonomy, config=state.rank_config)
    assert await chore.step() == 0
    await watched(app, NOON + 2 * HOUR)
    # The other has no case that could go anywhere.
    assert sorted(one["done"] for one in acted(database)) == [False, True]
    assert await chore.step() == 1
    assert query(database, "SELECT kind, basis, due_at FROM clocks") == [
        ("contract", "A deadline of 2026-12-01 13:00:00 UTC", NOON + HOUR)
    ]


async def test_another_matrix_moves_what_runs_and_nobody_saves_over_another(
    app: FastAPI, database: str, keys: dict[str, str], lead: httpx.AsyncClient, colleague: httpx.AsyncClient
) -> None:
    record = await started(app, database)
    me = person(database)
    await done(app, workflow.pause, record, reason="Waits for Legal", actor=me, now=NOON + 10 * MINUTE)
    shown = (await lead.get("/v1/sla")).json()
    assert (shown["version"], shown["text"], len(shown["history"])) == (1, shipped(), 1)
    text = shown["text"].replace("minutes = 30 }", "minutes = 90 }", 1)
    assert text != shown["text"]
    tried = (await lead.post("/v1/sla/preview", json={"text": text})).json()
    assert (tried["records"], tried["earlier"], tried["later"], tried["started"], tried["ended"]) == (1, 0, 1, 0, 0)
    assert tried["moved"][0]["escalation_id"] == str(record)
    body = {"text": text, "based_on": 1, "owner": "Ops", "reason": "Press asked for longer"}
    assert (await lead.post("/v1/sla", json=body)).status_code == 201
    assert_error(await lead.post("/v1/sla", json=body), 409, "matrix_changed")
    assert_error(await colleague.post("/v1/sla", json=body), 403, "forbidden")
    # Whoever goes on from here edits what comes, not what is at work until then.
    coming = {"text": f"{text}\n# Coming.", "based_on": 2, "effective_at": (datetime.now(UTC) + HOUR).isoformat()}
    assert (await lead.post("/v1/sla", json=body | coming)).status_code == 201
    assert "# Coming." in (await lead.get("/sla")).text
    bad = text.replace('on_breach = "front_queue" }', 'on_breach = "hand_over", hand_to = "nobody" }', 1)
    assert "nobody who works" in assert_error(
        await lead.post("/v1/sla", json=body | {"text": bad, "based_on": 3}), 422, "invalid_request"
    )
    # The change comes mid-pause: what stood still before it still counts.
    await watched(app, datetime.now(UTC) + SECOND)
    await done(app, workflow.resume, record, actor=me, now=NOON + 40 * MINUTE)
    assert clocks(database, record)["first_response", "internal"] == NOON + 120 * MINUTE
    assert query(database, "SELECT version, owner FROM sla_matrices ORDER BY version") == [
        (1, "content-triage"),
        (2, "Ops"),
        (3, "Ops"),
    ]


async def test_attainment_counts_what_is_open_and_overdue_as_missed(
    app: FastAPI, database: str, keys: dict[str, str], colleague: httpx.AsyncClient
) -> None:
    put_to_work(database, matrix())
    now = datetime.now(UTC)
    me = person(database)
    records = [await started(app, database, received_at=now + hours * HOUR) for hours in (-5, -5, -5, 0)]
    await done(app, workflow.met, records[0], "decision", actor=me, now=now - 4 * HOUR)
    await done(app, workflow.met, records[1], "decision", actor=me, now=now - 4 * HOUR + SECOND)
    rows = (await colleague.get("/v1/sla/attainment?months=2")).json()["rows"]
    totals = [sum(one[name] for one in rows) for name in ("clocks", "met", "missed", "running")]
    assert totals == [4, 1, 2, 1]
    lines = (await colleague.get("/v1/sla/attainment.csv")).text.splitlines()
    assert lines[0] == "month,source,target,kind,clocks,met,missed,running,share_met"
    assert lines[-1].split(",")[1:4] == ["press", "decision", "internal"]


async def test_the_pages_say_what_runs_and_what_has_run_out(
    app: FastAPI, database: str, keys: dict[str, str], client: httpx.AsyncClient
) -> None:
    record = await started(app, database, **ORDER, title="<script>alert(1)</script>")
    await watched(app, NOON + 2 * HOUR)
    shown = (await client.get(f"/escalations/{record}", headers=bearer(keys["specialist"]))).text
    assert 'data-testid="clock"' in shown
    assert "article 3(3)" in shown
    floor = (await client.get("/floor", headers=bearer(keys["lead"]))).text
    assert 'data-testid="sla-overdue"' in floor
    assert "<script>alert" not in floor
    for role, edits in (("lead", True), ("specialist", False)):
        page = (await client.get("/sla", headers=bearer(keys[role]))).text
        assert 'data-testid="sla-overdue"' in page
        assert ('id="matrix-text"' in page) is edits
    assert (await client.get("/sla", headers=bearer(keys["reviewer"]))).status_code == 403


async def test_a_record_nobody_started_clocks_for_has_them_from_the_watch(
    app: FastAPI, database: str, keys: dict[str, str]
) -> None:
    record = await opened(app, database, received_at=NOON)
    assert await watched(app, NOON) == 1
    assert len(clocks(database, record)) == 3
