"""A lead changes the rules in the console: tries them, sees what they would do, saves, and a new report goes there."""

import itertools
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.conftest import bearer
from tests.journey import browsing, invariants
from tests.journey.browsing import Log, new_page, sign_in
from tests.journey.parts import TRUSTED
from tests.journey.world import World, fresh_database, new_world, settings_for

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

PASSWORD = "a long enough passphrase"
_numbers = itertools.count(1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """The API as people start it. Nothing here waits for a score, so no worker runs."""
    folder = tmp_path_factory.mktemp("routing")
    with fresh_database(server_url, template, "triage_routing") as database:
        async with new_world(database, folder, settings=settings_for(folder, database)) as made:
            await made.command("serve").start()
            yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with browsing.chromium() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, world: World) -> AsyncIterator[tuple[Page, Log]]:
    """The page of routing with a lead of its own signed in."""
    name = f"lead-{next(_numbers)}"
    await call(world, "POST", "/v1/people", "admin", json={"username": name, "role": "lead", "password": PASSWORD})
    async with new_page(browser, world.parts[0].address) as (opened, log):
        await sign_in(opened, name, PASSWORD)
        await opened.locator(".places summary", has_text="Manage").click()
        await opened.get_by_role("link", name="Routing").click()
        await opened.wait_for_url("**/routing")
        await previewed(opened)
        yield opened, log


async def call(world: World, method: str, path: str, role: str, **options: Any) -> Any:
    """A call of the API that succeeds."""
    async with httpx.AsyncClient(trust_env=False, timeout=60, verify=TRUSTED) as client:
        answer = await client.request(
            method, world.parts[0].address + path, headers=bearer(world.keys[role]), **options
        )
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


async def send(world: World, subject: str, channel: str, kind: str = "post") -> str:
    """File a report; returns the case."""
    content = {"id": subject, "kind": kind, "text": f"words of {subject}", "language": "en"}
    body = {"channel": channel, "reason": "spam", "subject": content}
    return str((await call(world, "POST", "/v1/reports", "platform", json=body))["case_id"])


def queue_of(world: World, case_id: str) -> str:
    with invariants.reading(world.database) as cursor:
        [row] = cursor.execute("SELECT queue FROM cases WHERE id = %s", (case_id,)).fetchall()
    return str(row["queue"])


async def previewed(tab: Page) -> None:
    """The counts on the page are of the draft that it shows."""
    await expect(tab.locator("#rules")).to_have_attribute("aria-busy", "false")


async def test_a_lead_changes_a_rule_sees_what_it_would_do_and_saves_it(page: tuple[Page, Log], world: World) -> None:
    tab, _ = page
    await call(world, "POST", "/v1/queues", "lead", json={"name": "press", "title": "Press desk"})
    before = [await send(world, f"early-{number}", channel) for number, channel in enumerate(["press"] * 3 + ["user"])]
    await tab.reload()
    await previewed(tab)
    await add_rule(tab)
    await expect(tab.locator(".rule-name").first).to_have_text("Press calls")
    await expect(tab.locator(".rule-words").first).to_have_text("Cases where the channel is partner.")
    await expect(tab.locator(".rule-count").first).to_have_text("would route 0 of yesterday’s cases")
    # The rule asks for the wrong channel: the preview says so before anything is saved.
    await tab.get_by_role("button", name="Edit: Press calls").click()
    await tab.locator("[name=channels][value=partner]").uncheck()
    await tab.locator("[name=channels][value=press]").check()
    await tab.get_by_role("button", name="Keep in the draft").click()
    await expect(tab.locator(".rule-count").first).to_have_text("would route 3 of yesterday’s cases")
    await expect(tab.locator("#default-count")).to_have_text("would take 1 of yesterday’s cases")
    await expect(tab.get_by_test_id("moves").locator("tbody td")).to_have_text(
        ["Everything else", "Press desk", "3", "3", "1 2 3"]
    )
    assert [queue_of(world, case_id) for case_id in before] == ["default"] * 4
    await save(tab)
    await expect(tab.locator("#notice")).to_have_text("Version 1 is at work.")
    await expect(tab.locator(".version summary")).to_contain_text("the press waits for answers")
    after = await send(world, "late", "press")
    assert queue_of(world, after) == "press"
    assert queue_of(world, await send(world, "other", "user")) == "default"
    await tab.goto("/console")
    await expect(tab.get_by_test_id("queue-press").get_by_test_id("open-count")).to_have_text("1")


async def add_rule(tab: Page) -> None:
    """By keyboard alone."""
    await tab.keyboard.press("a")
    await expect(tab.locator("#rule-name")).to_be_focused()
    await tab.keyboard.type("Press calls")
    await tab.keyboard.press("Tab")
    await tab.keyboard.type("Press")
    partner = tab.locator("[name=channels][value=partner]")
    await partner.focus()
    await tab.keyboard.press("Space")
    await tab.keyboard.press("Enter")
    await expect(tab.locator("#rule-dialog")).to_be_hidden()


