"""The log of events: filters and pages, what leads do not see, files, and words for every kind that is ever recorded."""

import ast
import csv
import io
import json
import re
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

import service
from service.audit import workflow
from service.pages.audit_words import GROUPS, KINDS, details, sentence_of
from tests.conftest import bearer, client_of
from tests.service.steps import Body, assert_error, claim, decided, query, report, value

_NAME = re.compile(r"[a-z]+\.[a-z_]+")
_QUOTED = re.compile(rf"'({_NAME.pattern})'")
# Names in the same modules of what goes to the platform, into the log of the process, or stands in a statement.
NO_EVENTS = {
    "webhook.test",
    "decision.made",
    "crisis.told",
    "statement.made",
    "drift.reference",
    "drawn.draw",
    "ranking.file_not_at_work",
    "ranking.look_failed",
    "ranking.unusable",
    "appeal.not_carried_out",
    "sla.breach_without_effect",
    "sla.case_clock_refused",
    "sla.clocks_not_set",
}
SECRET = "what post-1 says"


def recorded_kinds() -> set[str]:
    """Every kind that is written to the log: names in modules that record events, by themselves or within a statement."""
    kinds: set[str] = set()
    for path in Path(service.__file__).parent.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        if "events.record" not in source and "INTO events" not in source:
            continue
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                kinds |= {node.value} if _NAME.fullmatch(node.value) else set(_QUOTED.findall(node.value))
    # Kinds that a workflow names and its store writes.
    return (kinds - NO_EVENTS) | {"case.held", "case.handed_over"}


def test_every_kind_that_is_recorded_has_words() -> None:
    kinds = recorded_kinds()
    assert len(kinds) > 60
    assert sorted(kinds - set(KINDS)) == []
    assert sorted(set(KINDS) - kinds) == []
    assert {kind.partition(".")[0] for kind in KINDS} == set(GROUPS)
    assert sentence_of("never.heard_of") == "Never heard of"


async def test_events_are_found_by_kind_person_case_item_and_day(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, lead: httpx.AsyncClient
) -> None:
    first = await report(platform, "post-1")
    second = await report(platform, "post-2")
    await decided(reviewer, await claim(reviewer))

    async def found(**asked: object) -> list[Body]:
        answer = await lead.get("/v1/events", params={name: str(one) for name, one in asked.items()})
        assert answer.status_code == 200, answer.text
        return list(answer.json()["events"])

    everything = await found()
    assert [one["id"] for one in everything] == sorted((one["id"] for one in everything), reverse=True)
    assert [one["kind"] for one in await found(kind="case.decided")] == ["case.decided"]
    assert {one["kind"] for one in await found(kind="case")} >= {"case.opened", "case.claimed", "case.decided"}
    who = next(one["actor"] for one in everything if one["kind"] == "case.claimed")
    assert [one["kind"] for one in await found(actor=who, kind="case")] == ["case.decided", "case.claimed"]
    assert await found(actor="nobody-of-that-name") == []
    of_first = await found(case_id=first["case_id"])
    assert of_first
    assert of_first == await found(subject="post-1")
    assert {one["case_id"] for one in await found(subject="post-2")} == {second["case_id"]}
    today = everything[0]["at"][:10]
    assert await found(since=today, until=today) == everything
    assert await found(until="2020-01-01") == []
    answer = await lead.get("/v1/events", params={"limit": 2})
    older = await lead.get("/v1/events", params={"limit": 2, "before": answer.json()["next"]})
    assert answer.json()["events"] + older.json()["events"] == everything[:4]
    for wrong in (
        {"kind": "Case'; --"},
        {"case_id": "7"},
        {"since": "soon"},
        {"before": "0"},
        {"limit": "0"},
        {"q": "x"},
    ):
        assert_error(await lead.get("/v1/events", params=wrong), 422, "invalid_request")


