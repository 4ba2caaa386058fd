"""A lead draws decisions, two people judge them blindly, a third one settles, and the one who decided is told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.conftest import bearer
from tests.journey import browsing, invariants
from tests.journey.browsing import new_page, sign_in
from tests.journey.parts import TRUSTED
from tests.journey.world import World, fresh_database, new_world, settings_for

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

PASSWORD = "a long enough passphrase"
NOTE = "zanzibar"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """The API as people start it, with decisions that stand at once. Nothing here waits for a score."""
    folder = tmp_path_factory.mktemp("quality")
    with fresh_database(server_url, template, "triage_quality") as database:
        settings = settings_for(folder, database).model_copy(update={"undo_seconds": 0})
        async with new_world(database, folder, settings=settings) as made:
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


@asynccontextmanager
async def person(browser: Browser, world: World, name: str, role: str) -> AsyncIterator[Page]:
    """Somebody of their own, signed in, on the pages of quality."""
    await call(world, "POST", "/v1/people", "admin", json={"username": name, "role": role, "password": PASSWORD})
    async with new_page(browser, world.parts[0].address) as (tab, _):
        await sign_in(tab, name, PASSWORD)
        await tab.get_by_role("link", name="Quality").click()
        yield tab


async def decided(world: World) -> str:
    """A report that was decided by somebody with a key; the case."""
    content = {"id": "post-1", "kind": "post", "text": "words of post-1", "language": "en"}
    await call(world, "POST", "/v1/reports", "platform", json={"channel": "user", "reason": "spam", "subject": content})
    held = await call(world, "POST", "/v1/queues/default/claim", "reviewer")
    body = {"lease_token": held["lease"]["token"], "actions": ["remove"], "policy_area": "harassment", "severity": 2}
    await call(world, "POST", f"/v1/cases/{held['case']['id']}/decisions", "reviewer", json={**body, "note": NOTE})
    return str(held["case"]["id"])


async def choose(tab: Page, action: str, area: str | None = None, severity: int | None = None) -> None:
    await tab.locator(f"[name=actions][value={action}]").check()
    if area is not None:
        await tab.select_option("#policy-area", area)
        await tab.keyboard.press("Escape")
        await tab.keyboard.press(f"Shift+Digit{severity}")


async def test_from_plan_to_feedback(browser: Browser, world: World) -> None:
    case_id = await decided(world)
    async with person(browser, world, "maker", "lead") as lead:
        await see_card(lead, "Not enough checks: 0 of 30")
        await lead.goto("/qa")
        await draw_plan(lead)
        async with person(browser, world, "ann", "reviewer") as ann, person(browser, world, "ben", "reviewer") as ben:
            await judge_blindly(ann, ben, case_id)
        async with person(browser, world, "judge", "specialist") as judge:
            await settle(judge)
        await lead.reload()
        await lead.get_by_role("link", name="Week 48").click()
        await expect(lead.get_by_text("1 of 1")).to_be_visible()
        await expect(lead.get_by_test_id("accuracy")).to_have_text("Not enough checks: 1 of 30.")
        await expect(lead.get_by_test_id("errors")).to_have_text("1 × enforced, but nothing was violated")
        await see_card(lead, "Not enough checks: 1 of 30")
    with invariants.reading(world.database) as cursor:
        settled = "SELECT k.by, k.error, i.chance FROM qa_settlements k JOIN qa_items i ON i.id = k.item_id"
        assert [tuple(row.values()) for row in cursor.execute(settled).fetchall()] == [
            ("adjudication", "false_positive", 1.0)
        ]
    [told] = (await call(world, "GET", "/v1/qa/feedback", "reviewer"))["feedback"]
    assert (told["error"], told["note"]) == ("false_positive", "a quote")
    objection = {"objection": "it is an advertisement"}
    await call(world, "POST", f"/v1/qa/feedback/{told['id']}/dispute", "reviewer", json=objection)
    async with person(browser, world, "arbiter", "specialist") as arbiter:
        await uphold(arbiter)
    [told] = [
        one for one in (await call(world, "GET", "/v1/qa/feedback", "reviewer"))["feedback"] if one["objection"] is None
    ]
    assert told["holds"] == {"policy_area": "spam", "severity": 3, "actions": ["age_restrict"]}


async def see_card(lead: Page, accuracy: str) -> None:
    """The scorecard of everybody, for whom no vendor is set."""
    await lead.goto("/scorecards")
    await expect(lead.locator('[data-figure="accuracy"]').first).to_contain_text(accuracy)


async def draw_plan(lead: Page) -> None:
    await lead.wait_for_url("**/qa")
    await expect(lead.get_by_text("There is no plan yet")).to_be_visible()
    for field, text in {"name": "Week 48", "owner": "quality", "reason": "the weekly sample", "reviews": "2"}.items():
        await lead.fill(f"#{field}", text)
    await lead.get_by_role("button", name="Preview").click()
    await expect(lead.locator("#preview-words")).to_have_text("1 of 1 decisions; 0 golden items to mix in.")
    await lead.get_by_role("button", name="Draw").click()
    await expect(lead.locator("#notice")).to_have_text("1 of 1 decisions are drawn.")
    await expect(lead.get_by_test_id("plans").get_by_role("link", name="Week 48")).to_be_visible()


async def judge_blindly(ann: Page, ben: Page, case_id: str) -> None:
    for tab in (ann, ben):
        await tab.wait_for_url("**/qa/review")
        await tab.keyboard.press("n")
        await expect(tab.get_by_test_id("content")).to_have_text("words of post-1")
        assert NOTE not in await tab.content()
    # Neither the desk nor the page of the case says what was decided.
    await ben.goto(f"/cases/{case_id}")
    await expect(ben.get_by_test_id("content")).to_have_text("words of post-1")
    assert NOTE not in await ben.content()
    await ben.goto("/qa/review")
    await choose(ann, "no_violation")
    await ann.keyboard.press("Control+Enter")
    await expect(ann.locator("#notice")).to_have_text("Recorded. There is nothing for you to check right now.")
    await choose(ben, "remove", "harassment", 3)
    await ben.keyboard.press("Control+Enter")
    await expect(ben.locator("#notice")).to_have_text("Recorded. There is nothing for you to check right now.")


async def settle(judge: Page) -> None:
    await judge.get_by_role("link", name="Disputed").click()
    await judge.get_by_role("link", name="words of post-1").click()
    answers = judge.get_by_test_id("answers").locator("tbody tr")
    await expect(answers).to_have_count(3)
    await choose(judge, "no_violation")
    await judge.fill("#note", "a quote")
    await judge.get_by_role("button", name="Settle").click()
    await expect(judge.locator("#notice")).to_have_text("Settled. Those who said otherwise are told.")
    await expect(judge.get_by_text("Nothing waits for you")).to_be_visible()


async def uphold(arbiter: Page) -> None:
    """With an answer that is neither what was said nor what was settled."""
    await arbiter.get_by_role("link", name="Objections").click()
    await arbiter.get_by_role("link", name="it is an advertisement").click()
    await choose(arbiter, "age_restrict", "spam", 3)
    await arbiter.keyboard.press("Control+Enter")
    await expect(arbiter.locator("#problem")).to_have_text("Write a reply: it goes to whoever objected.")
    await expect(arbiter.locator("#reply")).to_be_focused()
    await arbiter.keyboard.type("so it is")
    await arbiter.get_by_role("button", name="Uphold").click()
    await expect(arbiter.locator("#notice")).to_have_text("The objection is answered.")
    await expect(arbiter.get_by_text("Nothing waits for you")).to_be_visible()
