"""Who reads what: a record full of marks, made for every audience in every form and read back from every kind of file."""

from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from tests.service.narratives.steps import MARKS, made, marked, said, taken
from tests.service.steps import assert_error, query

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


@pytest.mark.parametrize("audience", READS)
async def test_each_audience_reads_what_its_rules_say_in_every_file(
    app: FastAPI, database: str, colleague: httpx.AsyncClient, tmp_path: Path, audience: str
) -> None:
    record = await marked(app, database, colleague)
    full = await made(colleague, record, audience=audience, form="full")
    brief = await made(colleague, record, audience=audience, form="brief")
    for narrative, kinds in ((full, ("pdf", "docx", "html")), (brief, ("pdf", "docx", "html"))):
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


@pytest.mark.parametrize("audience", ["leadership", "partner", "regulator"])
@pytest.mark.parametrize(
    "line",
    ["Ask test-lead", "Mrobin Mreader was right", "We told MREADER", "Write to a.b@c.example", "Call +353 1 555 0123"],
)
async def test_a_bottom_line_that_names_somebody_is_refused_by_what_it_names(
    app: FastAPI, database: str, colleague: httpx.AsyncClient, audience: str, line: str
) -> None:
    record = await marked(app, database, colleague)
    body = {"audience": audience, "bottom_line": line}
    told = assert_error(await colleague.post(f"/v1/escalations/{record}/narratives", json=body), 422, "invalid_request")
    assert told.startswith("bottom_line: it names")


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