async def test_leads_see_no_case_of_a_queue_that_is_closed_to_them_and_nothing_of_accounts(
    app: FastAPI,
    keys: dict[str, str],
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    database: str,
) -> None:
    await report(platform)
    claimed = await claim(reviewer)
    skipped = await reviewer.post(
        f"/v1/cases/{claimed['case']['id']}/skip",
        json={"lease_token": claimed["lease"]["token"], "reason": "upset"},
    )
    assert skipped.status_code == 204
    query(
        database,
        "INSERT INTO events (kind, case_id, actor) SELECT 'media.revealed', c.id, p.id FROM cases c, principals p"
        " WHERE p.role = 'reviewer' LIMIT 1",
    )
    async with client_of(app) as admin:
        admin.headers.update(bearer(keys["admin"]))
        seen = {"lead": (await lead.get("/v1/events")).json(), "admin": (await admin.get("/v1/events")).json()}
        [passed] = [one for one in seen["admin"]["events"] if one["kind"] == "case.skipped"]
        # Whoever passes a case over is told that nobody knows.
        assert (passed["actor"], passed["withheld"]) == (None, True)
        person = next(one["actor"] for one in seen["admin"]["events"] if one["kind"] == "case.claimed")
        of_person = (await admin.get("/v1/events", params={"actor": person})).json()["events"]
        assert "case.skipped" not in {one["kind"] for one in of_person}
        revealed = {
            who: next(one for one in log["events"] if one["kind"] == "media.revealed") for who, log in seen.items()
        }
        assert revealed["lead"]["actor"] is None
        assert revealed["admin"]["actor"] is not None
        kinds = {who: {one["kind"] for one in log["events"]} for who, log in seen.items()}
        assert {kind.partition(".")[0] for kind in kinds["admin"] - kinds["lead"]} == {"person"}
        query(database, "INSERT INTO queues (name, title, restricted) VALUES ('few', 'Few', true)")
        query(database, "UPDATE cases SET queue = 'few'")
        assert {one["case_id"] for one in (await lead.get("/v1/events")).json()["events"]} <= {None}
        assert "case.claimed" in {one["kind"] for one in (await admin.get("/v1/events")).json()["events"]}


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
async def test_a_file_holds_what_the_page_holds_is_bounded_and_leaves_an_event(
    client: httpx.AsyncClient,
    keys: dict[str, str],
    platform: httpx.AsyncClient,
    database: str,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    for number in range(4):
        await report(platform, f"post-{number}")
    monkeypatch.setattr(workflow, "EXPORT_ROWS", 3)
    monkeypatch.setattr(workflow, "EXPORT_BATCH", 2)
    client.headers.update(bearer(keys["admin"]))
    shown = (await client.get("/v1/events", params={"kind": "case.opened"})).json()["events"]
    answer = await client.get("/v1/events/export", params={"format": kind, "kind": "case.opened"})
    assert answer.headers["content-disposition"] == f'attachment; filename="events.{kind}"'
    if kind == "csv":
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert [(int(row["id"]), json.loads(row["data"])) for row in rows] == [
            (one["id"], one["data"]) for one in shown[:3]
        ]
    else:
        assert [json.loads(line) for line in answer.text.splitlines()] == shown[:3]
    assert SECRET not in answer.text
    assert value(database, "SELECT data FROM events WHERE kind = 'audit.exported'") == {
        "format": kind,
        "asked": {"kind": "case.opened"},
    }


def test_what_is_known_beyond_the_kind_is_said_for_reading() -> None:
    data = {
        "decision": "018f0000-0000-7000-8000-000000000001",
        "until": "2026-11-30T12:44:58.357095+00:00",
        "channel": "trusted_flagger",
        "upheld": True,
        "value": 0.123456,
        "nothing": None,
        "changed": ["name", "roles"],
    }
    assert details(data) == [
        ("decision", "…000000000001"),
        ("until", "30 Nov 2026, 12:44:58"),
        ("channel", "trusted flagger"),
        ("upheld", "yes"),
        ("value", "0.1235"),
        ("changed", "name, roles"),
    ]
