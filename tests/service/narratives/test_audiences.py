"""Who reads what: a record full of marks, made for every audience in every form and read back from every kind of file."""

import itertools
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from service import events
from service.narratives import workflow
from service.narratives.facts import Advice
from service.narratives.rules import EVENTS
from service.pages.audit_words import KINDS
from service.sla import workflow as sla
from service.sla.workflow import Nearest
from tests.service.escalations.steps import opened
from tests.service.narratives.steps import MARKS, made, marked, said, taken
from tests.service.routing.steps import make_queue
from tests.service.steps import assert_error, query, report

# What an audience reads in a full report. Messages, fields, assets and privileged parts nobody reads.
READS = {
    "internal": {
        *("title", "summary", "requester name", "requester mail", "requester organisation", "requester reference"),
        *("why", "factor", "action", "team", "staff", "author", "telephone"),
    },
    "leadership": {"title", "summary", "why", "factor", "action", "team"},
    "partner": set[str](),
    "regulator": set[str](),
}


# What is told of in a narrative; of some of them there are kinds that belong to no record.
GROUPS = ("escalation", "intake", "consult", "reply", "sla", "cause", "improvement", "narrative", "preservation")
ELSEWHERE = {
    *("consult.team_set", "consult.member_added", "consult.member_removed"),
    *("reply.template_saved", "reply.template_withdrawn", "sla.matrix_saved"),
}


def test_every_event_of_a_record_has_words_of_its_own() -> None:
    of_records = {kind for kind in KINDS if kind.partition(".")[0] in GROUPS} - ELSEWHERE
    assert of_records - {kind.partition("/")[0] for kind in EVENTS} == set()
    assert {kind.partition("/")[0] for kind in EVENTS} - set(KINDS) == set()


async def test_each_audience_reads_what_its_rules_say_in_every_file(
    app: FastAPI, database: str, colleague: httpx.AsyncClient, tmp_path: Path
) -> None:
    record = await marked(app, database, colleague)
    for audience in READS:
        await _reads(colleague, record, audience, tmp_path)


async def _reads(colleague: httpx.AsyncClient, record: UUID, audience: str, tmp_path: Path) -> None:
    full = await made(colleague, record, audience=audience, form="full")
    brief = await made(colleague, record, audience=audience, form="brief")
    # A brief says less of the same, and its stored form is looked at below.
    for narrative, kinds in ((full, ("pdf", "docx", "html")), (brief, ("pdf",))):
        for kind in kinds:
            text = said(await taken(colleague, record, narrative, format=kind), kind, tmp_path)
            found = {name for name, mark in MARKS.items() if mark.lower() in text.lower()}
            if narrative is full:
                assert found == READS[audience], (audience, kind)
            else:
                assert found <= READS[audience], (audience, kind)
            # Half of a name is one, too.
            if audience != "internal":
                assert "mrobin" not in text.lower()
                assert "mreader" not in text.lower()
                assert "0123" not in text
    stored = str([full["document"], brief["document"]]).lower()
    assert all(MARKS[name].lower() not in stored for name in set(MARKS) - READS[audience])


async def test_a_bottom_line_that_names_somebody_is_refused_by_what_it_names(
    app: FastAPI, database: str, colleague: httpx.AsyncClient
) -> None:
    record = await marked(app, database, colleague)
    lines = ("Ask test-lead", "Mrobin Mreader was right", "Told MREADER", "To a.b@c.example", "Call +353 1 555 0123")
    for audience in ("leadership", "partner", "regulator"):
        for line in lines:
            body = {"audience": audience, "bottom_line": line}
            answer = await colleague.post(f"/v1/escalations/{record}/narratives", json=body)
            assert assert_error(answer, 422, "invalid_request").startswith("bottom_line: it names"), (audience, line)
    assert query(database, "SELECT count(*) FROM narratives") == [(0,)]
    # An authority, and the number of its order, are nobody.
    query(database, "UPDATE escalations SET source = 'regulator'")
    await made(colleague, record, audience="regulator", bottom_line="Mticket77 of Mdaily was complied with")


