"""The form of a quality plan: every filter of the API by name, what is wrong beside its field, and the preview of just that."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest
from playwright.async_api import Page, Request, expect

from service.quality.plans.schemas import CheckPlanIn, DrawIn, ScopeIn
from tests.conftest import bearer
from tests.journey.browsing import chromium, sign_in
from tests.service.pages.conftest import PASSWORD
from tests.service.quality.verbs import OTHER, decided_case, plan
from tests.service.steps import query, value

pytestmark = pytest.mark.browser

VERSIONS = """
    INSERT INTO policy_versions (id, area, number, title, body, digest, owner, reason, effective_at, published_by, published_at,
                                 withdrawn_at)
    SELECT gen_random_uuid(), 'harassment', v.number, v.title, 'b', 'd', 'o', 'r', v.since, p.id,
           CASE WHEN v.since IS NOT NULL THEN timestamptz '2026-01-01' END, v.withdrawn
    FROM principals p CROSS JOIN (VALUES (1, 'Insults', timestamptz '2026-02-03 10:00Z', NULL),
                                         (2, 'Quotes stay', NULL, NULL),
                                         (3, 'Not yet', timestamptz '2999-01-01', NULL),
                                         (4, 'Given up', NULL, now())) AS v (number, title, since, withdrawn)
    WHERE p.username = 'lee'
"""


@pytest.fixture
async def form(
    address: str,
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    client: httpx.AsyncClient,
    keys: dict[str, str],
    database: str,
) -> AsyncIterator[Page]:
    """The page of plans for a lead, after three decisions in two languages and with policies of every state."""
    person = {"username": "lee", "role": "lead", "password": PASSWORD}
    assert (await client.post("/v1/people", json=person, headers=bearer(keys["admin"]))).status_code == 201
    for number, language in enumerate(("en", "en", "de")):
        await decided_case(platform, reviewer, f"post-{number}", language=language, **({} if number else OTHER))
    query(database, "UPDATE principals SET vendor = 'North desk' WHERE role = 'reviewer'")
    query(database, VERSIONS)
    async with chromium() as browser:
        opened = await browser.new_page(base_url=address)
        await sign_in(opened, "lee", PASSWORD)
        await opened.goto("/qa")
        yield opened


async def pick(form: Page, name: str, *values: str) -> None:
    await form.locator(f"#{name} summary").click()
    for one in values:
        await form.locator(f"[name={name}][value='{one}']").check()


def sent(request: Request) -> dict[str, object]:
    return dict(json.loads(request.post_data or ""))


async def test_every_filter_of_the_api_is_offered_and_does_what_it_says(
    form: Page, lead: httpx.AsyncClient, database: str
) -> None:
    await pick(form, "areas", "harassment", "spam")
    await pick(form, "queues", "default")
    await pick(form, "languages", "en")
    await pick(form, "vendors", "North desk")
    await expect(form.locator("#languages .picked")).to_have_text("English")
    await form.fill("#since", "2026-01-01")
    await form.fill("#until", "2998-12-31")
    await form.uncheck("[name=from][value=leave_up]")
    await form.select_option("#kind", "stratified")
    await form.check("[name=strata][value=area]")
    for field, text in {
        "size": "2", "reviews": "2", "golden": "10", "seed": "4611686018427387905", "name": "Week 48", "owner": "quality",
        "reason": "to know",
    }.items():  # fmt: skip
        await form.fill(f"#{field}", text)
    async with form.expect_request("**/v1/qa/plans/preview") as previewing:
        await form.get_by_role("button", name="Preview").click()
    # What a new filter of the API is called has to be in the form too.
    body = sent(await previewing.value)
    scope = {field.alias or name for name, field in ScopeIn.model_fields.items()}
    assert set(body["scope"]) == scope  # type: ignore[call-overload]
    assert set(body) == set(DrawIn.model_fields) - {"policy_id"}
    await expect(form.locator("#preview-words")).to_have_text("2 of 2 decisions; 0 golden items to mix in.")
    # A preview of something else would mislead.
    await form.fill("#size", "1")
    await expect(form.locator("#previewed")).to_be_hidden()
    await form.fill("#size", "2")
    async with form.expect_request("**/v1/qa/plans") as drawing:
        await form.get_by_role("button", name="Draw").click()
    assert set(sent(await drawing.value)) == set(CheckPlanIn.model_fields) - {"policy_id"}
    await expect(form.locator("#notice")).to_contain_text("2 of 2 decisions are drawn.")
    [made] = (await lead.get("/v1/qa/plans")).json()["plans"]
    assert made["scope"] == {
        "since": "2026-01-01T00:00:00Z", "until": "2999-01-01T00:00:00Z", "areas": ["harassment", "spam"],
        "queues": ["default"], "languages": ["en"], "vendors": ["North desk"], "from": ["human", "automated"],
    }  # fmt: skip
    assert value(database, "SELECT seed FROM qa_plans") == 4611686018427387905
    assert (made["strata"], made["reviews"], made["golden_share"]) == (["area"], 2, 0.1)


async def test_a_policy_version_is_chosen_by_what_it_is(form: Page, lead: httpx.AsyncClient, database: str) -> None:
    await form.select_option("#kind", "policy")
    offered = await form.locator("#policy-id option").all_text_contents()
    assert offered == [
        "Choose a version or a draft",
        "Bullying and harassment 2: Quotes stay, a draft",
        "Bullying and harassment 1: Insults, since 3 Feb 2026",
    ]
    await form.select_option("#policy-id", label=offered[2])
    await form.get_by_role("button", name="Preview").click()
    await expect(form.locator("#preview-words")).to_contain_text("2 of 2 decisions")


async def test_what_is_wrong_stands_beside_its_field(form: Page, lead: httpx.AsyncClient, database: str) -> None:
    button = form.get_by_role("button", name="Draw")
    await form.select_option("#kind", "policy")
    await form.fill("#size", "0")
    await form.fill("#since", "2026-02-02")
    await form.fill("#until", "2026-02-01")
    await button.click()
    for field, words in {
        "name": "Give the plan a name.", "size": "A whole number from 1 to 5,000.", "policy-id": "Choose the version.",
        "until": "This day lies before the first one.", "owner": "Say who answers for it.",
        "reason": "Say what it is to find out.",
    }.items():  # fmt: skip
        await expect(form.locator(f"#{field}-problem")).to_have_text(words)
        await expect(form.locator(f"#{field}")).to_have_attribute("aria-invalid", "true")
    await expect(form.locator("#name")).to_be_focused()
    # What only the service knows stands in the same places.
    await plan(lead, "Week 48")
    await form.select_option("#kind", "random")
    await form.fill("#until", "")
    for field, text in {"size": "2", "name": "Week 48", "owner": "quality", "reason": "to know"}.items():
        await form.fill(f"#{field}", text)
    await button.click()
    await expect(form.locator("#name-problem")).to_contain_text("There is a plan 'Week 48' already")
    await expect(form.locator("#name")).to_be_focused()
    await expect(form.locator("#size-problem")).to_be_empty()
    await form.fill("#name", "Week 49")
    await form.fill("#since", "2998-01-01")
    await button.click()
    await expect(form.locator("#plan-problem")).to_contain_text("no standing decision is within it")
    assert value(database, "SELECT count(*) FROM qa_plans") == 1
