"""The media panel in a real browser: nothing is seen that was not asked for, and every look has a beginning and an end."""

import asyncio
import re
from collections.abc import Sequence
from itertools import pairwise
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from playwright.async_api import Page, Route, expect

from service.media.preparing.workflow import Preparing, prepare
from service.settings import Settings
from service.worker import reranker
from tests.service.media.clips import WEBM
from tests.service.media.pictures import jpeg, scene
from tests.service.pages.test_scripts import press_to_a_case
from tests.service.steps import query, report, value

pytestmark = pytest.mark.browser

TILES = "() => performance.getEntriesByType('resource').filter(one => one.name.includes('/lens?')).map(one => one.startTime)"
MOVING = """() => [...document.querySelectorAll("*")].map(one => getComputedStyle(one)).filter(
    one => one.transitionDuration !== "0s" || one.animationName !== "none").length"""
ENDS = "SELECT x.kind, e.why FROM exposures x LEFT JOIN exposure_ends e ON e.exposure_id = x.id ORDER BY x.at"


@pytest.fixture
async def held(page: Page, platform: httpx.AsyncClient) -> Page:
    """A case with a picture in the reviewer's hands."""
    files = {"file": ("picture.jpg", jpeg(scene(800, 600)), "image/jpeg")}
    uploaded = await platform.post("/v1/media", files=files)
    await report(platform, media=[uploaded.json()["media_id"]])
    await press_to_a_case(page, "n")
    return page


async def ask(page: Page) -> None:
    """Confirm the form that asks for a reason, with the one that is chosen there."""
    await page.keyboard.press("v")
    await expect(page.locator(".reveal-form input:checked")).to_be_focused()
    await page.keyboard.press("Enter")


async def reveal(page: Page) -> None:
    """The whole picture, by keyboard alone."""
    await ask(page)
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
    # A finger that taps near a corner: the server moves the tile inside the picture, and it is shown there.
    picture = await held.locator(".picture").bounding_box()
    assert picture
    tap = {"clientX": picture["x"] + 1, "clientY": picture["y"] + 1, "pointerType": "touch"}
    await held.locator(".picture").dispatch_event("pointerdown", tap)
    await expect(lens).to_have_attribute("data-x", "0")
    tile = await lens.bounding_box()
    assert tile
    assert min(tile["x"] - picture["x"], tile["y"] - picture["y"]) > -1
    # However fast it is moved, it asks for no more tiles than the server gives.
    for _ in range(10):
        await held.keyboard.press("ArrowDown")
    asked = await held.evaluate(TILES)
    assert len(asked) > 2
    assert min(later - earlier for earlier, later in pairwise(asked)) > 45
    await held.keyboard.press("Escape")
    await expect(held.locator("img.lens")).to_have_count(0)
    await expect(held.locator(".lens-toggle")).to_be_focused()
    await expect(held.locator(".lens-toggle")).to_have_attribute("aria-pressed", "false")
    assert [url for url in pictures if "/reveal" not in url and "/lens?" not in url] == []
    await _told(held, database, [("lens", "closed")])


async def test_whole_picture_by_keyboard_with_a_reason(held: Page, database: str) -> None:
    await reveal(held)
    assert await width_of(held, "img.revealed") == 800
    assert query(database, "SELECT kind, reason FROM exposures") == [("whole", "needed to decide")]
    # The form with its button has gone; whoever works by keyboard is at the one that blurs again.
    await expect(held.locator(".reveal")).to_be_focused()
    menu = "image => image.dispatchEvent(new MouseEvent('contextmenu', { bubbles: true, cancelable: true }))"
    assert not await held.locator("img.revealed").evaluate(menu)
    await held.keyboard.press("Escape")
    await expect(held.locator("img.revealed")).to_have_count(0)
    await _told(held, database, [("whole", "closed")])