async def test_whoever_may_not_see_a_record_makes_and_reads_nothing_of_it(
    app: FastAPI, database: str, colleague: httpx.AsyncClient, lead: httpx.AsyncClient
) -> None:
    record = await marked(app, database, colleague)
    narrative = await made(colleague, record)
    query(
        database, "UPDATE escalations SET confidentiality = 'restricted', path = 'child_safety' WHERE id = %s", record
    )
    address = f"/v1/escalations/{record}/narratives"
    for path in ("", f"/{narrative['id']}", f"/{narrative['id']}/file"):
        assert_error(await lead.get(f"{address}{path}"), 404, "not_found")
    assert_error(await lead.post(address, json={}), 404, "not_found")
    assert (await lead.get(f"/escalations/{record}/narrative")).status_code == 404


# Whether cause and actions are told, which events, and what is said of the next deadline: of a legal one and of a target.
TELLS: dict[str, tuple[bool, set[str], str, str]] = {
    "internal": (True, {"opened", "waits", "missed", "linked"}, "decision, due", "decision, due"),
    "leadership": (True, {"opened", "waits", "missed"}, "decision, due", "decision, due"),
    "partner": (False, {"opened"}, "Work on it goes on.", "Work on it goes on."),
    "regulator": (True, {"opened"}, "decision, due", "No legal deadline runs."),
}


async def test_cause_events_and_deadlines_go_as_far_as_the_rules_say(
    app: FastAPI, database: str, colleague: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = await marked(app, database, colleague)
    async with app.state.engine.begin() as connection:
        for kind in ("escalation.waits", "sla.breached", "escalation.linked"):
            await events.record_on(connection, kind, record)
    for audience, hard in itertools.product(TELLS, (True, False)):
        headings, told, *due = TELLS[audience]
        nearest = Nearest("decision", datetime(2026, 12, 1, tzinfo=UTC), hard=hard, paused=False)

        async def one(*_: object, nearest: Nearest = nearest) -> dict[UUID, Nearest]:
            return {record: nearest}

        monkeypatch.setattr(sla, "nearest", one)
        document = (await made(colleague, record, audience=audience, form="full"))["document"]
        blocks = document["blocks"]
        assert ("Cause" in [one["text"] for one in blocks if one["kind"] == "heading"]) is headings
        rows = " ".join(
            row[1] for one in blocks if one["kind"] == "table" and one["title"] == "Timeline" for row in one["rows"]
        )
        assert {word for word in ("opened", "waits", "missed", "linked") if word in rows} == told
        assert due[0 if hard else 1] in blocks[-1]["text"]


async def test_a_case_of_a_restricted_queue_is_in_no_narrative(
    app: FastAPI, database: str, colleague: httpx.AsyncClient, lead: httpx.AsyncClient, platform: httpx.AsyncClient
) -> None:
    case = (await report(platform))["case_id"]
    record = await opened(app, database, cases=[case])
    assert case in str((await made(colleague, record))["document"])
    await make_queue(lead, "sealed", restricted=True)
    query(database, "UPDATE cases SET queue = 'sealed'")
    query(
        database,
        "INSERT INTO queue_members (queue, principal_id) SELECT 'sealed', id FROM principals WHERE role = 'specialist'",
    )
    assert (await colleague.get(f"/v1/cases/{case}")).status_code == 200
    narrative = await made(colleague, record)
    assert case not in str(narrative["document"])
    [figures] = [one["rows"] for one in narrative["document"]["blocks"] if one["kind"] == "figures"]
    assert {one["name"]: one["n"] for one in figures if "cases" in one["name"]} == {
        "reports_on_cases": 0,
        "cases_decided": 0,
    }


async def test_advice_is_for_the_company_and_without_people_outside_the_team(
    app: FastAPI, database: str, colleague: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def advice(*_: object) -> list[Advice]:
        return [Advice("Legal", "May we?", "Myes, says test-lead")]

    monkeypatch.setattr(workflow, "_advice", advice)
    record = await opened(app, database)
    for audience, reads in {"internal": 2, "leadership": 1, "partner": 0, "regulator": 0}.items():
        text = str((await made(colleague, record, audience=audience, form="full"))["document"])
        assert ("Myes" in text) + ("test-lead" in text) == reads, audience
