"""Escalations by keyboard: taken from the list, waited with, written on, and resolved as a duplicate, in a browser."""

from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from playwright.async_api import Page, expect

from tests.journey.browsing import chromium, new_page
from tests.service.escalations.steps import opened
from tests.service.steps import value


async def pressed(page: Page, key: str, dialog: str) -> None:
    await page.keyboard.press(key)
    await expect(page.locator(f"#{dialog}-dialog")).to_be_visible()


async def taken_over(page: Page, lead: httpx.AsyncClient, record: UUID) -> None:
    """From a colleague it is taken only by somebody who was asked."""
    await lead.post(f"/v1/escalations/{record}/moves", json={"verb": "assign", "to": "test-specialist"})
    await page.reload()
    await pressed(page, "t", "take")
    await expect(page.locator("#take-title")).to_have_text("Take it over from test-specialist?")
    await page.keyboard.press("Escape")
    # Keys rest while a dialog is open, and until its field has lost the focus, which is when the page is drawn again.
    await expect(page.locator("#take-dialog")).to_be_hidden()
    await expect(page.locator("#take-dialog :focus")).to_have_count(0)
    await expect(page.locator(".esc-standing")).to_contain_text("With test-specialist")
    await pressed(page, "t", "take")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator(".esc-standing")).to_contain_text("With you")


@pytest.mark.browser
async def test_an_escalation_is_worked_on_by_keyboard(
    app: FastAPI, address: str, database: str, lead: httpx.AsyncClient
) -> None:
    first = await opened(app, database, by="test-lead", title="First", severity=1)
    grave = await opened(app, database, by="test-lead", title="Grave", severity=4)
    number = value(database, "SELECT number FROM escalations WHERE title = 'First'")
    async with chromium() as browser, new_page(browser, address) as (page, did):
        await page.set_extra_http_headers({"Authorization": lead.headers["Authorization"]})
        await page.goto("/escalations")
        await page.keyboard.press("j")
        await page.keyboard.press("j")
        await expect(page.get_by_role("link", name="First")).to_be_focused()
        await page.keyboard.press("k")
        await expect(page.get_by_role("link", name="Grave")).to_be_focused()
        await page.keyboard.press("f")
        await page.keyboard.type("first\n")
        await expect(page.locator(".esc-link")).to_have_count(1)
        assert "first" not in page.url
        await page.locator("h1").click()
        await page.keyboard.press("n")
        await page.wait_for_url(f"**/escalations/{grave}")
        await expect(page.get_by_test_id("status")).to_have_text("being worked on")
        # What is being written survives the page that a change brings.
        await page.keyboard.press("m")
        await page.keyboard.type("Half a sentence")
        await page.locator("h1").click()
        await pressed(page, "w", "wait")
        await page.get_by_label("For advice from another team").check()
        await page.keyboard.press("Control+Enter")
        await expect(page.get_by_test_id("status")).to_have_text("waits for advice from another team")
        await expect(page.locator("#message-body")).to_have_value("Half a sentence")
        await page.locator("#message-body").press("Control+Enter")
        await expect(page.get_by_test_id("message").last).to_contain_text("Half a sentence")
        await expect(page.locator("#message-body")).to_have_value("")
        # Somebody else was faster: it is said, and the page is the one of now.
        await lead.post(f"/v1/escalations/{grave}/moves", json={"verb": "go_on"})
        await page.keyboard.press("o")
        await expect(page.locator("#notice")).to_contain_text(
            "somebody changed this escalation meanwhile", ignore_case=True
        )
        await expect(page.get_by_test_id("status")).to_have_text("being worked on")
        assert all("409" in one for one in did.complaints)
        did.complaints.clear()
        await pressed(page, "r", "resolve")
        await page.get_by_label("Duplicate").check()
        await page.get_by_label("The escalation that goes on").fill(f"E-{number}")
        await page.get_by_label("Why, in a sentence").fill("The same query")
        await page.keyboard.press("Control+Enter")
        await expect(page.get_by_test_id("resolution")).to_contain_text("The same query")
        await expect(page.locator("#about")).to_contain_text("First")
        await page.goto(f"/escalations/{first}")
        await expect(page.locator("#about")).to_contain_text("named by")
        await taken_over(page, lead, first)
        await page.locator("#change-facts").click()
        await page.get_by_label("Grey area").check()
        await page.locator("#facts-form [type=submit]").click()
        await expect(page.locator(".esc-tags")).to_contain_text("grey area")
