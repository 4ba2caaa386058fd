"""The page of the order: who sees it, a draft tried and put to work in a browser, and words that are only text."""

from dataclasses import replace

import httpx
from fastapi import FastAPI
from playwright.async_api import expect

from models.rank import RankConfig
from service.ranking.workflow import register
from service.security import ROLES, Capability
from service.tuning.schemas import ConstantsIn
from tests.conftest import bearer
from tests.journey.browsing import chromium, sign_in
from tests.service.pages.conftest import PASSWORD
from tests.service.pages.test_pages import HOSTILE, assert_is_safe_page
from tests.service.steps import report


async def test_the_page_is_for_those_who_manage_queues(client: httpx.AsyncClient, keys: dict[str, str]) -> None:
    for role, key in keys.items():
        answer = await client.get("/ranking", headers=bearer(key))
        assert answer.status_code == (200 if Capability.QUEUES_MANAGE in ROLES[role] else 403), role
    assert (await client.get("/ranking")).headers["location"] == "/sign-in?next=%2Franking"


async def test_every_constant_is_an_input_with_its_bounds_and_words_of_others_are_text(
    app: FastAPI, lead: httpx.AsyncClient
) -> None:
    async with app.state.engine.begin() as connection:
        for version in ("one", "two"):
            other = replace(app.state.rank_config, version=version, owner=HOSTILE[0], reason=HOSTILE[0])
            await register(connection, other)
    answer = await lead.get("/ranking")
    assert_is_safe_page(answer)
    page = answer.text
    for name in ConstantsIn.model_fields:
        assert f'name="{name}"' in page, name
    assert 'name="doubling_hours" value="24" min="1" max="720"' in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 4
    assert "The same constants as those at work." in page


async def test_a_draft_is_tried_and_put_to_work_and_the_one_before_again(
    app: FastAPI, address: str, client: httpx.AsyncClient, keys: dict[str, str], platform: httpx.AsyncClient
) -> None:
    async with app.state.engine.begin() as connection:
        await register(connection, RankConfig())
    await report(platform, "post-1")
    person = {"username": "robin", "role": "lead", "password": PASSWORD}
    assert (await client.post("/v1/people", json=person, headers=bearer(keys["admin"]))).status_code == 201
    async with chromium() as browser:
        tab = await browser.new_page(base_url=address)
        await sign_in(tab, "robin", PASSWORD)
        await tab.goto("/ranking")
        await tab.fill("[name=doubling_hours]", "9000")
        await expect(tab.locator("#draft-tag")).to_be_visible()
        await tab.click("#preview")
        await expect(tab.locator("#p-doubling_hours")).to_have_text("A number from 1 to 720 is needed.")
        await expect(tab.locator("[name=doubling_hours]")).to_be_focused()
        await tab.fill("[name=doubling_hours]", "12")
        await tab.press("[name=doubling_hours]", "Enter")
        await expect(tab.locator("#result-words")).to_have_text(
            "The queue holds no more than these: none of them enters or leaves, at most their order changes."
        )
        await expect(tab.locator("#result-scope")).to_have_text("The only open case was looked at.")
        await tab.click("#save")
        await expect(tab.locator("#version-problem")).to_have_text("Give it a name, such as a date.")
        for name, words in (("version", "quick"), ("owner", "queue team"), ("reason", "shorter memory")):
            await tab.fill(f"#{name}", words)
        await tab.click("#save")
        await expect(tab.locator("#notice")).to_have_text("Version quick is at work.")
        await expect(tab.get_by_test_id("current")).to_contain_text("Shorter memory.")
        await expect(tab.locator("[name=doubling_hours]")).to_have_value("12")
        await tab.get_by_test_id("history").locator("summary").click()
        await tab.click(".revive")
        await tab.fill("#revive-reason", "back")
        await tab.press("#revive-reason", "Tab")
        await tab.keyboard.press("Enter")
        await expect(tab.locator("#notice")).to_have_text(f"Version {RankConfig().version} is at work.")
