"""A draft that re-reviews go by: the editor says why its text stays, and a check shows it as readers will see it."""

import httpx
import pytest
from fastapi import FastAPI
from playwright.async_api import Page, expect

from tests.conftest import bearer, client_of
from tests.journey.browsing import NARROW, sign_in
from tests.service.pages.conftest import PASSWORD
from tests.service.policies.steps import drafted
from tests.service.quality.verbs import decided_case, plan

pytestmark = pytest.mark.browser


async def test_a_text_that_re_reviews_go_by_stays_and_its_plan_is_a_step_away(
    page: Page, app: FastAPI, platform: httpx.AsyncClient, colleague: httpx.AsyncClient, keys: dict[str, str]
) -> None:
    await decided_case(platform, colleague, "post-1")
    async with client_of(app) as lead:
        lead.headers.update(bearer(keys["lead"]))
        draft = await drafted(lead, body="## Definition\n\nAttacks on **a person**.\n\n- Insults.\n- " + "x" * 300)
        await plan(lead, kind="policy", policy_id=draft["id"])
        person = {"username": "lee", "role": "lead", "password": PASSWORD}
        made = await lead.post("/v1/people", json=person, headers=bearer(keys["admin"]))
        assert made.status_code == 201, made.text
    await page.set_viewport_size(NARROW)
    await page.goto("/qa/review")
    await page.keyboard.press("n")
    shown = page.get_by_test_id("draft-policy")
    await expect(shown.get_by_role("heading", name="Definition")).to_be_visible()
    await expect(shown.locator("strong")).to_have_text("a person")
    await expect(shown.get_by_test_id("examples")).to_contain_text("you are useless")
    assert await page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    await page.context.clear_cookies()
    await sign_in(page, "lee", PASSWORD)
    await page.goto(f"/policies/harassment/drafts/{draft['id']}")
    assert await page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    await page.locator("#digest").fill("Said better.")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#notice")).to_contain_text("Saved.")
    await page.locator("#body").fill("Something else.")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#problem")).to_contain_text("close the plan and draw another one then")
    await expect(page.locator("#body")).to_have_value("Something else.")
    # Its plan is made by a form that has it chosen already.
    await page.locator("#body").fill(draft["body"])
    await page.get_by_role("link", name="Draw re-reviews").click()
    await page.wait_for_url(f"**/qa?policy={draft['id']}#new-plan")
    await expect(page.locator("#kind")).to_have_value("policy")
    await expect(page.locator("#policy-id")).to_have_value(draft["id"])
    await expect(page.locator("#policy-choice")).to_be_visible()
    await page.goto("/qa?policy=00000000-0000-7000-8000-000000000000")
    await expect(page.locator("#kind")).to_have_value("random")
    await page.goto(f"/policies/harassment/drafts/{draft['id']}")
    # Discarding it is still possible, and ends the plan.
    await page.locator(".withdraw").click()
    await page.wait_for_url("**/policies/harassment")
    async with client_of(app) as lead:
        lead.headers.update(bearer(keys["lead"]))
        [closed] = (await lead.get("/v1/qa/plans")).json()["plans"]
    assert closed["closed_at"] is not None
