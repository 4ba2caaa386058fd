"""Milder cases, breaks and one's own exposure in a real browser, by keyboard, with the hours before now in the tables."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.journey.browsing import NARROW
from tests.service.exposure.shift import Shift, shift_of
from tests.service.exposure.test_routing import in_a_row
from tests.service.pages.test_exposure import graphic
from tests.service.pages.test_scripts import choose_no_violation, press_to_a_case
from tests.service.scorecards.world import world_in
from tests.service.steps import query, report, until, value

pytestmark = pytest.mark.browser

ASKED = "triage.break-asked"


@pytest.fixture
async def shift(page: Page, database: str) -> AsyncIterator[Shift]:
    """The hours of whoever is signed in on the page, which has left the console: that might have seen half of them."""
    await page.goto("/exposure")
    with world_in(database) as world:
        yield shift_of(world, world.value("SELECT id FROM principals WHERE username = 'pat'"))


async def test_a_milder_case_comes_with_its_reason_and_then_nothing_with_one(
    page: Page, shift: Shift, platform: httpx.AsyncClient, database: str
) -> None:
    high = await graphic(platform, database, "post-1")
    mild = str((await report(platform, "post-2"))["case_id"])
    in_a_row(shift)
    await page.goto("/console")
    await expect(page.get_by_test_id("kept-back")).to_be_hidden()
    assert await press_to_a_case(page, "n") == mild
    said = page.locator("#milder")
    await expect(said).to_contain_text("A milder case came. You had 5 graphic cases in a row")
    await page.reload()
    await expect(said).to_be_visible()
    # After it the row begins anew, so that a graphic one is fetched ahead. Who wishes for none gets none.
    await until(lambda: value(database, "SELECT count(*) FROM leases WHERE prefetched") == 1)
    await page.goto("/exposure")
    await page.get_by_role("button", name="No graphic cases for now").click()
    await expect(page.get_by_test_id("kept-back")).to_be_visible()
    await page.goto(f"/cases/{mild}")
    await choose_no_violation(page)
    await page.keyboard.press("Control+Enter")
    await page.wait_for_url("**/console")
    kept = page.get_by_test_id("kept-back")
    await expect(kept).to_be_visible()
    await expect(kept).to_contain_text("You asked for no graphic cases for now.")
    await expect(kept).to_contain_text("1 graphic case waits.")
    await page.keyboard.press("n")
    await expect(page.locator("#problem")).to_contain_text("Nothing milder waits in this queue")
    assert page.url.endswith("/console")
    await kept.get_by_role("link").click()
    await page.get_by_role("button", name="Let them come again").click()
    await expect(page.get_by_test_id("kept-back")).to_have_count(0)
    await page.goto("/console")
    assert await press_to_a_case(page, "n") == high
    await expect(said).to_be_hidden()


async def test_a_break_is_suggested_between_cases_once_in_ten_minutes_and_holds_up_nobody(
    page: Page, shift: Shift, platform: httpx.AsyncClient, database: str
) -> None:
    cases = [str((await report(platform, f"post-{number}"))["case_id"]) for number in range(4)]
    shift.had((-62, -0.2), high=True)
    await page.goto("/console")
    prompt = page.locator("#rest")
    await expect(prompt).to_contain_text("for an hour and 2 minutes without a break. It is time for one of 10 minutes.")
    await page.reload()
    await expect(page.locator("#claim")).to_be_visible()
    first = await press_to_a_case(page, "n")
    await choose_no_violation(page)
    # Within ten minutes it is not said again: straight on to the next.
    second = await press_to_a_case(page, "Control+Enter", leaving=first)
    await expect(prompt).to_have_count(0)
    await page.evaluate(f"() => localStorage.setItem('{ASKED}', Date.now() - 601_000)")
    await choose_no_violation(page)
    await page.keyboard.press("Control+Enter")
    await page.wait_for_url("**/console")
    await expect(prompt).to_be_visible()
    await page.get_by_role("button", name="Later").press("Enter")
    await page.wait_for_url("**/cases/*")
    assert page.url.rpartition("/")[2] in set(cases) - {first, second}
    await expect(page.locator("#lease")).to_be_visible()
    await page.evaluate(f"() => localStorage.removeItem('{ASKED}')")
    await choose_no_violation(page)
    await page.keyboard.press("Control+Enter")
    await page.wait_for_url("**/console")
    await expect(prompt).to_be_visible()
    await page.get_by_role("button", name="Take a break").press("z")
    await expect(prompt).to_be_hidden()
    await expect(page.locator("#announce")).to_have_text("Your break has begun. The next case ends it.")
    await expect(page.locator("#main")).to_be_focused()
    await expect(page.get_by_test_id("on-break")).to_contain_text("You are on a break since")
    assert value(database, "SELECT count(*) FROM breaks WHERE ended_at IS NULL") == 1
    await press_to_a_case(page, "n")
    await page.goto("/console")
    await expect(page.get_by_text("In your hands")).to_be_visible()
    await expect(page.get_by_test_id("on-break")).to_have_count(0)


async def test_who_checks_and_has_reached_the_limit_of_a_day_is_told_who_sees_it(page: Page, shift: Shift) -> None:
    shift.opened((-245, 0))
    await page.goto("/qa/review")
    await page.keyboard.press("n")
    nothing = page.locator("#nothing")
    await expect(nothing).to_contain_text("There is nothing milder for you to check right now.")
    await expect(nothing).to_contain_text("those who lead see your name")


async def test_one_area_alone_can_be_agreed_to(page: Page, shift: Shift, database: str) -> None:
    await page.evaluate(
        "() => document.querySelectorAll('[name=area]').forEach((one, place) => place && one.parentElement.remove())"
    )
    box = page.locator("[name=area]")
    await box.uncheck()
    await box.press("Enter")
    await expect(page.locator("#notice")).to_contain_text("Kept")
    assert query(database, "SELECT consents FROM principals WHERE id = %s", shift.person) == [([],)]


async def test_the_page_works_by_keyboard_and_fits_a_telephone(page: Page, shift: Shift, database: str) -> None:
    lease = shift.had((-62, -0.2), high=True)
    shift.opened((-60, -40), level=3, lease=lease)
    shift.opened((-30, -25), level=4, lease=lease)
    query(database, "UPDATE principals SET consents = '{harassment,self_harm}' WHERE username = 'pat'")
    await page.set_viewport_size(NARROW)
    await page.goto("/exposure")
    await expect(page.get_by_test_id("periods")).to_contain_text("25 min")
    assert await page.evaluate("() => document.documentElement.scrollWidth") <= NARROW["width"]
    await page.keyboard.press("z")
    await expect(page.get_by_test_id("on-break")).to_be_visible()
    await page.keyboard.press("z")
    await expect(page.get_by_test_id("on-break")).to_have_count(0)
    await expect(page.locator("#break")).to_contain_text("Take a break")
    await page.locator("[name=hours][value='1']").focus()
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("kept-back")).to_contain_text("You asked for no graphic cases for now.")
    hours = "SELECT extract(epoch FROM until - now()) / 3600 FROM not_now WHERE principal_id = %s"
    assert float(value(database, hours, shift.person)) == pytest.approx(2, abs=0.05)
    await page.locator("[name=area]").first.focus()
    await page.keyboard.press("Space")
    await page.keyboard.press("Enter")
    await expect(page.locator("#notice")).to_contain_text("Kept")
    [(consents,)] = query(database, "SELECT consents FROM principals WHERE username = 'pat'")
    first = await page.locator("[name=area]").first.get_attribute("value")
    assert set(consents) == {"harassment", "self_harm"} ^ {first}
    async with page.expect_download() as download:
        await page.get_by_role("link", name=re.compile("CSV")).press("Enter")
    assert (await download.value).suggested_filename == "my-exposure.csv"
