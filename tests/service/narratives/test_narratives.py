"""Narratives: kept as they were given out, with every figure as its query gives it, and with what changed since."""

import re
from dataclasses import replace
from datetime import datetime
from gettext import NullTranslations
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from service.catalogues import catalogues
from service.causes.figures import QUERIES
from service.causes.workflow import cause_of, figure
from service.escalations.workflow import Said, say
from service.narratives import workflow
from service.narratives.html import parts
from service.narratives.model import from_json, lines
from service.narratives.rules import AUDIENCES
from tests.service.causes.steps import add_action, change_action, file_cause
from tests.service.escalations.steps import opened
from tests.service.narratives.steps import made, taken
from tests.service.steps import Body, assert_error, query, report


def figures_of(narrative: Body) -> dict[str, dict[str, Any]]:
    blocks = [one for one in narrative["document"]["blocks"] if one["kind"] == "figures"]
    return {one["name"]: one for block in blocks for one in block["rows"]}


def typed(parameters: dict[str, str]) -> dict[str, Any]:
    """Parameters of a query as it takes them, from what stands in a narrative."""
    given: dict[str, Any] = {name: None if value == "none" else value for name, value in parameters.items()}
    return given | {name: datetime.fromisoformat(given[name]) for name in ("at", "since", "until") if name in given}


async def test_figures_are_what_their_queries_give_when_run_on_their_own(
    app: FastAPI, database: str, colleague: httpx.AsyncClient, platform: httpx.AsyncClient
) -> None:
    cases = [(await report(platform, f"post-{number}"))["case_id"] for number in (0, 1, 2, 0)]
    record = await opened(app, database, policy_area="harassment", cases=cases)
    await file_cause(colleague, record)
    others = [await opened(app, database, policy_area="harassment") for _ in range(4)]
    await file_cause(colleague, others[0])
    shown = figures_of(await made(colleague, record, form="full"))
    assert set(shown) == {
        *("reports_on_cases", "cases_decided", "first_answer_minutes", "escalations_alike_per_week"),
        *("escalations_of_cause_per_week", "reports_in_area_per_week", "decisions_taken_back"),
    }
    assert (shown["reports_on_cases"]["value"], shown["cases_decided"]["said"]) == (4, "0 of 3")
    assert (shown["escalations_alike_per_week"]["n"], shown["escalations_of_cause_per_week"]["n"]) == (4, 1)
    for name, one in shown.items():
        assert (one["title"], one["definition"]) == (QUERIES[name].title, QUERIES[name].definition)
        # Seconds are what a narrative says of moments; nothing came in between.
        values = typed(one["parameters"]) if "until" not in one["parameters"] else None
        async with app.state.engine.connect() as connection:
            given = values or typed({**one["parameters"], "until": "2999-01-01T00:00:00Z"})
            if "at" in given:
                given["at"] = datetime.fromisoformat("2999-01-01T00:00:00Z")
            found = await figure(connection, name, given)
        assert found.n == one["n"], name
        if QUERIES[name].kind != "rate":
            assert found.value == one["value"], name


async def test_an_answer_is_what_a_person_wrote_and_what_arrived(
    app: FastAPI, database: str, colleague: httpx.AsyncClient
) -> None:
    record = await opened(app, database, received_at="2026-03-01T12:00:00Z")
    async with app.state.engine.begin() as connection:
        await say(connection, record, Said("outbound", "receipt", "It is here.", "en"))
    deliver = """
        INSERT INTO reply_deliveries (id, escalation_id, sender, recipients, subject, body, language, mail_id, automatic,
                                      state, deliver_after, delivered_at)
        SELECT gen_random_uuid(), %s, 'smtp', '{}', '', '', 'en', gen_random_uuid()::text, automatic, state, now(), at
        FROM (VALUES (true, 'delivered', timestamptz '2026-03-01 12:01Z'), (false, 'failed', NULL)) AS d (automatic, state, at)
    """
    query(database, deliver, record)
    told = await made(colleague, record, audience="regulator", form="full")
    assert figures_of(told)["first_answer_minutes"]["said"] == "not known"
    assert "Its receipt was confirmed" in str(told["document"])
    assert "An answer was sent" not in str(told["document"])
    query(
        database,
        "UPDATE reply_deliveries SET state = 'delivered', delivered_at = '2026-03-01 12:30Z' WHERE NOT automatic",
    )
    assert figures_of(await made(colleague, record))["first_answer_minutes"]["said"] == "30 min"


