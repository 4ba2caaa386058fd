"""Pages of statements: what was told, what a decision would tell, the list, and what was written as text and nothing else."""

import re

import httpx
import pytest

from service.settings import Settings
from tests.journey.browsing import chromium, new_page
from tests.service.steps import Body, claim, decided, query, report

HOSTILE = "<script>pwned()</script><img src=x onerror=pwned()>"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"undo_seconds": 0})


async def page(person: httpx.AsyncClient, address: str) -> str:
    answer = await person.get(address, follow_redirects=True)
    assert answer.status_code == 200, address
    return answer.text


async def test_what_is_written_is_shown_as_text_before_and_after_the_decision(
    reviewer: httpx.AsyncClient, lead: httpx.AsyncClient, claimed: Body
) -> None:
    case, token = claimed["case"]["id"], claimed["lease"]["token"]
    fields = ("decision_facts", "incompatible_content_ground", "incompatible_content_explanation")
    statement = {name: f"{HOSTILE} {name}" for name in fields}
    edit = {"lease_token": token, "policy_area": "harassment", "statement": statement}
    assert (await reviewer.put(f"/v1/cases/{case}/statement", json=edit)).status_code == 204
    before = await page(reviewer, f"/cases/{case}/statement")
    await decided(reviewer, claimed)
    after = await page(reviewer, f"/cases/{case}/statements")
    assert 'data-testid="notice"' in after, "one statement leads straight to it"
    for shown in (before, after):
        assert "<script>pwned" not in shown
        assert "<img" not in shown
        assert shown.count("&lt;script&gt;pwned()") >= len(fields)
    listed = await page(lead, "/statements")
    assert re.search(r'data-testid="statements"', listed)


async def test_who_may_not_see_the_case_sees_no_statement(
    reviewer: httpx.AsyncClient, lead: httpx.AsyncClient, platform: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    await decided(reviewer, claimed)
    [one] = (await lead.get("/v1/statements")).json()["statements"]
    assert (await reviewer.get("/statements")).status_code == 403
    assert (await reviewer.get(f"/statements/{one['id']}")).status_code == 200
    query(database, "INSERT INTO queues (name, title, restricted) VALUES ('closed', 'Closed', true)")
    query(database, "UPDATE cases SET queue = 'closed'")
    case = f"/v1/cases/{claimed['case']['id']}"
    asked = {"policy_area": "harassment", "actions": ["remove"]}
    for person in (reviewer, lead):
        for place in (f"/v1/statements/{one['id']}", f"/statements/{one['id']}", f"{case}/statements"):
            assert (await person.get(place)).status_code == 404
        assert (await person.post(f"{case}/statement/preview", json=asked)).status_code == 404
    assert (await lead.get("/v1/statements")).json()["statements"] == []
    # The law asks for every one of them: the platform hands out those as well, which name no case.
    assert len((await platform.get("/v1/statements")).json()["statements"]) == 1
    sent = (await platform.get("/v1/statements/export")).json()["statements"]
    assert claimed["case"]["id"] not in str(sent)


@pytest.mark.browser
async def test_a_holder_changes_the_text_and_a_lead_hands_it_out(
    address: str, reviewer: httpx.AsyncClient, lead: httpx.AsyncClient, platform: httpx.AsyncClient
) -> None:
    await report(platform)
    claimed = await claim(reviewer)
    place = f"/cases/{claimed['case']['id']}/statement?policy_area=harassment&actions=remove"
    async with chromium() as browser:
        async with new_page(browser, address) as (shown, log):
            await shown.set_extra_http_headers({"Authorization": reviewer.headers["Authorization"]})
            await shown.goto(place)
            await shown.get_by_role("textbox", name="Facts").fill("Ask @somebody")
            await shown.get_by_role("button", name="Use this text").click()
            await shown.get_by_role("alert").get_by_text("a handle").wait_for()
            log.complaints.clear()
            await shown.get_by_role("textbox", name="Facts").fill("It is an insult.")
            await shown.get_by_role("button", name="Use this text").click()
            await shown.get_by_text("changed by you").wait_for()
            assert "It is an insult." in await shown.get_by_test_id("notice").inner_text()
            # A second change keeps the first.
            await shown.get_by_role("radio", name="Illegal").check()
            await shown.get_by_role("textbox", name="Legal ground").fill("Section 185")
            await shown.get_by_label("Why it is illegal on that ground").fill("It is a defamation.")
            await shown.get_by_role("button", name="Use this text").click()
            await shown.get_by_text("Section 185").first.wait_for()
            assert "It is an insult." in await shown.get_by_test_id("notice").inner_text()
        await decided(reviewer, claimed)
        async with new_page(browser, address) as (shown, _):
            await shown.set_extra_http_headers({"Authorization": lead.headers["Authorization"]})
            await shown.goto("/statements")
            await shown.get_by_role("button", name="Hand out the next batch").click()
            await shown.get_by_role("button", name="It was taken").click()
            await shown.get_by_text("is in the database").first.wait_for()
    [one] = (await lead.get("/v1/statements", params={"state": "published"})).json()["statements"]
    assert one["ground"] == "DECISION_GROUND_ILLEGAL_CONTENT"
