"""Replies where people write them: on the page of the escalation, by keyboard, with what is missing marked, up to the letter."""

import httpx
import pytest
from fastapi import FastAPI
from playwright.async_api import Page, expect

from service.replies.sending.workflow import Deliveries
from service.settings import Settings
from tests.conftest import bearer, client_of
from tests.journey.browsing import chromium, new_page
from tests.service.escalations.steps import opened
from tests.service.pages.furnishing_replies import reply, templates
from tests.service.pages.test_pages import assert_is_safe_page
from tests.service.pages.walking import Findings, look
from tests.service.replies.post import Post
from tests.service.replies.steps import written

HOSTILE = "<img src=x onerror=pwned()>"


async def shown(app: FastAPI, path: str, key: str) -> str:
    async with client_of(app) as caller:
        answer = await caller.get(path, headers=bearer(key))
    assert answer.status_code == 200, answer.text
    assert_is_safe_page(answer)
    return answer.text


async def test_each_state_offers_what_can_be_done_in_it(
    app: FastAPI,
    settings: Settings,
    keys: dict[str, str],
    colleague: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    database: str,
) -> None:
    record = await opened(app, database)
    page = f"/escalations/{record}"
    assert 'id="reply-start"' in await shown(app, page, keys["specialist"])
    await reply(colleague, lead, str(record))
    theirs, others = await shown(app, page, keys["specialist"]), await shown(app, page, keys["lead"])
    assert 'data-reply-verb="approve"' not in theirs
    assert 'data-reply-verb="approve"' in others
    assert 'data-reply-verb="return"' in others
    assert "A newspaper asks" in await shown(app, "/replies", keys["lead"])
    assert "A newspaper asks" not in await shown(app, "/replies", keys["specialist"])
    app.state.settings = settings.model_copy(update={"reply_sender": "none"})
    for path in (page, "/replies"):
        assert "No sender is set up" in await shown(app, path, keys["specialist"])


async def test_nothing_that_people_write_becomes_markup(
    app: FastAPI, keys: dict[str, str], colleague: httpx.AsyncClient, lead: httpx.AsyncClient, database: str
) -> None:
    record = await opened(app, database, source="user", trigger="user_report")
    await written(colleague, record, f"{HOSTILE} {{{{ fill: x }}}}", subject=HOSTILE)
    template = await templates(lead)
    for path in (f"/escalations/{record}", f"/replies/{template}", "/replies"):
        page = await shown(app, path, keys["lead"])
        assert HOSTILE not in page
        assert path == "/replies" or "&lt;img src=x" in page


@pytest.mark.browser
async def test_a_reply_is_written_approved_by_another_person_and_sent(
    address: str,
    app: FastAPI,
    keys: dict[str, str],
    colleague: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    deliveries: Deliveries,
    post: Post,
    database: str,
) -> None:
    record = await opened(app, database)
    place, findings = f"/escalations/{record}", Findings()
    async with chromium() as browser:
        async with new_page(browser, address) as (page, _):
            await page.set_extra_http_headers(bearer(keys["specialist"]))
            await page.goto(place)
            await _write(page)
            await look(page, "a reply being written", findings)
            await page.get_by_role("button", name="Ask for approval").click()
            await expect(page.get_by_role("button", name="Write on")).to_be_visible()
        async with new_page(browser, address) as (page, _):
            await page.set_extra_http_headers(bearer(keys["lead"]))
            await page.goto(place)
            await page.get_by_role("button", name="Approve as it is").click()
            await page.get_by_role("button", name="Send", exact=True).click()
            await expect(page.locator("#reply .letter .tag")).to_have_text("goes out soon")
            assert await deliveries.step() == 1
            await page.reload()
            await expect(page.locator("#reply .letter .tag")).to_have_text("sent")
            await page.goto(f"/replies/{await templates(lead)}")
            await page.fill("#template-body", "Hello {{ requester_name }}, {{ fill: what was found }}")
            await page.fill("#template-reason", "Shorter")
            await page.get_by_role("button", name="Save as a version").click()
            await expect(page.locator("#notice")).to_have_text("Version 3 is saved.")
            await expect(page.locator("[data-marked] mark")).to_have_count(2)
    [(_, mail)] = post.seen
    assert "“We took three posts down.”" in mail.get_content()
    assert findings.found == []


async def _write(page: Page) -> None:
    """Begin, jump to the gaps that are left, and fill them in."""
    await page.select_option("#reply-purpose", "final")
    await page.get_by_role("button", name="Write a reply").click()
    await expect(page.locator("#preview-body mark")).to_have_count(2)
    await page.locator("#reply-wrong button").first.click()
    await page.keyboard.type("We took three posts down.")
    await page.get_by_role("button", name="Next gap").click()
    await page.keyboard.press("Delete")
    await expect(page.locator("#reply-kept")).to_have_text("Draft kept")
    await expect(page.locator("#reply-wrong")).to_be_hidden()