async def save(tab: Page) -> None:
    """Owner and reason are asked for; then the version is at work."""
    button = tab.locator("#save")
    await button.click()
    await expect(tab.locator("#owner")).to_be_focused()
    await expect(tab.locator("#reason-problem")).not_to_be_empty()
    await tab.keyboard.type("T&S lead")
    await tab.fill("#reason", "the press waits for answers")
    await button.click()
    await expect(tab.locator("#save-card")).to_be_hidden()


async def test_a_conflict_is_shown_beside_its_rule_and_stops_the_save(page: tuple[Page, Log], world: World) -> None:
    tab, _ = page
    await add_named(tab, "All posts")
    await add_named(tab, "Never")
    last = tab.locator(".rule", has_text="Never").first
    await expect(last.locator(".notice-bad")).to_contain_text("“All posts”")
    await expect(tab.locator("#save")).to_be_disabled()
    await expect(tab.locator("#save-state")).to_have_text("A conflict has to be solved first.")
    await tab.get_by_role("button", name="Remove: Never").click()
    await expect(tab.locator("#save")).to_be_enabled()
    await tab.get_by_role("button", name="Discard the draft").click()
    await expect(tab.locator("#save-card")).to_be_hidden()


async def add_named(tab: Page, name: str) -> None:
    await tab.locator("#add-rule").click()
    await tab.fill("#rule-name", name)
    await tab.fill("#rule-kinds", "post")
    await tab.get_by_role("button", name="Keep in the draft").click()
    await previewed(tab)


async def test_who_saves_on_top_of_an_older_version_is_told_and_keeps_the_draft(
    browser: Browser, page: tuple[Page, Log], world: World
) -> None:
    tab, log = page
    await add_named(tab, "Comments")
    version = (await call(world, "GET", "/v1/routing", "lead"))["version"]
    body = {"rules": [], "based_on": version, "owner": "x", "reason": "meanwhile", "decided_on": "2026-11-29"}
    await call(world, "POST", "/v1/routing", "lead", json=body)
    await tab.fill("#owner", "x")
    await tab.fill("#reason", "late")
    await tab.locator("#save").click()
    await expect(tab.locator("#problem")).to_contain_text("is at work, these are based on")
    await expect(tab.locator(".rule-name", has_text="Comments")).to_be_visible()
    # The refusal is what this test is about.
    log.complaints[:] = [one for one in log.complaints if "409" not in one]


async def test_a_queue_is_made_and_its_member_let_in(page: tuple[Page, Log], world: World) -> None:
    tab, _ = page
    await tab.locator("#add-queue").click()
    await tab.fill("#queue-name", "quiet")
    await tab.fill("#queue-shown", "Quiet room")
    await tab.locator("#queue-special").select_option("threat_to_life")
    await expect(tab.locator("#queue-restricted")).to_be_checked()
    await tab.get_by_role("button", name="Save the queue").click()
    await expect(tab.locator("#notice")).to_contain_text("Nobody is in it yet")
    await tab.get_by_role("button", name="Change Quiet room").click()
    await tab.fill("#member-name", "test-specialist")
    await tab.get_by_role("button", name="Let in").click()
    await expect(tab.locator("#member-list")).to_contain_text("test-specialist")
    await tab.keyboard.press("Escape")
    await expect(tab.locator("#notice")).to_have_text("The members are changed.")
    row = tab.get_by_test_id("special").locator("tr", has_text="Threat to life")
    await expect(row).to_contain_text("quiet")
    await expect(row).not_to_contain_text("unserved")


async def test_changes_that_follow_each_other_closely_are_previewed_once(page: tuple[Page, Log]) -> None:
    tab, _ = page
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url) if request.url.endswith("/preview") else None)
    for _ in range(5):
        await tab.evaluate("document.getElementById('preview').click()")
    await previewed(tab)
    assert len(asked) == 1


async def test_the_page_fits_a_narrow_screen(browser: Browser, world: World) -> None:
    name = f"lead-{next(_numbers)}"
    await call(world, "POST", "/v1/people", "admin", json={"username": name, "role": "lead", "password": PASSWORD})
    async with new_page(browser, world.parts[0].address, viewport=browsing.NARROW) as (tab, _):
        await sign_in(tab, name, PASSWORD)
        await tab.goto("/routing")
        await previewed(tab)
        assert await tab.evaluate("document.documentElement.scrollWidth") <= browsing.NARROW["width"]
        await tab.locator("#add-rule").click()
        dialog = await tab.locator("#rule-dialog").bounding_box()
        assert dialog is not None
        assert dialog["x"] >= 0
        assert dialog["x"] + dialog["width"] <= browsing.NARROW["width"]
