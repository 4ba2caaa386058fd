"""The page of search: by the keyboard alone, with what is masked masked, and with the question in no address."""

import httpx
from playwright.async_api import Page, expect

from tests.service.steps import report


async def test_a_question_is_asked_and_its_answers_are_walked_by_keyboard(
    page: Page, platform: httpx.AsyncClient
) -> None:
    await report(platform, "one", text="refund now <b>x</b>", author={"id": "<i>anna</i>"}, language="en")
    await report(platform, "two", text="فوری refund ہے", language="ur")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto("/search")
    await expect(page.locator("#query")).to_be_focused()
    await page.keyboard.type("stat")
    await expect(page.locator("#completions li")).to_have_text(["status:where the case stands"])
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(page.locator("#query")).to_have_value("status:")
    await page.keyboard.type("o")
    await expect(page.locator("#completions li")).to_have_text(["open"])
    await page.keyboard.press("Escape")
    await page.keyboard.type("pen refund")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("count")).to_have_text("2 cases")
    await expect(page.locator(".answer-snippet mark").first).to_have_text("refund")
    assert await page.locator(".answers b, .answers i").count() == 0
    await expect(page.locator(".facet[data-term='status:open']")).to_have_attribute("aria-pressed", "true")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("j")
    await expect(page.locator(".answer-link").nth(1)).to_be_focused()
    await page.keyboard.press("k")
    await page.keyboard.press("Escape")
    await expect(page.locator("#query")).to_be_focused()
    await page.fill("#query", "refund aera:x")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("question-problem").locator("mark")).to_have_text("aera:x")
    await page.fill("#query", "refund lang:ur")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("count")).to_have_text("One case")
    await page.click("#keep")
    await page.keyboard.type("Urdu")
    await page.check("#keep-pinned")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("pinned")).to_contain_text("Urdu")
    # What was asked is asked again after a reload, and after the way back from a case.
    await expect(page.get_by_test_id("count")).to_have_text("One case")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/cases/*")
    await page.go_back()
    await expect(page.get_by_test_id("count")).to_have_text("One case")
    # From one's work by its id, which then leaves the address.
    await page.goto("/work")
    await page.get_by_test_id("pinned").get_by_role("link").click()
    await expect(page.get_by_test_id("count")).to_have_text("One case")
    assert page.url.endswith("/search")
    assert not [address for address in asked if "refund" in address]
