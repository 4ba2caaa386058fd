"""What the scripts of the pages do, in a real browser against the application."""

import asyncio
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Page, Route, expect

from service.settings import Settings
from tests.conftest import bearer
from tests.service.media.pictures import png
from tests.service.quality.verbs import decided_case
from tests.service.steps import query, report, rewrite, value

pytestmark = pytest.mark.browser


@pytest.fixture
def settings(database: str, tmp_path: Path) -> Settings:
    """Decisions that can be undone for as long as a test takes."""
    return Settings(data_dir=tmp_path / "data", database_url=database, undo_seconds=120)


async def press_to_a_case(page: Page, key: str, *, leaving: str = "nothing") -> str:
    """Press a key that leads to a case with the form; returns the id of the case."""
    await page.keyboard.press(key)
    await page.wait_for_url(lambda url: "/cases/" in url and leaving not in url)
    await expect(page.locator("#lease")).to_be_visible()
    return page.url.rpartition("/")[2]


async def choose_no_violation(page: Page) -> None:
    await page.keyboard.press("1")
    await expect(page.locator("[name=actions][value=no_violation]")).to_be_checked()


async def test_undo_leaves_no_claimed_case_behind(page: Page, platform: httpx.AsyncClient, database: str) -> None:
    for number in range(3):
        await report(platform, f"post-{number}")
    first = await press_to_a_case(page, "n")
    await choose_no_violation(page)
    second = await press_to_a_case(page, "Control+Enter", leaving=first)
    assert await press_to_a_case(page, "u", leaving=second) == first
    # The form is as it was, so that the decision can be made again at once.
    await expect(page.locator("[name=actions][value=no_violation]")).to_be_checked()
    assert await press_to_a_case(page, "Control+Enter", leaving=first) == second
    opened = "SELECT case_id::text FROM leases WHERE ended_at IS NULL AND NOT prefetched"
    await expect(page.locator("#lease")).to_be_visible()
    assert query(database, opened) == [(second,)]
    await page.goto("/console")
    await expect(page.locator("#claim")).to_contain_text("Continue your case")
    assert await press_to_a_case(page, "n") == second
    assert query(database, opened) == [(second,)]
    assert value(database, "SELECT count(*) FROM decisions") == 2


async def test_undo_keeps_the_form_when_the_page_fetches_that_very_case_ahead(
    page: Page, platform: httpx.AsyncClient
) -> None:
    """The next case is fetched ahead at any moment, so also between an undo and the claim that follows it."""
    await report(platform, "post-1")
    await report(platform, "post-2")
    undone = asyncio.Event()
    fetched = asyncio.Event()

    async def fetch_late(route: Route) -> None:
        await undone.wait()
        answer = await route.fetch()
        fetched.set()
        await route.fulfill(response=answer)

    async def undo(route: Route) -> None:
        answer = await route.fetch()
        undone.set()
        await fetched.wait()
        await route.fulfill(response=answer)

    first = await press_to_a_case(page, "n")
    await choose_no_violation(page)
    await page.route("**/v1/queues/*/claim", fetch_late)
    await page.route("**/undo", undo)
    second = await press_to_a_case(page, "Control+Enter", leaving=first)
    assert await press_to_a_case(page, "u", leaving=second) == first
    await expect(page.locator("[name=actions][value=no_violation]")).to_be_checked()


@pytest.mark.parametrize("status", [429, 500])
async def test_draft_is_sent_again_after_a_failure_that_may_pass(
    page: Page, platform: httpx.AsyncClient, database: str, status: int
) -> None:
    await report(platform)
    await press_to_a_case(page, "n")
    refused: list[Route] = []

    async def refuse_once(route: Route) -> None:
        if refused:
            return await route.continue_()
        refused.append(route)
        return await route.fulfill(status=status, json={"error": "any", "detail": "not now"})

    await page.route("**/draft", refuse_once)
    # Timers from here on are those of a clock that can be put forward.
    await page.clock.install()
    await page.fill("#note", "half a thought")
    await expect(page.locator("#draft-state")).to_have_text("Draft not kept yet")
    await page.clock.fast_forward(5_000)
    await expect(page.locator("#draft-state")).to_have_text("Draft kept")
    assert query(database, "SELECT body ->> 'note' FROM drafts") == [("half a thought",)]


async def test_severity_below_that_of_the_area_is_pointed_out_and_taken(
    page: Page, platform: httpx.AsyncClient, database: str
) -> None:
    await report(platform)
    await press_to_a_case(page, "n")
    advice = page.locator("#severity-advice")
    await page.select_option("#policy-area", "child_safety")
    await page.keyboard.press("Shift+Digit1")
    await expect(advice).to_be_hidden()
    await page.locator("[name=actions][value=remove]").check(force=True)
    await expect(advice).to_contain_text("usually counts from severity 4 on")
    await page.keyboard.press("Shift+Digit4")
    await expect(advice).to_be_hidden()
    await page.keyboard.press("Shift+Digit1")
    await expect(advice).to_be_visible()
    await page.keyboard.press("Control+Enter")
    await page.wait_for_url("**/console")
    assert query(database, "SELECT policy_area, severity FROM decisions") == [("child_safety", 1)]


async def test_preview_that_does_not_come_leaves_words_in_its_place(page: Page, platform: httpx.AsyncClient) -> None:
    uploaded = await platform.post("/v1/media", files={"file": ("picture.png", png(), "image/png")})
    await report(platform, media=[uploaded.json()["media_id"]])
    await page.route("**/preview?*", lambda route: route.fulfill(status=503))
    await press_to_a_case(page, "n")
    await expect(page.locator(".placeholder")).to_contain_text("could not be loaded")
    await expect(page.locator("img.preview")).to_have_count(0)
    await page.unroute_all()
    await page.reload()
    await expect(page.locator("img.preview")).to_be_visible()


async def test_a_check_is_answered_once_the_script_runs_and_not_before(
    page: Page,
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    client: httpx.AsyncClient,
    keys: dict[str, str],
    database: str,
) -> None:
    await decided_case(platform, reviewer, "post-1")
    rewrite(database, "UPDATE decisions SET undo_until = now()")
    body = {"kind": "random", "size": 1, "name": "first", "owner": "quality", "reason": "to know"}
    made = await client.post("/v1/qa/plans", json=body, headers=bearer(keys["lead"]))
    assert made.status_code == 201, made.text
    await page.goto("/qa/review")
    await page.keyboard.press("n")
    button = page.locator("#decide")
    await expect(button).to_be_enabled()
    assert page.context.browser is not None
    async with await page.context.browser.new_context(
        base_url=page.url, java_script_enabled=False, storage_state=await page.context.storage_state()
    ) as without:
        plain = await without.new_page()
        await plain.goto("/qa/review")
        await expect(plain.locator("#decide")).to_be_disabled()
    await choose_no_violation(page)
    await button.click()
    await expect(page.get_by_text("There is nothing for you to check right now.")).to_be_visible()
    assert "note" not in page.url
    assert value(database, "SELECT count(*) FROM qa_reviews WHERE answered_at IS NOT NULL") == 1
