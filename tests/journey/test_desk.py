"""What reviewers do with a case besides deciding it, and what leads do with those that nobody will get to, in a browser."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.conftest import bearer
from tests.journey import browsing, invariants
from tests.journey.browsing import Log, new_page, sign_in
from tests.journey.parts import TRUSTED, until
from tests.journey.world import World, by_rank_alone, fresh_database, new_world, settings_for

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

PASSWORD = "a long enough passphrase"
SPAM = "Cheap followers for every account, delivered tonight, only at the stall behind the old station."
DESK = {"width": 1366, "height": 768}
_numbers = itertools.count(1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """The commands that people start, with the shipped bundle."""
    folder = tmp_path_factory.mktemp("desk")
    with fresh_database(server_url, template, "triage_desk") as database:
        changed = {"undo_seconds": 90, "lease_seconds": 600, "ranking": by_rank_alone(folder)}
        settings = settings_for(folder, database).model_copy(update=changed)
        async with new_world(database, folder, settings=settings) as made:
            await made.command("serve").start()
            await made.command("work").start()
            yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with browsing.chromium() as running:
        yield running


@asynccontextmanager
async def person(browser: Browser, world: World, role: str = "reviewer") -> AsyncIterator[tuple[Page, str, Log]]:
    """Somebody at the console, with their user name."""
    name = f"desk-{next(_numbers)}"
    await call(world, "POST", "/v1/people", "admin", json={"username": name, "role": role, "password": PASSWORD})
    async with new_page(browser, world.parts[0].address, viewport=DESK) as (page, log):  # type: ignore[arg-type]
        await sign_in(page, name, PASSWORD)
        yield page, name, log


async def call(world: World, method: str, path: str, role: str, **options: Any) -> Any:
    """A call of the API that succeeds."""
    headers = bearer(world.keys[role]) | options.pop("headers", {})
    async with httpx.AsyncClient(trust_env=False, timeout=60, verify=TRUSTED) as client:
        answer = await client.request(method, world.parts[0].address + path, headers=headers, **options)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


async def take_in(world: World, *texts: str) -> list[str]:
    """Empty the queue, then report these texts and wait until they are scored and compared; returns their cases."""
    change(
        world,
        "UPDATE cases SET status = 'shed', shed_at = now(), shed_under = 'gone', held_for = NULL, held_as = NULL,"
        " held_until = NULL, held_reason = NULL, lease_token = NULL, lease_holder = NULL, lease_expires_at = NULL"
        " WHERE status <> 'decided'",
    )
    change(world, "UPDATE leases SET ended_at = now(), outcome = 'released' WHERE ended_at IS NULL")
    cases = []
    for text in texts:
        number = next(_numbers)
        subject = {
            "id": f"post-{number}",
            "kind": "post",
            "text": text,
            "language": "en",
            "views_per_hour": 1000 - number,
        }
        body = {"channel": "user", "reason": "spam", "reporter": {"id": "r1"}, "subject": subject}
        cases.append(str((await call(world, "POST", "/v1/reports", "platform", json=body))["case_id"]))
    await until(lambda: is_read(world), f"everything is scored and compared\n{world.parts[1].log()}")
    return cases


def is_read(world: World) -> bool:
    """Whether every text has its score and its fingerprint. Messages may wait: their undo windows are long."""
    left = "SELECT (SELECT count(*) FROM evidence WHERE score_state = 'waiting') AS scores,"
    [row] = read(world, f"{left} (SELECT count(*) FROM text_prints WHERE made_at IS NULL) AS prints")
    return row == {"scores": 0, "prints": 0}


def read(world: World, query: str, *values: Any) -> list[dict[str, Any]]:
    with invariants.reading(world.database) as cursor:
        return cursor.execute(query.encode(), values).fetchall()


def change(world: World, statement: str, *values: Any) -> None:
    with invariants.reading(world.database) as cursor:
        cursor.execute(statement.encode(), values)


def end_undo_window(world: World, case_id: str) -> None:
    """Let the decision of a case stand, as a long wait would."""
    with invariants.reading(world.database) as cursor:
        # Decisions are only ever appended; time itself passes all the same.
        cursor.execute("SET session_replication_role = 'replica'")
        cursor.execute("UPDATE decisions SET undo_until = now() WHERE case_id = %s", (case_id,))


async def begin(tab: Page) -> str:
    """Claim what comes next by its key; returns the case."""
    await tab.keyboard.press("n")
    await tab.wait_for_url("**/cases/*")
    await expect(tab.locator("#lease")).to_be_visible()
    return tab.url.rpartition("/")[2]


async def fill_in(tab: Page) -> None:
    """Remove, spam, severity 1, by keyboard."""
    await tab.keyboard.press("Digit2")
    await tab.keyboard.press("a")
    await tab.keyboard.type("spam")
    await tab.keyboard.press("Escape")
    await tab.keyboard.press("Shift+Digit1")
    await expect(tab.locator("#policy-area")).to_have_value("spam")
    await expect(tab.locator("[name=severity][value='1']")).to_be_checked()


async def test_a_case_is_held_by_keyboard_and_taken_up_again_with_its_draft(browser: Browser, world: World) -> None:
    await take_in(world, "What a fine day for a walk along the river it was.")
    async with person(browser, world) as (tab, _, _):
        case_id = await begin(tab)
        await tab.keyboard.press("Shift+Digit2")
        await tab.keyboard.press("h")
        await expect(tab.locator("#hold-reason")).to_be_focused()
        await tab.keyboard.press("Enter")
        await expect(tab.locator("#hold-reason-problem")).to_have_text("Say in a few words what you are waiting for.")
        await tab.keyboard.type("a translation")
        await tab.keyboard.press("Enter")
        await tab.wait_for_url("**/console")
        await expect(tab.locator("#notice")).to_contain_text("kept back for you until")
        await tab.get_by_test_id("waiting").get_by_role("link").click()
        held = tab.get_by_test_id("holds")
        await expect(held).to_contain_text("a translation")
        await held.get_by_role("link").click()
        await expect(tab.get_by_test_id("kept-back")).to_contain_text("a translation")
        await tab.keyboard.press("c")
        await expect(tab.locator("#lease")).to_be_visible()
        assert tab.url.endswith(case_id)
        await expect(tab.locator("[name=severity][value='2']")).to_be_checked()
        await expect(tab.get_by_test_id("note")).to_contain_text("a translation")


async def test_a_case_is_handed_over_and_the_colleague_reads_the_note(browser: Browser, world: World) -> None:
    await take_in(world, "The market opens at nine and closes when the rain comes.")
    async with person(browser, world) as (other, name, _), person(browser, world) as (tab, own, log):
        case_id = await begin(tab)
        await tab.keyboard.press("o")
        await tab.fill("#hand-over-to", "nobody-at-all")
        await tab.fill("#hand-over-note", "you know <b>markets</b>")
        await tab.get_by_role("button", name="Hand it over").click()
        await expect(tab.locator("#hand-over-to-problem")).to_contain_text("no open account named 'nobody-at-all'")
        await expect(tab.locator("#hand-over-to")).to_be_focused()
        # The refusal is part of what this test is about.
        log.complaints[:] = [one for one in log.complaints if "422" not in one]
        await tab.fill("#hand-over-to", name)
        await tab.keyboard.press("Enter")
        await tab.wait_for_url("**/console")
        await expect(tab.locator("#notice")).to_contain_text(f"handed over to {name}")
        await expect(tab.get_by_test_id("waiting")).to_have_count(0)
        await other.goto("/work")
        held = other.get_by_test_id("holds")
        await expect(held.locator(".said")).to_have_text("you know <b>markets</b>")
        await expect(held).not_to_contain_text(own)
        await held.get_by_role("button").click()
        await other.wait_for_url(f"**/cases/{case_id}")
        await expect(other.get_by_test_id("note")).to_contain_text("you know <b>markets</b>")


async def test_who_is_upset_says_so_in_two_keys_and_nothing_keeps_it(browser: Browser, world: World) -> None:
    [first, second] = await take_in(world, "A quiet evening with tea.", "A loud evening with drums.")
    async with person(browser, world) as (tab, _, _):
        case_id = await begin(tab)
        await tab.keyboard.press("x")
        await expect(tab.locator("#skip-dialog")).to_contain_text("recorded nowhere")
        await tab.keyboard.press("Enter")
        # Nobody who was just upset is handed the next case unasked.
        await tab.wait_for_url("**/console")
        await expect(tab.locator("#notice")).to_contain_text("Take the time you need")
        assert read(world, "SELECT * FROM skip_reasons") == []
        assert "upset" not in str(read(world, "SELECT kind, data FROM events WHERE case_id = %s", case_id))
        assert await begin(tab) == ({first, second} - {case_id}).pop()


async def test_a_second_opinion_is_asked_for_and_given_blind(browser: Browser, world: World) -> None:
    await take_in(world, "Win a holiday: send your number to the address below.")
    async with person(browser, world) as (tab, _, _), person(browser, world) as (other, _, _):
        case_id = await begin(tab)
        await tab.keyboard.press("q")
        await expect(tab.locator("#actions-problem")).to_have_text("Choose at least one action.")
        await fill_in(tab)
        await tab.fill("#note", "looks like the usual scheme")
        await tab.keyboard.press("Escape")
        await tab.keyboard.press("q")
        await expect(tab.locator("#opinion-words")).to_contain_text("Remove, Spam")
        await tab.keyboard.type("Is this a known seller?")
        await tab.get_by_role("button", name="Ask", exact=True).click()
        await tab.wait_for_url("**/console")
        await tab.goto("/work")
        await expect(tab.get_by_test_id("asked")).to_contain_text("nobody has answered yet")
        assert await begin(other) == case_id
        await expect(other.get_by_test_id("question")).to_contain_text("Is this a known seller?")
        assert "usual scheme" not in await other.content()
        await expect(other.locator("[name=actions]:checked")).to_have_count(0)
        await other.keyboard.press("1")
        await other.keyboard.press("Control+Enter")
        await other.wait_for_url("**/console")
        await tab.reload()
        await expect(tab.get_by_test_id("asked")).to_contain_text("shown once it can no longer be undone")
        await expect(tab.get_by_test_id("asked")).not_to_contain_text("The other person decided")
        end_undo_window(world, case_id)
        await tab.reload()
        await expect(tab.get_by_test_id("asked")).to_contain_text("The other person decided No violation")
        await expect(tab.get_by_test_id("asked")).to_contain_text("another view")


async def test_all_similar_cases_are_previewed_decided_and_taken_back(browser: Browser, world: World) -> None:
    cases = await take_in(world, *[f"{SPAM} https://shop.example/{number}" for number in range(6)])
    these = f"id::text IN ({','.join(['%s'] * 6)})"
    decided = f"SELECT count(*) AS n FROM cases WHERE status = 'decided' AND {these}"
    ahead = f"SELECT count(*) AS n FROM leases WHERE ended_at IS NULL AND prefetched AND case_{these}"
    async with person(browser, world, "lead") as (tab, _, _):
        case_id = await begin(tab)
        await expect(tab.locator("#similar-title")).to_have_text("1 of 6 similar")
        await fill_in(tab)
        # One of the others is in this very person's hands: fetched ahead.
        await until(lambda: read(world, ahead, *cases) == [{"n": 1}], "the next case is fetched")
        await tab.keyboard.press("d")
        await expect(tab.locator("#cluster-count")).to_have_text("4 other cases would be decided with this one.")
        await expect(tab.locator("#cluster-reasons")).to_have_text("1 in somebody's hands")
        await expect(tab.locator("#cluster-cases li")).to_have_count(4)
        assert read(world, decided, *cases) == [{"n": 0}]
        await tab.get_by_role("button", name="Decide 5 cases").click()
        await tab.wait_for_url(lambda url: case_id not in url)
        assert read(world, decided, *cases) == [{"n": 5}]
        await expect(tab.locator("#toast")).to_contain_text("Recorded for 5 cases: Remove")
        await expect(tab.locator("#lease")).to_be_visible()
        await expect(tab.locator("#similar")).to_contain_text("5 decided")
        await tab.keyboard.press("u")
        await tab.wait_for_url(f"**/cases/{case_id}")
        await expect(tab.locator("#notice")).to_have_text("5 cases are open again.")
        await expect(tab.locator("[name=actions][value=remove]")).to_be_checked()
        assert read(world, decided, *cases) == [{"n": 0}]


async def test_a_lead_takes_back_what_was_given_up(browser: Browser, world: World) -> None:
    [case_id] = await take_in(world, "The same song again and again all night.")
    shed = "UPDATE cases SET status = 'shed', shed_at = now(), shed_under = 'r<1>' WHERE id = %s"
    change(world, shed, case_id)
    async with person(browser, world, "lead") as (tab, _, _):
        await tab.get_by_role("link", name="Floor").click()
        row = tab.get_by_test_id("shed").locator("tr", has_text="r<1>")
        await row.get_by_role("button").click()
        await expect(tab.locator("#notice")).to_have_text("1 case waits again.")
        await expect(row).to_have_count(0)
        assert read(world, "SELECT status FROM cases WHERE id = %s", case_id) == [{"status": "open"}]
        change(world, shed, case_id)
        await tab.reload()
        await tab.get_by_role("button", name="Take all of").click()
        await tab.get_by_role("button", name="Take them back").click()
        await expect(tab.get_by_test_id("shed")).to_contain_text("Nothing is given up.")


async def test_the_next_case_is_fetched_ahead_and_opened(browser: Browser, world: World) -> None:
    cases = await take_in(world, "Bread and salt.", "Milk and honey.", "Oil and water.")
    unopened = "SELECT case_id::text FROM leases WHERE ended_at IS NULL AND prefetched"
    async with person(browser, world) as (tab, _, log):
        first = await begin(tab)
        await until(lambda: len(read(world, unopened)) == 1, "the next case is fetched")
        [ahead] = read(world, unopened)
        await tab.keyboard.press("1")
        before = len(log.requests)
        await tab.keyboard.press("Control+Enter")
        await tab.wait_for_url(f"**/cases/{ahead['case_id']}")
        await expect(tab.locator("#lease")).to_be_visible()
        # Straight there: its page came before the decision, and none is loaded after it.
        paths = [one.url.rpartition("127.0.0.1")[2].partition("/")[2] for one in log.requests]
        decided = paths.index(f"v1/cases/{first}/decisions")
        assert paths.index(f"cases/{ahead['case_id']}") < decided
        assert not [one.url for one in log.requests[before:] if one.resource_type == "document"]
        [last] = set(cases) - {first, ahead["case_id"]}
        await until(lambda: read(world, unopened) == [{"case_id": last}], "it is opened, and the one after it fetched")
        await tab.goto("/console")
        await expect(tab.locator(".held")).to_have_count(1)
