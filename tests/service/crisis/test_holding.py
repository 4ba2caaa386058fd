"""Holding statements: offered where a crisis covers the record, and sent as any other reply is."""

from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from service.replies.shipped import shipped
from tests.service.crisis.steps import begun, crisis_body, pass_time
from tests.service.escalations.steps import opened
from tests.service.replies.steps import act, done
from tests.service.steps import assert_error, value

SAID = {
    "area": "harassment",
    "language": "en",
    "text": "Hello {{ requester_name }},\n\nwe look into {{ fill: place }}.",
}


async def test_a_statement_begins_a_reply_that_is_checked_and_approved_like_any_other(
    app: FastAPI, database: str, colleague: httpx.AsyncClient, lead: httpx.AsyncClient, second: httpx.AsyncClient
) -> None:
    record = await opened(
        app, database, policy_area="harassment", language="en", requester={"name": "Robin", "email": "r@daily.example"}
    )
    address = f"/v1/escalations/{record}/holding-statements"
    assert (await colleague.get(address)).json() == {"statements": []}
    spanish = {"language": "es", "text": "Lo estamos mirando."}
    crisis = await begun(lead, second, statements=[spanish, {**SAID, "area": "spam"}, SAID])
    offered = (await colleague.get(address)).json()["statements"]
    # In the language of the record first; what is about another area is not offered.
    assert [(one["number"], one["language"]) for one in offered] == [(2, "en"), (0, "es")]
    assert offered[0]["text"].startswith("Hello Robin,\n")
    page = (await colleague.get(f"/escalations/{record}")).text
    assert f'data-crisis="{crisis["id"]}" data-number="2"' in page

    reply = (await colleague.post(address, json={"crisis": crisis["id"], "number": 2})).json()
    assert (reply["purpose"], reply["template"], reply["subject"]) == ("holding", None, "Your question")
    assert [one["found"] for one in reply["problems"]] == ["{{ fill: place }}"]
    assert reply["approval"] == ["Whatever the press is told is approved first."]
    assert_error(await act(colleague, reply, "submit"), 422, "reply_refused")
    reply = await done(colleague, reply, "change", body=reply["body"].replace("{{ fill: place }}", "Aville"))
    waits = await done(colleague, reply, "submit")
    assert (await done(lead, waits, "approve"))["state"] == "approved"
    assert value(database, "SELECT data ->> 'crisis' FROM events WHERE kind = 'reply.begun'") == crisis["id"]
    page = (await colleague.get(f"/escalations/{record}")).text
    assert "data-number=" not in page, "one reply at a time"

    pass_time(database, crisis, hours=3)
    assert (await colleague.get(address)).json() == {"statements": []}
    over = await colleague.post(address, json={"crisis": crisis["id"], "number": 2})
    assert "may be over" in assert_error(over, 404, "not_found")


@pytest.mark.parametrize(
    ("spec", "record", "offered"),
    [
        ({"about": ["harassment"]}, {"policy_area": "harassment"}, True),
        ({"about": ["harassment"]}, {"policy_area": "spam"}, False),
        ({"markets": ["DE"]}, {"jurisdiction": "DE"}, True),
        ({"markets": ["DE"]}, {"jurisdiction": "FR"}, False),
        # Nobody has said yet what it is about, or where: it is shown, and a person decides.
        ({"about": ["harassment"], "markets": ["DE"]}, {}, True),
        # A newspaper asks in its own language about content in another one.
        ({"languages": ["de"]}, {"language": "en"}, True),
    ],
)
async def test_a_crisis_covers_a_record_by_area_and_market(
    app: FastAPI, database: str, colleague: httpx.AsyncClient, lead: httpx.AsyncClient, second: httpx.AsyncClient,
    spec: dict[str, Any], record: dict[str, Any], offered: bool,
) -> None:  # fmt: skip
    await begun(lead, second, **spec, statements=[{"text": "We look into it."}])
    made = await opened(app, database, **{"policy_area": None, "jurisdiction": None, **record})
    found = (await colleague.get(f"/v1/escalations/{made}/holding-statements")).json()["statements"]
    assert bool(found) is offered


async def test_a_template_can_be_the_statement_as_long_as_it_is_in_force(
    app: FastAPI, database: str, colleague: httpx.AsyncClient, lead: httpx.AsyncClient, second: httpx.AsyncClient
) -> None:
    ours = next(one for one in shipped() if (one.source, one.purpose, one.language) == ("press", "holding", "de"))
    crisis = await begun(lead, second, statements=[{"template": str(ours.id)}])
    record = await opened(app, database)
    address = f"/v1/escalations/{record}/holding-statements"
    assert [one["language"] for one in (await colleague.get(address)).json()["statements"]] == ["de"]
    page = (await lead.get(f"/crisis/{crisis['id']}")).text
    assert f'href="/replies/{ours.id}"' in page
    reply = (await colleague.post(address, json={"crisis": crisis["id"], "number": 0})).json()
    assert (reply["template"]["id"], reply["language"]) == (str(ours.id), "de")
    await done(colleague, reply, "discard")
    fields = {"source": ours.source, "area": ours.area or None, "language": "de", "purpose": "holding"}
    taken_out = {"subject": "-", "body": "-", "owner": "Comms", "reason": "old", "offered": False}
    assert (await lead.post("/v1/replies/templates", json=fields | taken_out)).status_code == 201
    assert (await colleague.get(address)).json() == {"statements": []}


@pytest.mark.parametrize(
    ("statement", "named"),
    [({"text": "Hello {{ nobody }}"}, "nobody"), ({"template": str(uuid4())}, "there is no template")],
)
async def test_what_no_reply_could_be_begun_with_is_refused_in_the_draft(
    lead: httpx.AsyncClient, statement: dict[str, str], named: str
) -> None:
    answer = await lead.post("/v1/crises", json=crisis_body(statements=[statement]))
    assert named in assert_error(answer, 422, "invalid_request")