async def test_who_changes_their_mind_while_the_server_answers_sees_nothing(held: Page, database: str) -> None:
    asked, answer = asyncio.Event(), asyncio.Event()

    async def late(route: Route) -> None:
        asked.set()
        await answer.wait()
        await route.continue_()

    await held.route("**/reveal", late)
    originals: list[str] = []
    held.on("request", lambda request: originals.extend([request.url] if "grant=" in request.url else []))
    await ask(held)
    await asyncio.wait_for(asked.wait(), 30)
    await held.keyboard.press("Escape")
    await expect(held.locator(".reveal-form")).to_be_hidden()
    await expect(held.locator(".reveal")).to_be_focused()
    answer.set()
    await _told(held, database, [("whole", "closed")])
    assert originals == []


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


async def _print(page: Page) -> None:
    await page.evaluate("() => dispatchEvent(new Event('beforeprint'))")


async def _let_the_lease_end(page: Page) -> None:
    await page.keyboard.press("r")


async def test_what_is_left_is_blurred_again(held: Page, database: str) -> None:
    """In another tab and another window, when the pointer leaves, on paper, and when the case is given back."""
    ways = (_hide, "hidden"), (_leave_window, "left"), (_leave_picture, "left"), (_print, "left")
    ended: list[tuple[str, str | None]] = []
    for leave, why in (*ways, (_let_the_lease_end, "lease")):
        await reveal(held)
        await leave(held)
        await expect(held.locator("img.revealed")).to_have_count(0)
        ended.append(("whole", why))
    await held.wait_for_url("**/console")
    await _told(held, database, ended)


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
    await expect(page.locator("#announce")).to_contain_text("nothing moved")
    # However busy somebody is, the address runs out, and with it ends what it shows.
    await reveal(page)
    for _ in range(7):
        await page.keyboard.press("Shift")
        await page.clock.fast_forward(9_000)
    await expect(page.locator("img.revealed")).to_have_count(0)
    await expect(page.locator("#announce")).to_contain_text("its time is up")
    await _told(page, database, [("whole", "idle"), ("whole", None)])


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
    await held.keyboard.press("l")
    await expect(held.locator("img.lens.is-there")).to_be_visible()
    # That it can tell: buttons fade, unless somebody asked for no motion.
    assert await held.evaluate(MOVING) > 0
    await held.emulate_media(reduced_motion="reduce")
    assert await held.evaluate(MOVING) == 0


@pytest.fixture
async def clip(page: Page, platform: httpx.AsyncClient, app: FastAPI, settings: Settings) -> Page:
    """A case with a video in the reviewer's hands."""
    uploaded = await platform.post("/v1/media", files={"file": ("a.webm", WEBM.data(), "video/webm")})
    media = uploaded.json()["media_id"]
    await prepare(UUID(media), Preparing(app.state.engine, app.state.storage, settings, reranker(settings)), attempts=0)
    await report(platform, media=[media])
    await press_to_a_case(page, "n")
    return page


async def test_a_video_plays_blurred_no_weaker_than_asked_for_and_gives_way_to_the_original(
    clip: Page, database: str
) -> None:
    await clip.keyboard.press("p")
    proxy = clip.locator("video.proxy")
    await expect(proxy).to_have_js_property("muted", True)
    await clip.keyboard.press("b")
    await expect(proxy).to_have_count(0)
    level = await clip.locator(".blur-now").inner_text()
    await clip.keyboard.press("p")
    assert f"level={level.split()[1]}&" in (await proxy.get_attribute("src") or "")
    assert value(database, "SELECT count(*) FROM exposures") == 0
    await clip.keyboard.press("v")
    await clip.keyboard.press("Enter")
    original = clip.locator("video.revealed")
    await expect(original).to_have_js_property("paused", True)
    await expect(original).to_have_js_property("muted", True)
    await expect(proxy).to_have_count(0)
    await clip.keyboard.press("p")
    await expect(original).to_have_count(0)
    await expect(proxy).to_have_count(1)
    await _told(clip, database, [("video", "closed")])


async def _told(page: Page, database: str, expected: Sequence[tuple[str, str | None]]) -> None:
    """The ends reach the server soon after the page has let go of the picture."""
    for _ in range(50):
        if query(database, ENDS) == list(expected):
            return
        await page.wait_for_timeout(100)
    assert query(database, ENDS) == list(expected)
