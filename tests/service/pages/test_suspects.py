"""Labels in doubt on their page: one at a time by keyboard, corrected or kept, until none is left."""

import json
import re

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.service.media.pictures import png
from tests.service.pages.test_pages import HOSTILE, assert_is_safe_page
from tests.service.quality.verbs import ALLOWED, OTHER, decided_case
from tests.service.steps import query, rewrite

HEAD = "Does this label hold?"


async def hand_in(ml: httpx.AsyncClient, *suspects: tuple[str, float, str]) -> None:
    """Decision, quality and suggested area of each; all of them have to be kept."""
    lines = [{"id": f"decision:{made}", "quality": quality, "suggested_area": area} for made, quality, area in suspects]
    answer = await ml.post("/v1/labels/suspects", json={"bundle": "b", "suspects": lines})
    assert answer.status_code == 200, answer.text
    assert answer.json()["stored"] == len(lines), answer.text


async def exported(ml: httpx.AsyncClient) -> dict[str, dict[str, object]]:
    rows = [json.loads(line) for line in (await ml.get("/v1/labels")).text.splitlines()]
    return {row["id"].removeprefix("decision:"): row for row in rows}


async def in_doubt(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, ml: httpx.AsyncClient, count: int
) -> list[str]:
    """So many decisions whose labels are in doubt, the most doubtful first."""
    made = [(await decided_case(platform, reviewer, f"post-{number}"))["decision_id"] for number in range(count)]
    await hand_in(ml, *((one, 0.05 + 0.2 * place, "spam") for place, one in enumerate(made)))
    return made


async def choose_area(page: Page, name: str) -> None:
    await page.keyboard.press("a")
    await page.keyboard.type(name)
    await page.keyboard.press("Escape")


async def shows(page: Page, subject: str) -> None:
    """The page of that label, with its script running."""
    await expect(page.locator("#decide")).to_be_enabled()
    await expect(page.get_by_test_id("content")).to_have_text(f"what {subject} says")


@pytest.mark.browser
async def test_a_wrong_label_is_corrected_by_keyboard_and_the_next_one_opens(
    page: Page, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, ml: httpx.AsyncClient
) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    made = await in_doubt(platform, reviewer, ml, 2)
    await page.goto("/console")
    await page.get_by_role("link", name="Quality").click()
    await page.get_by_role("link", name="Labels in doubt").click()
    await expect(page.get_by_test_id("waiting")).to_have_text("2")
    await shows(page, "post-0")
    await expect(page.get_by_test_id("content")).to_have_attribute("lang", "en")
    await expect(page.get_by_test_id("label")).to_have_text("Bullying and harassment, severity 2")
    await expect(page.get_by_test_id("doubt")).to_have_text("The model hardly believes this label.")
    # Nothing is sent before area and severity are there, and what contradicts itself is said in place.
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#policy-area-problem")).to_have_text("Choose the policy area.")
    await expect(page.locator("#severity-problem")).to_have_text("Choose a severity.")
    await page.keyboard.press("Escape")
    await choose_area(page, "Benign")
    await page.keyboard.press("Shift+Digit1")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#severity-problem")).to_have_text("Benign content has severity 0.")
    await page.keyboard.press("Escape")
    await choose_area(page, "Spam")
    await page.keyboard.press("t")
    await page.keyboard.type("it sells something")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#notice")).to_have_text("Corrected: models learn what you said.")
    await shows(page, "post-1")
    await expect(page.get_by_test_id("waiting")).to_have_text("1")
    await page.keyboard.press("s")
    await expect(page.locator("#notice")).to_have_text("The label stands.")
    await expect(page.get_by_text("No label waits for you.")).to_be_visible()
    rows = await exported(ml)
    said = [(row["policy_areas"], row["severity"], row["label_by"]) for row in (rows[one] for one in made)]
    assert said == [(["spam"], 1, "correction"), (["harassment"], 2, "decision")]
    assert complaints == []


@pytest.mark.browser
async def test_what_is_left_stays_left_and_what_somebody_else_has_answered_leads_on(
    page: Page,
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    ml: httpx.AsyncClient,
) -> None:
    made = await in_doubt(platform, reviewer, ml, 3)
    await page.goto("/qa/suspects")
    await shows(page, "post-0")
    await page.keyboard.press("l")
    await shows(page, "post-1")
    await page.fill("#note", "half of a thought")
    await page.keyboard.press("Escape")
    faster = await colleague.post(f"/v1/labels/suspects/{made[1]}/resolve", json={"outcome": "label_stands"})
    assert faster.status_code == 200
    await page.keyboard.press("s")
    await expect(page.locator("#over-words")).to_contain_text("Somebody has looked at this label before")
    for button in ("#stands", "#decide"):
        await expect(page.locator(button)).to_be_disabled()
    await expect(page.locator("#note")).to_have_value("half of a thought")
    await page.keyboard.press("n")
    await shows(page, "post-2")
    await page.keyboard.press("s")
    await expect(page.locator("#notice")).to_have_text("The label stands.")
    await expect(page.get_by_test_id("nothing")).to_contain_text("all but the ones that you left: 1 label waits")
    await page.get_by_role("link", name="Begin again").click()
    await shows(page, "post-0")


