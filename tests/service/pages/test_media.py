"""The media panel in a real browser: nothing is seen that was not asked for, and every look has a beginning and an end."""

import re
from collections.abc import Awaitable, Callable

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.service.media.pictures import jpeg, scene
from tests.service.pages.test_scripts import press_to_a_case
from tests.service.steps import query, report, value

pytestmark = pytest.mark.browser

ENDS = "SELECT x.kind, e.why FROM exposures x LEFT JOIN exposure_ends e ON e.exposure_id = x.id ORDER BY x.at"


@pytest.fixture
async def held(page: Page, platform: httpx.AsyncClient) -> Page:
    """A case with a picture in the reviewer's hands."""
    files = {"file": ("picture.jpg", jpeg(scene(800, 600)), "image/jpeg")}
    uploaded = await platform.post("/v1/media", files=files)
    await report(platform, media=[uploaded.json()["media_id"]])
    await press_to_a_case(page, "n")
    return page


async def reveal(page: Page) -> None:
    """The whole picture, by keyboard alone."""
    await page.keyboard.press("v")
    await page.keyboard.press("Enter")
    await expect(page.locator("img.revealed")).to_be_visible()


async def width_of(page: Page, selector: str) -> int:
    image = page.locator(selector)
    await image.evaluate("async image => { await image.decode() }")
    return int(await image.evaluate("image => image.naturalWidth"))


async def test_by_keyboard_a_lens_shows_a_part_and_nothing_else_arrives(held: Page, database: str) -> None:
    pictures: list[str] = []
    held.on("response", lambda answer: pictures.extend([answer.url] if "/v1/media/" in answer.url else []))
    await held.keyboard.press("l")
    lens = held.locator("img.lens.is-there")
    await expect(lens).to_be_visible()
    first = await lens.get_attribute("src")
    assert await width_of(held, "img.lens") < 400
    for _ in range(3):
        await held.keyboard.press("ArrowRight")
    await expect(lens).to_have_attribute("data-x", re.compile(r"^0\.65"))
    assert await lens.get_attribute("src") != first
    await expect(held.locator(".lens-toggle")).to_have_attribute("aria-pressed", "true")
    await held.keyboard.press("Escape")
    await expect(held.locator("img.lens")).to_have_count(0)
    await expect(held.locator(".lens-toggle")).to_have_attribute("aria-pressed", "false")
    assert [url for url in pictures if "/reveal" not in url and "/lens?" not in url] == []
    await _told(held, database, [("lens", "closed")])


async def test_whole_picture_by_keyboard_with_a_reason(held: Page, database: str) -> None:
    await reveal(held)
    assert await width_of(held, "img.revealed") == 800
    assert query(database, "SELECT kind, reason FROM exposures") == [("whole", "needed to decide")]
    await held.keyboard.press("Escape")
    await expect(held.locator("img.revealed")).to_have_count(0)
    await _told(held, database, [("whole", "closed")])


async def _hide(page: Page) -> None:
    # A tab in the background; headless browsers never hide one by themselves.
    await page.evaluate(
        "() => { Object.defineProperty(document, 'hidden', { value: true, configurable: true });"
        " document.dispatchEvent(new Event('visibilitychange')) }"
    )


async def _leave_window(page: Page) -> None:
    await page.evaluate("() => dispatchEvent(new Event('blur'))")


async def _leave_picture(page: Page) -> None:
    await page.locator("img.revealed").hover()
    await page.locator("h1").hover()


async def _let_the_lease_end(page: Page) -> None:
    await page.keyboard.press("r")


@pytest.mark.parametrize(
    ("leave", "why"),
    [(_hide, "hidden"), (_leave_window, "left"), (_leave_picture, "left"), (_let_the_lease_end, "lease")],
    ids=["another tab", "another window", "the pointer leaves", "the case is given back"],
)
async def test_what_is_left_is_blurred_again(
    held: Page, database: str, leave: Callable[[Page], Awaitable[None]], why: str
) -> None:
    await reveal(held)
    await leave(held)
    await expect(held.locator("img.revealed")).to_have_count(0)
    if why == "lease":
        await held.wait_for_url("**/console")
    await _told(held, database, [("whole", why)])


async def test_who_sits_still_looks_at_nothing_after_a_while(
    page: Page, platform: httpx.AsyncClient, database: str
) -> None:
    await page.clock.install()
    files = {"file": ("picture.jpg", jpeg(), "image/jpeg")}
    uploaded = await platform.post("/v1/media", files=files)
    await report(platform, media=[uploaded.json()["media_id"]])
    await press_to_a_case(page, "n")
    await reveal(page)
    await page.clock.fast_forward(9_000)
    await expect(page.locator("img.revealed")).to_be_visible()
    await page.keyboard.press("Shift")
    await page.clock.fast_forward(9_000)
    await expect(page.locator("img.revealed")).to_be_visible()
    await page.clock.fast_forward(2_000)
    await expect(page.locator("img.revealed")).to_have_count(0)
    await _told(page, database, [("whole", "idle")])


async def test_blur_goes_up_and_back_and_a_line_drawing_takes_its_place(held: Page, database: str) -> None:
    least = int(await held.locator(".medium").get_attribute("data-least") or "")
    assert least >= 2
    for level in [*range(least + 1, 5), least]:
        await held.keyboard.press("b")
        await expect(held.locator(".blur-now")).to_have_text(f"Blur {level} of 4")
        assert f"level={level}" in (await held.locator("img.preview").get_attribute("src") or "")
        assert await width_of(held, "img.preview") > 0
    await held.keyboard.press("y")
    await expect(held.locator(".blur-now")).to_have_text("Line drawing")
    assert await width_of(held, "img.preview") > 0
    assert value(database, "SELECT count(*) FROM exposures") == 0


async def test_a_picture_that_cannot_be_shown_says_why(page: Page, platform: httpx.AsyncClient) -> None:
    files = {"file": ("picture.jpg", jpeg()[:900], "image/jpeg")}
    uploaded = await platform.post("/v1/media", files=files)
    assert uploaded.json()["status"] == "failed", uploaded.text
    await report(platform, media=[uploaded.json()["media_id"]])
    await press_to_a_case(page, "n")
    await expect(page.get_by_test_id("media-failed")).to_contain_text("cut off")
    await expect(page.locator(".reveal")).to_have_count(0)


async def test_preferences_are_kept_and_never_weaken_the_rules(held: Page, database: str) -> None:
    await held.get_by_text("How media are shown to me").click()
    await held.get_by_label("Blur at first sight").select_option("4")
    await held.get_by_label("In colour").check()
    await held.get_by_role("button", name="Keep", exact=True).click()
    await expect(held.locator(".blur-now")).to_have_text("Blur 4 of 4")
    assert query(database, "SELECT level, colour FROM media_preferences") == [(4, True)]
    await expect(held.locator(".colour")).to_have_attribute("aria-pressed", "true")


async def test_nothing_moves_for_who_wants_no_motion(held: Page) -> None:
    await held.emulate_media(reduced_motion="reduce")
    await held.keyboard.press("l")
    await expect(held.locator("img.lens.is-there")).to_be_visible()
    moving = "() => document.getAnimations().filter(one => one.playState === 'running').length"
    assert await held.evaluate(moving) == 0


async def _told(page: Page, database: str, expected: list[tuple[str, str]]) -> None:
    """The ends reach the server soon after the page has let go of the picture."""
    for _ in range(50):
        if query(database, ENDS) == expected:
            return
        await page.wait_for_timeout(100)
    assert query(database, ENDS) == expected
