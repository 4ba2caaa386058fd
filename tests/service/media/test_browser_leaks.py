"""All that leaves for a browser while a reviewer walks the console: no original bytes before the record of an exposure."""

import asyncio
import socket
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
import uvicorn
from fastapi import FastAPI
from playwright.async_api import Page, expect

from service.settings import Settings
from tests.conftest import bearer
from tests.journey.browsing import chromium, sign_in
from tests.service.media.console import Console
from tests.service.media.leaks import Originals, Watch
from tests.service.media.pictures import jpeg
from tests.service.media.test_leaks import hidden, noisy, shown

pytestmark = pytest.mark.browser
PASSWORD = "long enough to be one"


@pytest.fixture
async def watch(app: FastAPI, database: str) -> AsyncIterator[Watch]:
    watch = Watch(app, database, Originals(), who="pat")
    yield watch
    watch.close()


@pytest.fixture
async def page(watch: Watch, console: Console) -> AsyncIterator[Page]:
    """A browser that is not signed in yet, with the watch between it and the service."""
    person = {"username": "pat", "role": "reviewer", "password": PASSWORD}
    made = await console.client.post("/v1/people", json=person, headers=bearer(console.keys["admin"]))
    assert made.status_code == 201
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(watch, lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve([listening]))
    async with chromium() as browser:
        yield await browser.new_page(base_url=f"http://127.0.0.1:{listening.getsockname()[1]}")
    server.should_exit = True
    await serving


async def test_a_browser_gets_original_bytes_only_after_the_record(
    page: Page, watch: Watch, console: Console, settings: Settings
) -> None:
    media = [await console.uploaded(jpeg(noisy(seed))) for seed in (1, 2)]
    for one in media:
        watch.originals.add(UUID(one), await hidden(console, settings, one), await shown(console, settings, one))
        await console.report(one)
    await sign_in(page, "pat", PASSWORD)
    await page.keyboard.press("n")
    await page.wait_for_url("**/cases/*")
    await expect(page.locator(".preview").first).to_be_visible()
    await page.wait_for_load_state("networkidle")
    assert any(path.endswith("/preview") for path in watch.asked)
    assert watch.seen == set()
    assert await console.count("exposures") == 0
    await page.keyboard.press("v")
    await page.get_by_label("To see who or what is shown").check()
    await page.get_by_role("button", name="Show the original").click()
    await expect(page.locator(".revealed")).to_be_visible()
    await page.wait_for_load_state("networkidle")
    [exposure] = await console.execute("SELECT media_id FROM exposures")
    await page.goto("/console")
    await page.wait_for_load_state("networkidle")
    assert watch.leaks == []
    assert watch.seen == {exposure.media_id}
