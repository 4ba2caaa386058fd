"""A question from the page of an escalation to the desk of the team and back, by keyboard; restricted paths by two people."""

import httpx
import pytest
from fastapi import FastAPI
from playwright.async_api import Browser, Page, expect

from tests.journey.browsing import chromium, new_page
from tests.service.consults.steps import asked, staffed
from tests.service.escalations.steps import opened
from tests.service.pages.test_pages import assert_is_safe_page
from tests.service.steps import query, value

Callers = dict[str, httpx.AsyncClient]


async def _as(page: Page, person: httpx.AsyncClient) -> Page:
    await page.set_extra_http_headers({"Authorization": person.headers["Authorization"]})
    return page


@pytest.mark.browser
async def test_a_privileged_question_goes_there_and_back_by_keyboard(
    app: FastAPI, database: str, address: str, callers: Callers
) -> None:
    await staffed(callers["lead"])
    record = await opened(app, database, fields={"outlet": "The Daily"})
    async with chromium() as browser:
        await _ask(browser, address, callers, f"/escalations/{record}")
        await _answer(browser, address, callers)
        async with new_page(browser, address) as (page, _):
            await _as(page, callers["specialist"])
            await page.goto(f"/escalations/{record}")
            await expect(page.locator("#consults")).to_contain_text("Quote no names.")
        # Somebody else who works on the same record has a page without a trace of it.
        async with new_page(browser, address) as (page, _):
            await _as(page, callers["lead"])
            await page.goto(f"/escalations/{record}")
            await expect(page.locator("#consults")).to_contain_text("No other team was asked.")
        await _name_by_two(browser, address, callers, database)


async def _ask(browser: Browser, address: str, callers: Callers, place: str) -> None:
    async with new_page(browser, address) as (page, _):
        await _as(page, callers["specialist"])
        await page.goto(place)
        await page.click("#consults summary")
        await page.check("#consults input[value=outlet]", force=True)
        await page.check("#consults input[name=privileged]")
        # What is missing is said, and nothing is sent.
        await page.press("#consult-question", "Control+Enter")
        await expect(page.locator("#consults .problem")).not_to_be_empty()
        await page.fill("#consult-question", "May we quote the letter?")
        await page.press("#consult-question", "Control+Enter")
        await expect(page.locator("#consults article")).to_contain_text("May we quote the letter?")


async def _answer(browser: Browser, address: str, callers: Callers) -> None:
    async with new_page(browser, address) as (page, _):
        await _as(page, callers["adviser"])
        await page.goto("/consults")
        await page.keyboard.press("j")
        await page.keyboard.press("Enter")
        await expect(page.locator("h1")).to_have_text("Question to Legal")
        await expect(page.locator("aside")).to_contain_text("The Daily")
        await page.keyboard.press("t")
        await expect(page.locator("#take")).to_have_count(0)
        # Keys are heard once the script of the fresh page runs, which opens its forms.
        await expect(page.get_by_role("button", name="Send the answer")).to_be_enabled()
        await page.keyboard.press("a")
        await page.keyboard.type("Quote no names.")
        await page.keyboard.press("Control+Enter")
        await page.wait_for_url("**/consults")
        await expect(page.locator("#notice")).to_contain_text("Answered.")


async def _name_by_two(browser: Browser, address: str, callers: Callers, database: str) -> None:
    members = "SELECT count(*) FROM path_members WHERE path = 'child_safety'"
    async with new_page(browser, address) as (page, _):
        await _as(page, callers["admin"])
        await page.goto("/restricted")
        await expect(page.locator(".notice-bad").first).to_be_visible()
        await page.fill("#name-child_safety", "test-specialist")
        await page.fill("#reason-child_safety", "Trained in November")
        await page.press("#reason-child_safety", "Enter")
        await expect(page.locator("main")).to_contain_text("Somebody else has to confirm it.")
        await expect(page.get_by_text("Confirm as second person")).to_have_count(0)
        assert value(database, members) == 0
    query(database, "INSERT INTO path_members SELECT 'child_safety', id FROM principals WHERE username = 'test-lead'")
    async with new_page(browser, address) as (page, _):
        await _as(page, callers["lead"])
        await page.goto("/restricted")
        await page.get_by_text("Confirm as second person").click()
        await expect(page.locator("#notice")).to_contain_text("Confirmed")
        assert value(database, members) == 2


async def test_the_pages_are_safe_and_say_what_is_not_there(app: FastAPI, database: str, callers: Callers) -> None:
    for role, place, words in (
        ("adviser", "/consults", "You are in no team yet."),
        ("specialist", "/consults/precedents", "No answer was kept yet."),
        ("specialist", "/consults/precedents?words=x", "No kept answer fits that."),
        ("lead", "/consults/teams", "Nobody is in this team"),
        ("reviewer", "/restricted", "You are named on no restricted path."),
        ("admin", "/console", "0 of at least 2 people are named"),
    ):
        answer = await callers[role].get(place)
        assert_is_safe_page(answer)
        assert words in answer.text, place
    await staffed(callers["lead"])
    record = await opened(app, database, confidentiality="confidential")
    query(database, "UPDATE escalations SET owner = (SELECT id FROM principals WHERE username = 'test-specialist')")
    question = await asked(callers["specialist"], record, question="<b>May we?</b>")
    text = (await callers["adviser"].get(f"/consults/{question['id']}")).text
    assert "&lt;b&gt;May we?&lt;/b&gt;" in text
    assert f"/escalations/{record}" not in text
    assert f"/escalations/{record}" in (await callers["specialist"].get(f"/consults/{question['id']}")).text
    assert "people are named" not in (await callers["reviewer"].get("/console")).text
