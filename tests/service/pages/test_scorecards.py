"""The page of scorecards: who sees it, what it says of nothing, its bars, its form, and a figure that changes in a browser."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.async_api import expect

from service.pages.scorecards import share_cell
from service.scorecards.schemas import ShareOut
from service.security import ROLES, Capability
from tests.conftest import bearer
from tests.journey.browsing import NARROW, chromium, new_page, sign_in
from tests.service.pages.test_pages import HOSTILE, assert_is_safe_page
from tests.service.scorecards.world import ANSWER, World, staffed, world_in

PASSWORD = "long enough to be one"


@pytest.fixture
def world(database: str) -> Iterator[World]:
    with world_in(database) as made:
        yield made


async def shown(lead: httpx.AsyncClient, **asked: str) -> str:
    answer = await lead.get("/scorecards", params=asked)
    assert answer.status_code == 200, answer.text
    assert_is_safe_page(answer)
    return answer.text.replace("\u00a0", " ")


async def test_scorecards_are_for_those_who_lead(client: httpx.AsyncClient, keys: dict[str, str]) -> None:
    for role, key in keys.items():
        may = Capability.SCORECARDS_READ in ROLES[role]
        answer = await client.get("/scorecards", headers=bearer(key))
        assert answer.status_code == (200 if may else 403), role
        console = (await client.get("/console", headers=bearer(key))).text
        assert ('href="/scorecards"' in console) == may, role
    assert (await client.get("/scorecards")).headers["location"] == "/sign-in?next=%2Fscorecards"


async def test_without_anything_the_page_says_what_is_missing(lead: httpx.AsyncClient, world: World) -> None:
    page = await shown(lead)
    assert "No decision was made in this period. Sample cases do not count." in page
    assert "No check of these decisions is settled" not in page
    assert "<table" not in page
    world.decided(world.person())
    page = await shown(lead)
    assert "No vendor is set for anybody who decided" in page
    assert "No check of these decisions is settled" in page
    assert "Not enough checks: 0 of 30" in page
    assert "No vendor set" in page


async def test_an_interval_is_drawn_and_said_with_its_ceiling(lead: httpx.AsyncClient, world: World) -> None:
    made = staffed(world, "north", people=5, decisions=40, wrong=4, hourly_cost=30)
    assert "ceiling: not enough checks with two blind answers: 0 of 30" in await shown(lead)
    plan = world.plan(world.person(), reviews=2)
    with world.together():
        for number, decision in enumerate(made):
            world.check(plan, decision, "wrong_area" if number < 4 else None, answers=[ANSWER, ANSWER])
    page = await shown(lead)
    # 36 of 40, twice, which is 40 decisions.
    assert "90 % (78 % to 96 %)" in page
    assert "n = 40, ceiling 100 %" in page
    assert "Accuracy rests on the plans plan " in page
    assert page.count('class="interval-ceiling"') == 1
    assert 'href="#is-accuracy"' in page
    assert 'id="is-accuracy"' in page


async def test_names_stay_text_and_links_keep_the_question(lead: httpx.AsyncClient, world: World) -> None:
    staffed(world, HOSTILE[0], people=1, decisions=1)
    page = await shown(lead, by="vendor", vendor=HOSTILE[0])
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "vendor=%3Cscript%3E" in page
    assert 'href="/v1/scorecards.csv?by=vendor&amp;since=' in page


async def test_an_empty_field_asks_for_nothing_and_a_wrong_period_is_explained(lead: httpx.AsyncClient) -> None:
    await shown(lead, by="area", since="", until="", vendor="", site="", language="", area="")
    answer = await lead.get("/scorecards", params={"since": "2026-02-02", "until": "2026-02-01"})
    assert answer.status_code == 422
    assert_is_safe_page(answer)
    assert "Since: 2026-02-02 lies after until, 2026-02-01; swap them." in answer.text
    assert 'value="2026-02-02"' in answer.text
    assert (await lead.get("/scorecards", params={"by": "person"})).status_code == 422


async def test_an_overdue_case_is_named_even_where_there_is_no_share(lead: httpx.AsyncClient, world: World) -> None:
    world.case(status="open", deadline=world.at(20))
    page = await shown(lead)
    assert "Not enough deadlines: 1 of 30" in page
    assert ">1 overdue<" in page


def test_too_few_are_no_bar() -> None:
    cell = share_cell("accuracy", "Accuracy", ShareOut(n=12, note="not enough checks: 12 of 30"), ceiling=ShareOut(n=0))
    assert (cell.words, cell.bar, cell.known) == ("Not enough checks: 12 of 30", None, False)


@pytest.mark.browser
async def test_a_settlement_changes_the_card_in_the_browser(
    address: str, client: httpx.AsyncClient, keys: dict[str, str], world: World
) -> None:
    staffed(world, "north", people=5, decisions=29)
    left = world.decided(world.person("north"))
    person = {"username": "lee", "role": "lead", "password": PASSWORD}
    assert (await client.post("/v1/people", json=person, headers=bearer(keys["admin"]))).status_code == 201
    async with chromium() as browser, new_page(browser, address) as (page, _):
        await sign_in(page, "lee", PASSWORD)
        await page.locator(".places summary", has_text="Manage").click()
        await page.get_by_role("link", name="Scorecards").click()
        accuracy = page.locator('[data-figure="accuracy"]').first
        await expect(accuracy).to_contain_text("Not enough checks: 29 of 30")
        world.check(world.plan(world.person()), left, "false_positive")
        await page.select_option("#vendor", "north")
        await page.get_by_role("button", name="Show", exact=True).click()
        await page.wait_for_url("**vendor=north**")
        await expect(accuracy).to_contain_text("97 % (85 % to 99 %)")
        await page.set_viewport_size(NARROW)
        assert await page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
