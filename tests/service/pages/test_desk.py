"""What stands beside a case: reports in groups, the policy, the author; few bytes; and a run of cases by keyboard alone."""

import asyncio
import re
from datetime import UTC, datetime

import httpx
import pytest
from playwright.async_api import Page, Request, Route, expect

from service.pages.desk import sureness
from service.pages.static import FOLDER
from tests.service.pages.test_case import ESCAPED, HARMLESS, of, shown
from tests.service.pages.test_scripts import press_to_a_case
from tests.service.steps import Body, claim, decided, query, report, value

MOST_BYTES = 200_000
RUN = 10

_MANY = """
    INSERT INTO reports (id, case_id, evidence_id, channel, reason, note, reporter_id, received_from, case_status, received_at)
    SELECT gen_random_uuid(), r.case_id, r.evidence_id, CASE WHEN mod(n, 3) = 0 THEN 'press' ELSE 'user' END, r.reason,
           CASE WHEN mod(n, 2) = 0 THEN 'the same words' ELSE 'number ' || n END, 'many-' || n, r.received_from, 'open',
           r.received_at - n * interval '1 minute'
    FROM reports r, generate_series(1, 299) AS n RETURNING id
"""


async def test_three_hundred_reports_are_a_few_lines(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    await report(platform)
    query(database, _MANY)
    query(database, "UPDATE cases SET report_count = 300 RETURNING id")
    page = await shown(reviewer, of(await claim(reviewer)))
    [section] = re.findall(r'<section class="card" id="reports".*?</section>', page, re.DOTALL)
    assert "300 reports" in section
    assert "Notes are of the newest 100." in section
    assert re.findall(r"× (\d+)", section) == ["201", "99"]
    assert section.count('<article class="report">') == 2
    # Of the newest hundred, those that say the same in the same words are one line.
    assert "times, word for word" in section
    assert section.count("the same words") == 2
    assert len(page.encode()) < MOST_BYTES


async def test_notes_reports_and_the_author_stay_text(platform: httpx.AsyncClient, reviewer: httpx.AsyncClient) -> None:
    await report(platform, "first", author={"id": HARMLESS})
    await decided(reviewer, await claim(reviewer), policy_area="spam", severity=1)
    await report(platform, "second", author={"id": HARMLESS})
    own = await claim(reviewer)
    assert (await reviewer.post(f"/v1/cases/{of(own)}/notes", json={"body": HARMLESS})).status_code == 201
    page = await shown(reviewer, of(own))
    [author] = re.findall(r'<section class="card" id="author".*?</section>', page, re.DOTALL)
    assert "1 strike of" in author
    assert "1 of 1 other cases decided" in author
    assert "Post: Spam and cybersecurity, severity 1" in author
    assert page.count(ESCAPED) == 2


async def test_the_policy_of_any_area_stands_beside_a_case_for_who_may_see_it(
    reviewer: httpx.AsyncClient, platform: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    written = """
        INSERT INTO policy_versions (id, area, number, title, body, examples, digest, acknowledge, owner, reason,
                                     published_at, effective_at)
        VALUES (gen_random_uuid(), 'spam', 3, 'Spam', %s, '[]', 'first', false, 'Policy', 'test', now(), now()) RETURNING id
    """
    query(database, written, f"## Definition\n\nUnwanted bulk. {HARMLESS}")
    answer = await reviewer.get(f"/cases/{of(claimed)}/policy/spam")
    assert answer.status_code == 200
    assert "Version 3" in answer.text
    assert ESCAPED in answer.text
    assert "No policy is in force" in (await reviewer.get(f"/cases/{of(claimed)}/policy/harassment")).text
    gone = "018f0000-0000-7000-8000-000000000000"
    assert (await reviewer.get(f"/cases/{gone}/policy/spam")).status_code == 404
    assert (await platform.get(f"/cases/{of(claimed)}/policy/spam")).status_code == 403


def test_probabilities_have_words() -> None:
    said = [sureness(chance) for chance in (1.0, 0.95, 0.9, 0.7, 0.5, 0.3, 0.1, 0.0)]
    assert said[0] == said[1] == "almost certain"
    assert said[4] == "as likely as not"
    assert len(set(said)) == 7


@pytest.mark.browser
async def test_what_was_asked_for_one_case_never_shows_beside_the_next(
    page: Page, platform: httpx.AsyncClient, database: str
) -> None:
    for number in range(3):
        await report(platform, f"post-{number}", author={"id": "a1"})
    first = await press_to_a_case(page, "n")
    # A link to a part of the page loads nothing; words that were not added stop the decision.
    loaded: list[str] = []
    page.on("request", lambda one: loaded.append(one.url) if one.resource_type == "document" else None)
    await page.click("a[href='#author']")
    await page.keyboard.press("n")
    await page.keyboard.type("half a note")
    await page.keyboard.press("Escape")
    await page.keyboard.press("1")
    await expect(page.locator("#severity-words")).to_have_text("Nuisance or none.")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#case-note-problem")).to_contain_text("not kept yet")
    await expect(page.locator("#lease")).to_have_attribute("data-case", first)
    assert query(database, "SELECT 1 FROM decisions") == []
    await page.fill("#case-note", "")
    # The answer of the server about one case comes when the next one is there.
    late = asyncio.Event()

    async def hold_back(route: Route) -> None:
        await late.wait()
        await route.fulfill(json={"actions": [], "recommended": {"because": "because of the last case"}})

    await page.route(f"**/v1/cases/{first}/actions?*", hold_back)
    async with page.expect_request(f"**/v1/cases/{first}/actions?*"):
        await page.keyboard.press("Escape")
        await page.keyboard.press("Shift+Digit1")
    await press_to_a_case(page, "Control+Enter", leaving=first)
    async with page.expect_response(f"**/v1/cases/{first}/actions?*"):
        late.set()
    await expect(page.locator("#toast")).to_contain_text("Recorded:")
    assert "last case" not in await page.locator("#actions-because").inner_text()
    assert loaded == []


@pytest.mark.browser
async def test_a_run_of_cases_is_decided_by_keyboard_in_one_page(
    page: Page, platform: httpx.AsyncClient, database: str
) -> None:
    loaded: list[str] = []
    fetched = 0
    complaints: list[str] = []

    def count(request: Request) -> None:
        nonlocal fetched
        if request.resource_type == "document":
            loaded.append(request.url)
        elif request.resource_type in {"script", "stylesheet"}:
            fetched += (FOLDER / request.url.rpartition("/")[2]).stat().st_size

    page.on("request", count)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    for number in range(RUN + 1):
        await report(platform, f"post-{number}")
    last = await press_to_a_case(page, "n")
    seen, start = [last], len(loaded)
    for number in range(RUN):
        if number == 1:
            await page.keyboard.press("n")
            await page.keyboard.type("for colleagues")
            await page.keyboard.press("Control+Enter")
            await expect(page.locator("#noted")).to_contain_text("for colleagues")
            await page.keyboard.press("Escape")
        await page.keyboard.press("a")
        await page.keyboard.type("Spam")
        await page.keyboard.press("Escape")
        await page.keyboard.press("Shift+Digit1")
        if number % 2:
            # What is recommended for that area and severity, once the server has said it.
            await expect(page.locator("#follow-names")).to_contain_text("Limit reach")
            await page.keyboard.press("f")
        else:
            await page.keyboard.press("2")
        if number == 0:
            await page.keyboard.press("t")
            await page.keyboard.type(f"decided at {datetime.now(UTC):%H}")
            await page.keyboard.press("Escape")
        await expect(page.locator("#lease")).to_have_attribute("data-case", last)
        last = await press_to_a_case(page, "Control+Enter", leaving=last)
        seen.append(last)
        await expect(page.locator("#note")).to_have_value("")
        await expect(page.locator("#toast")).to_contain_text("Recorded:")
    assert len(set(seen)) == RUN + 1
    assert (
        value(database, "SELECT count(DISTINCT case_id) FROM decisions WHERE policy_area = 'spam' AND severity = 1")
        == RUN
    )
    assert query(database, "SELECT body FROM case_notes") == [("for colleagues",)]
    assert not complaints
    assert loaded[start:] == []
    assert fetched < MOST_BYTES
