"""A lead publishes a version that is to be confirmed; a reviewer is stopped at the claim, reads, confirms, and goes on."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.conftest import bearer
from tests.journey import browsing
from tests.journey.browsing import new_page, sign_in
from tests.journey.parts import TRUSTED
from tests.journey.world import World, fresh_database, new_world, settings_for

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

PASSWORD = "a long enough passphrase"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """The API as people start it; nothing here waits for a score, so no worker runs."""
    folder = tmp_path_factory.mktemp("policies")
    with fresh_database(server_url, template, "triage_policies") as database:
        async with new_world(database, folder, settings=settings_for(folder, database)) as made:
            await made.command("serve").start()
            yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with browsing.chromium() as running:
        yield running


async def call(world: World, method: str, path: str, role: str, **options: Any) -> Any:
    """A call of the API that succeeds."""
    async with httpx.AsyncClient(trust_env=False, timeout=60, verify=TRUSTED) as client:
        answer = await client.request(
            method, world.parts[0].address + path, headers=bearer(world.keys[role]), **options
        )
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


async def test_a_reviewer_reads_what_a_lead_publishes_before_the_next_case(world: World, browser: Browser) -> None:
    for name, role in (("lee", "lead"), ("rae", "reviewer")):
        await call(world, "POST", "/v1/people", "admin", json={"username": name, "role": role, "password": PASSWORD})
    content = {"id": "post-1", "kind": "post", "text": "words of a post", "language": "en"}
    body = {"channel": "user", "reason": "harassment", "subject": content}
    await call(world, "POST", "/v1/reports", "platform", json=body)
    address = world.parts[0].address
    async with new_page(browser, address) as (desk, log), new_page(browser, address) as (office, _):
        await sign_in(desk, "rae", PASSWORD)
        await sign_in(office, "lee", PASSWORD)
        await publish(office)
        # The console was open before: the claim itself is what stops.
        await desk.keyboard.press("n")
        await desk.wait_for_url("**/policies")
        await desk.get_by_test_id("unread").get_by_role("link", name="Read and confirm").click()
        await expect(desk.get_by_test_id("diff").first).to_contain_text("Pile-ons count from the first post.")
        await desk.keyboard.press("c")
        await desk.wait_for_url("**/console")
        await expect(desk.locator("#notice")).to_have_text("Confirmed. You can take the next case.")
        await desk.keyboard.press("n")
        await desk.wait_for_url("**/cases/*")
        await expect(desk.locator("#lease")).to_be_visible()
        log.complaints[:] = [one for one in log.complaints if "409" not in one]


async def publish(office: Page) -> None:
    """Fill the library, draft a version of one area, and put it in force."""
    await office.get_by_role("link", name="Policies").click()
    await office.get_by_role("button", name="Begin with the guidelines").click()
    await expect(office.locator("#notice")).to_have_text("20 guidelines are in force as version 1.")
    await office.get_by_role("link", name="Bullying and harassment").click()
    await office.get_by_role("button", name="New draft").click()
    await office.wait_for_url("**/drafts/*")
    text = office.locator("#body")
    await text.fill(f"{await text.input_value()}\n\nPile-ons count from the first post.")
    await office.locator("#digest").fill("A pile-on counts from the first post that calls for it.")
    await office.locator("#acknowledge").check()
    await office.keyboard.press("Control+Enter")
    await expect(office.locator("#notice")).to_have_text("Saved.")
    await office.get_by_role("button", name="Publish version 2").click()
    await office.wait_for_url("**/policies/harassment")
    await expect(office.locator("#notice")).to_have_text("Version 2 is published.")
