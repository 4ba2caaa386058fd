"""What the service refuses while somebody puts a case aside is said where they look, and their words are kept."""

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.service.pages.test_scripts import press_to_a_case, settings
from tests.service.steps import query, report

__all__ = ["settings"]
pytestmark = pytest.mark.browser


async def ask_to_hold(page: Page) -> None:
    await page.keyboard.press("h")
    await page.keyboard.type("a translation")
    await page.keyboard.press("Enter")


async def test_a_case_at_its_latest_start_cannot_be_held_and_stays(
    page: Page, platform: httpx.AsyncClient, database: str
) -> None:
    await report(platform)
    await press_to_a_case(page, "n")
    query(database, "UPDATE cases SET start_by = now()")
    await ask_to_hold(page)
    await expect(page.locator("#hold-dialog .notice-bad")).to_contain_text("This case has reached its latest start")
    await page.keyboard.press("Escape")
    await expect(page.locator("#lease-left")).to_be_visible()
    assert query(database, "SELECT status FROM cases") == [("leased",)]


async def test_a_lease_that_is_over_closes_the_dialog_and_keeps_the_draft(
    page: Page, platform: httpx.AsyncClient, database: str
) -> None:
    await report(platform)
    await press_to_a_case(page, "n")
    await page.keyboard.press("t")
    await page.keyboard.type("half a thought")
    await page.keyboard.press("Escape")
    query(database, "UPDATE cases SET lease_expires_at = now() - interval '1 second'")
    await ask_to_hold(page)
    await expect(page.locator("#lease-words")).to_contain_text("Your draft is kept")
    await expect(page.locator("#hold-dialog")).to_be_hidden()
    await expect(page.locator("#draft-state")).to_have_text("Draft kept")
    await page.get_by_role("button", name="Claim again").click()
    await expect(page.locator("#note")).to_have_value("half a thought")


async def test_a_lease_at_its_limit_says_so_once_and_offers_what_is_left(
    page: Page, platform: httpx.AsyncClient, database: str
) -> None:
    await report(platform)
    await press_to_a_case(page, "n")
    query(database, "UPDATE leases SET granted_at = now() - interval '5 hours'")
    await page.keyboard.press("k")
    await expect(page.locator("#lease-limit")).to_be_visible()
    await expect(page.locator("#keep")).to_be_hidden()
    await expect(page.locator("[data-aside=hold]")).to_be_visible()
    await expect(page.locator("#lease")).not_to_have_class("is-over")