@pytest.mark.browser
async def test_what_fails_in_passing_leaves_the_form_as_it_is(
    page: Page, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, ml: httpx.AsyncClient
) -> None:
    made = (await decided_case(platform, reviewer, "post-1"))["decision_id"]
    await hand_in(ml, (made, 0.1, "spam"))
    await page.goto("/qa/suspects")
    await shows(page, "post-1")
    await page.route("**/resolve", lambda route: route.abort())
    await page.select_option("#policy-area", "spam")
    await page.keyboard.press("Shift+Digit2")
    await page.fill("#note", "why")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#problem")).to_contain_text("The service cannot be reached")
    await expect(page.locator("#note")).to_have_value("why")
    await page.unroute_all()
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_text("No label waits for you.")).to_be_visible()
    assert (await exported(ml))[made]["severity"] == 2


@pytest.mark.browser
async def test_the_page_is_no_wider_than_its_window_whatever_is_written(
    page: Page, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, ml: httpx.AsyncClient
) -> None:
    texts = {
        "en": "W" * 1_200,
        "ar": "نص من اليمين إلى اليسار with words\n" * 5,
        "und": ("😀👩\u200d👧🔥" * 9 + "\n") * 10,
    }
    for place, (language, text) in enumerate(texts.items()):
        made = await decided_case(
            platform, reviewer, f"post-{place}", text=text, language=language, author={"id": "A" * 190}
        )
        await hand_in(ml, (made["decision_id"], 0.1 + place / 10, "violence_incitement"))
    for width in (360, 1366):
        await page.set_viewport_size({"width": width, "height": 768})
        await page.goto("/qa/suspects")
        for language in texts:
            await expect(page.get_by_test_id("content")).to_have_attribute("lang", language)
            await expect(page.locator("#decide")).to_be_enabled()
            wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert await page.evaluate(wider) == 0, (width, language)
            await page.keyboard.press("l")
        await expect(page.get_by_test_id("nothing")).to_be_visible()


@pytest.mark.parametrize("hostile", HOSTILE)
async def test_hostile_content_stays_text_and_its_language_is_marked(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    ml: httpx.AsyncClient,
    hostile: str,
) -> None:
    made = await decided_case(platform, reviewer, "post-1", text=hostile, language="ar", author={"id": hostile[:200]})
    await hand_in(ml, (made["decision_id"], 0.1, "spam"))
    shown = await colleague.get("/qa/suspects")
    assert HEAD in shown.text
    assert_is_safe_page(shown)
    assert "<script>alert" not in shown.text
    assert "<img src=x" not in shown.text
    assert re.search(r'data-testid="content" dir="auto" lang="ar"', shown.text)


async def test_the_page_shows_both_sides_blurred_pictures_and_no_person(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    ml: httpx.AsyncClient,
    database: str,
) -> None:
    uploaded = await platform.post("/v1/media", files={"file": ("picture.png", png(), "image/png")})
    made = await decided_case(platform, reviewer, "post-1", text="a house")
    query(
        database,
        "INSERT INTO evidence_media (evidence_id, media_id, position) SELECT evidence_id, %s, 0 FROM decisions",
        uploaded.json()["media_id"],
    )
    await hand_in(ml, (made["decision_id"], 0.35, "spam"))
    shown = (await colleague.get("/qa/suspects")).text
    assert 'href="/policies/harassment"' in shown
    assert 'href="/policies/spam"' in shown
    assert "The model doubts this label." in shown
    assert 'aria-label="Doubt: 0.65 of 1"' in shown
    assert re.search(r'<img class="preview" src="/v1/media/[^"]+/preview\?level=\d"', shown)
    for username, one in query(database, "SELECT username, id::text FROM principals"):
        assert one not in shown
        # Whoever is signed in is named to themselves.
        assert username not in shown or username == "test-specialist"


async def test_a_label_that_says_nothing_was_broken_and_one_that_is_benign_are_told_apart(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, ml: httpx.AsyncClient
) -> None:
    first = await decided_case(platform, reviewer, "post-1", **{**OTHER, "actions": ["no_violation"]})
    second = await decided_case(platform, reviewer, "post-2", **ALLOWED)
    await hand_in(ml, (first["decision_id"], 0.1, "spam"), (second["decision_id"], 0.9, "spam"))
    shown = (await colleague.get("/qa/suspects")).text
    assert re.search(r'data-testid="label">[^<]+: not violated<', shown)
    after = (await colleague.get(f"/qa/suspects?after={first['decision_id']}")).text
    assert re.search(r'data-testid="label">(?!.*severity)[^<:]+<', after)
    assert "The model slightly doubts this label." in after


async def test_an_area_that_left_the_taxonomy_is_named_without_a_link(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    ml: httpx.AsyncClient,
    database: str,
) -> None:
    made = await decided_case(platform, reviewer, "post-1")
    await hand_in(ml, (made["decision_id"], 0.1, "benign"))
    rewrite(database, "UPDATE decisions SET policy_area = 'old_area'")
    shown = (await colleague.get("/qa/suspects")).text
    assert "Old area, severity 2" in shown
    assert "/policies/" not in shown


async def test_nothing_waits_is_said_and_a_strange_address_is_none(colleague: httpx.AsyncClient) -> None:
    assert "No label waits for you." in (await colleague.get("/qa/suspects")).text
    assert (await colleague.get("/qa/suspects?after=x")).status_code == 422