async def test_all_facts_are_of_one_instant(
    app: FastAPI, database: str, colleague: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record that comes in while a narrative is made is in none of its figures."""
    record = await opened(app, database, policy_area="spam")

    async def meanwhile(*given: Any, **named: Any) -> Any:
        await opened(app, database, policy_area="spam")
        return await cause_of(*given, **named)

    monkeypatch.setattr(workflow, "cause_of", meanwhile)
    shown = figures_of(await made(colleague, record))
    assert shown["escalations_alike_per_week"]["n"] == 0
    assert query(database, "SELECT count(*) FROM escalations") == [(2,)]


async def test_what_was_given_out_stays_as_it_was_and_the_next_says_what_changed(
    app: FastAPI, database: str, colleague: httpx.AsyncClient, lead: httpx.AsyncClient
) -> None:
    record = await opened(app, database)
    action = await add_action(colleague, record)
    first = await made(colleague, record, bottom_line="All is well")
    assert (first["version"], first["written"], first["since_version"]) == (1, True, None)
    unlike = await made(colleague, record, audience="leadership")
    assert unlike["since_version"] is None
    file = await taken(colleague, record, first)
    await change_action(colleague, action, state="doing")
    third = await made(lead, record, bottom_line="All is better")
    assert (third["version"], third["since_version"]) == (3, 1)
    changes = [(one["kind"], one["text"]) for one in third["changes"]]
    assert ("removed", "All is well") in changes
    assert ("added", "All is better") in changes
    assert any(kind == "added" and "doing" in text for kind, text in changes)
    # Weeks later somebody asks what they got: the same content, and the same file to the byte.
    again = (await lead.get(f"/v1/escalations/{record}/narratives/{first['id']}")).json()
    assert again["document"] == first["document"]
    assert again["content_hash"] == first["content_hash"]
    assert await taken(lead, record, first) == file
    for change in (
        "UPDATE narratives SET written = false",
        "DELETE FROM narratives",
        "UPDATE root_causes SET code = 'abuse'",
    ):
        if "root_causes" in change:
            await file_cause(colleague, record)
        with pytest.raises(psycopg.Error, match="append"):
            query(database, change)
    events = [one["kind"] for one in (await colleague.get(f"/v1/escalations/{record}/timeline")).json()["events"]]
    assert events.count("narrative.made") == 3
    assert events.count("narrative.taken") == 2


class Marked(NullTranslations):
    """A language in which every message stands between ⟦ and ⟧."""

    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧"


async def test_all_but_what_people_wrote_is_said_in_the_language_that_was_chosen(
    app: FastAPI, database: str, colleague: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(catalogues(), "es", replace(catalogues()["es"], messages=Marked()))
    record = await opened(app, database, title="1", summary="2", policy_area="spam", severity=3)
    await file_cause(colleague, record, whys=[{"why": "3", "because": "4"}], factors=["5"])
    await add_action(colleague, record, title="6", team="7")
    for audience in AUDIENCES:
        narrative = await made(colleague, record, audience=audience, form="full", language="es")
        document = from_json(narrative["document"])
        assert document.language == "es"
        words = [*lines(document), *(text for one in document.figures for text in (one.definition, one.unit))]
        page = parts(document)
        words += [document.facts_at.removesuffix("UTC"), *re.findall(r"<th scope=\"col\">([^<>]+)</th>", page)]
        # Who did something is no word; nor is whoever raised it, and the names of hashes, queries and parameters.
        names = r"⟦[^⟦⟧]*⟧|test-\w+|SHA-256|E-\d+|I-\d+|UTC|[0-9a-f]{64}|Robin Reader|The Daily|\S+@\S+"
        left = [one for one in words if re.search(r"[A-Za-z]{2}", re.sub(names, "", re.sub(names, "", one)))]
        assert left == [], audience
        assert "⟦Facts and figures as of" in page
    english = await made(colleague, record)
    assert english["since_version"] is None, "another language is compared with nothing"


async def test_a_proposal_says_that_it_is_one(app: FastAPI, database: str, colleague: httpx.AsyncClient) -> None:
    record = await opened(app, database, policy_area="spam", received_at="2026-03-29T00:30:00Z")
    proposed = await made(colleague, record, zone="Europe/Dublin")
    texts = [one.get("text", "") for one in proposed["document"]["blocks"]]
    # 00:30 UTC, and the clocks went forward at 01:00.
    assert "(press query about spam and cybersecurity) was received on 2026-03-29 00:30." in texts[1]
    assert texts[2] == "Proposed from the facts; nobody has edited it."
    assert proposed["document"]["facts_at"].endswith("time zone Europe/Dublin")
    written = await made(colleague, record, bottom_line="Mine")
    assert all("Proposed" not in one.get("text", "") for one in written["document"]["blocks"])
    for zone in ("Europe/Atlantis", "../etc/passwd", "", "/etc/localtime"):
        body = {"zone": zone}
        assert_error(await colleague.post(f"/v1/escalations/{record}/narratives", json=body), 422, "invalid_request")


async def test_the_page_shows_a_draft_what_changed_and_what_was_kept(
    app: FastAPI, database: str, colleague: httpx.AsyncClient
) -> None:
    record = await opened(app, database, title="<b>Bold</b> & co", trigger="employee_concern")
    first = await made(colleague, record, bottom_line="<i>Once</i>")
    draft = await colleague.get(f"/escalations/{record}/narrative", params={"audience": "internal"})
    assert draft.status_code == 200
    for text in (
        "&lt;b&gt;Bold&lt;/b&gt;",
        "Changed since version 1",
        "Proposed from the facts",
        "(employee concern) was received on",
    ):
        assert text in draft.text
    kept = await colleague.get(f"/escalations/{record}/narrative", params={"shown": first["id"]})
    assert "&lt;i&gt;Once&lt;/i&gt;" in kept.text
    assert first["content_hash"] in kept.text
    assert "<b>Bold" not in draft.text + kept.text
    assert (await colleague.get(f"/escalations/{record}/narrative", params={"audience": "all"})).status_code == 422
