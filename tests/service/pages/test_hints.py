"""Hints on the page of a case: hidden until asked for, told by line and words, remembered, and never moving the page."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from playwright.async_api import Page, expect

from service.hints.workflow import Hints
from tests.conftest import bearer
from tests.service.hints.test_hints import Explaining, picture, scored
from tests.service.pages import test_scripts as scripts
from tests.service.pages.conftest import PASSWORD
from tests.service.pages.test_scripts import press_to_a_case
from tests.service.scoring.doubles import Scripted, grave, loaded
from tests.service.steps import report

settings = scripts.settings

TEXT = "Good\r\nmorning 😀\r\n<b>you</b> &amp; all, &lt;idiot> நன்றி"
PLACES = """() => [...document.querySelectorAll("main *:not(mark)")].filter((one) => one.checkVisibility() && !one.closest("#hints-words, #hints-samples"))
    .map((one) => [one.tagName, ...Object.values(one.getBoundingClientRect().toJSON())].join(" "))"""


@pytest.fixture
async def case(app: FastAPI, platform: httpx.AsyncClient) -> Explaining:
    """A scored case whose second word is hinted at strongly."""
    made = Explaining()
    made.go.set()
    app.state.model = await loaded(Scripted(grave))
    app.state.hints = Hints(made)
    await scored(app, platform, text=TEXT)
    return made


@pytest.mark.browser
async def test_hints_come_when_asked_for_and_nothing_moves(page: Page, case: Explaining) -> None:
    await press_to_a_case(page, "n")
    content, marks = page.get_by_test_id("content"), page.locator("#content mark")
    read = await content.text_content()
    assert read == TEXT.replace("\r\n", "\n")
    await expect(page.locator("#hints-toggle")).to_have_attribute("aria-pressed", "false")
    await expect(marks).to_have_count(0)
    assert case.asked == []
    before = await page.evaluate(PLACES)
    await page.keyboard.press("w")
    await expect(marks).to_have_text("😀\n<b>you</b>")
    await expect(page.locator("#announce")).to_contain_text("no reasons. strong: 😀")
    await expect(page.locator("#hints-words")).to_have_text("Child safety:")
    assert await content.text_content() == read
    assert await page.evaluate(PLACES) == before
    assert await thickness(page, ".hint-strong") > await thickness(page, "#hints-samples .hint-slight")
    await page.locator("#hints-toggle").click()
    await expect(marks).to_have_count(0)
    assert await content.text_content() == read
    await expect(page.locator("#hints-words")).to_be_empty()


async def thickness(page: Page, selector: str) -> float:
    shown: str = await page.locator(selector).first.evaluate("one => getComputedStyle(one).textDecorationThickness")
    return float(shown.removesuffix("px"))


@pytest.mark.browser
async def test_the_choice_is_remembered_for_the_person_alone(
    page: Page, case: Explaining, client: httpx.AsyncClient, keys: dict[str, str]
) -> None:
    await press_to_a_case(page, "n")
    await page.keyboard.press("w")
    await expect(page.locator("#content mark")).to_have_count(1)
    await page.reload()
    await expect(page.locator("#content mark")).to_have_count(1)
    case_page = page.url
    person = {"username": "kim", "role": "lead", "password": PASSWORD}
    assert (await client.post("/v1/people", json=person, headers=bearer(keys["admin"]))).status_code == 201
    await page.click("#me")
    await page.click("#sign-out")
    await page.wait_for_url("**/sign-in*")
    await page.fill("#username", "kim")
    await page.fill("#password", PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/console")
    await page.goto(case_page)
    await expect(page.locator("#hints-toggle")).to_be_visible()
    await expect(page.locator("#content mark")).to_have_count(0)
    # Who may only read the case has the key as well.
    await page.keyboard.press("w")
    await expect(page.locator("#content mark")).to_have_count(1)


@pytest.mark.browser
async def test_the_bar_of_an_area_chooses_it(page: Page, case: Explaining) -> None:
    await press_to_a_case(page, "n")
    bar = page.locator(".area-choice[data-area=harassment]")
    await bar.focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#hints-words")).to_have_text("Bullying and harassment:")
    await expect(bar).to_have_attribute("aria-pressed", "true")
    assert [area for _, _, area in case.asked] == ["harassment"]
    await page.keyboard.press("Enter")
    await expect(page.locator("#content mark")).to_have_count(0)


@pytest.mark.browser
async def test_what_goes_wrong_is_said_in_place(page: Page, case: Explaining) -> None:
    case.refuses = True
    await press_to_a_case(page, "n")
    page.on("console", lambda message: None)
    await page.keyboard.press("w")
    await expect(page.locator("#hints-words")).to_have_text("There is nothing to explain.")
    await expect(page.locator("#hints-samples")).to_be_hidden()


async def test_areas_that_were_not_learned_and_cases_without_a_score_offer_no_hints(
    app: FastAPI, platform: httpx.AsyncClient, client: httpx.AsyncClient, keys: dict[str, str]
) -> None:
    async def shown(path: str) -> str:
        answer: Any = await client.get(path.removeprefix("/v1").removesuffix("/hints"), headers=bearer(keys["lead"]))
        assert answer.status_code == 200
        return str(answer.text)

    unlearned = Scripted().areas[-1]
    app.state.model = await loaded(Scripted(grave))
    path = await scored(app, platform, reason=unlearned)
    with_score = await shown(path)
    assert 'id="hints-toggle"' in with_score
    assert 'data-area="child_safety"' in with_score
    assert f'class="area-choice" data-area="{unlearned}"' not in with_score
    silent = await shown(await scored(app, platform, "silent", "", media=await picture(platform)))
    waiting = await shown(f"/v1/cases/{(await report(platform, 'waiting'))['case_id']}")
    for without in (silent, waiting):
        assert 'id="hints-toggle"' not in without
        assert 'class="area-choice"' not in without
