"""One case through the whole product: report, order, blur, reveal, decision, webhook, in a real browser by keyboard."""

import itertools
import math
import re
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from models.rank import EPOCH
from service.samples.draw import draw_picture
from tests.conftest import bearer
from tests.journey import browsing, invariants
from tests.journey.browsing import Log, new_page, sign_in
from tests.journey.parts import TRUSTED, Part, until
from tests.journey.world import World, by_rank_alone, fresh_database, new_world, settings_for

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

PASSWORD = "a long enough passphrase"
THREAT = "I know where you live. Tonight I am coming to kill you and your whole family."
# Subject, text, reason, views an hour: each view count is its own, so that rows of the console can be told apart.
POSTS = (
    ("calm", "The sunset at the beach was lovely today, we had ice cream.", "spam", 41),
    ("threat", THREAT, "violence_incitement", 912_345),
    ("insult", "You are a stupid worthless pig and everybody hates you, just leave.", "harassment", 5_678),
    ("scam", "Send me 200 dollars in gift cards and I double them in an hour, guaranteed!!!", "fraud_scams", 2_345),
    ("rude", "What an idiot this referee is.", "harassment", 312),
)
_numbers = itertools.count(1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """The commands that people start, with the shipped bundle, and reports that came by HTTP."""
    folder = tmp_path_factory.mktemp("journey")
    with fresh_database(server_url, template, "triage_journey") as database:
        # Long enough for a slow machine, short enough to be read on the page.
        changed = {"undo_seconds": 90, "lease_seconds": 600, "ranking": by_rank_alone(folder)}
        settings = settings_for(folder, database).model_copy(update=changed)
        async with new_world(database, folder, settings=settings) as made:
            await made.command("serve").start()
            await made.command("work").start()
            await take_in(made)
            yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with browsing.chromium() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, world: World) -> AsyncIterator[tuple[Page, Log]]:
    """A console with a reviewer of its own signed in; other reviewers' leases have lapsed."""
    invariants.end_leases(world.database)
    async with new_page(browser, api(world).address) as (opened, log):
        await sign_in(opened, await new_reviewer(world), PASSWORD)
        yield opened, log


def api(world: World) -> Part:
    return world.parts[0]


async def call(world: World, method: str, path: str, role: str, **options: Any) -> Any:
    """A call of the API that succeeds."""
    headers = bearer(world.keys[role]) | options.pop("headers", {})
    async with httpx.AsyncClient(trust_env=False, timeout=60, verify=TRUSTED) as client:
        answer = await client.request(method, api(world).address + path, headers=headers, **options)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


async def new_reviewer(world: World) -> str:
    """Add a reviewer with a password; returns the user name."""
    person = {"username": f"journey-{next(_numbers)}", "role": "reviewer", "password": PASSWORD}
    made = await call(world, "POST", "/v1/people", "admin", json=person)
    return str(made["username"])


async def take_in(world: World) -> None:
    """Send the reports, one with a picture, and wait for their scores."""
    picture = {"file": ("picture.png", draw_picture("scuffle.png"), "image/png")}
    uploaded = await call(world, "POST", "/v1/media", "platform", files=picture)
    for subject, text, reason, views in POSTS:
        content = {"id": subject, "kind": "post", "text": text, "language": "en", "views_per_hour": views}
        if subject == "threat":
            content["media"] = [uploaded["media_id"]]
        body = {"channel": "user", "reason": reason, "reporter": {"id": "r1"}, "subject": content}
        await call(world, "POST", "/v1/reports", "platform", json=body, headers={"Idempotency-Key": subject})
    await until(lambda: invariants.is_quiet(world.database), f"everything is scored\n{world.parts[1].log()}")


def rows(world: World, query: str, *values: Any) -> list[dict[str, Any]]:
    with invariants.reading(world.database) as cursor:
        return cursor.execute(query.encode(), values).fetchall()


def case_on(page: Page) -> str:
    """The id of the case that is open."""
    return page.url.rpartition("/")[2]


async def test_the_riskiest_case_from_report_to_webhook(page: tuple[Page, Log], world: World) -> None:
    tab, log = page
    await check_order(tab, world)
    await tab.keyboard.press("n")
    await tab.wait_for_url("**/cases/*")
    case_id = case_on(tab)
    (case,) = rows(
        world, "SELECT c.*, s.external_id FROM cases c JOIN subjects s ON s.id = c.subject_id WHERE c.id = %s", case_id
    )
    assert case["external_id"] == "threat"
    await expect(tab.get_by_test_id("content")).to_have_text(THREAT)
    await check_why(tab, case)
    await check_blur_then_reveal(tab, log, world)
    await decide_by_keyboard(tab)
    await tab.wait_for_url(lambda url: "/cases/" in url and case_id not in url)
    await expect(tab.locator("#lease")).to_be_visible()
    await check_webhook(world, case_id)


async def check_order(tab: Page, world: World) -> None:
    """The console lists the cases by rank, and nothing of their content."""
    ordered = rows(
        world,
        "SELECT s.views_per_hour FROM cases c JOIN subjects s ON s.id = c.subject_id WHERE c.status = 'open'"
        " ORDER BY c.rank_value DESC, c.id",
    )
    shown = await tab.get_by_test_id("upcoming").locator("td[data-label='Views an hour']").all_inner_texts()
    assert [int(re.sub(r"\D", "", text)) for text in shown] == [int(row["views_per_hour"]) for row in ordered]
    assert len(shown) == len(POSTS)
    assert shown[0] == "912,345"
    risks = await tab.get_by_test_id("upcoming").locator("tbody .risk data").all()
    values = [float(await risk.get_attribute("value") or "nan") for risk in risks]
    assert values == sorted(values, reverse=True)
    for _, text, _, _ in POSTS:
        assert text not in await tab.content()


async def check_why(tab: Page, case: dict[str, Any]) -> None:
    """The sentences say why, and the numbers of the page alone lead to the stored rank."""
    sentences = await tab.locator("#why li").all_inner_texts()
    assert len(sentences) >= 3
    assert "912,345 views" in " ".join(sentences)
    harms = []
    for row in await tab.get_by_test_id("harm").locator("tbody tr").all():
        numbers = await numbers_in(row)
        if len(numbers) == 3:
            assert numbers[2] == pytest.approx(numbers[0] * numbers[1], rel=1e-6)
        harms.append(numbers[-1])
    *parts, total = harms
    assert total == pytest.approx(math.fsum(parts), rel=1e-6)
    harm, views, minutes, waiting, risk_now = await numbers_in(tab.get_by_test_id("rank"))
    assert harm == total
    assert risk_now == pytest.approx(harm * views / minutes * waiting, rel=1e-6)
    received = datetime.fromisoformat(case["rank"]["received_at"])
    bonus = -(received - EPOCH).total_seconds() / 3600 / case["rank"]["doubling_hours"]
    assert math.log2(harm * views / minutes) + bonus == pytest.approx(case["rank_value"], abs=1e-6)
    shown = await tab.get_by_test_id("rank-value").get_attribute("value")
    assert float(shown or "nan") == pytest.approx(case["rank_value"], abs=1e-6)


async def numbers_in(place: Locator) -> list[float]:
    """The exact numbers behind the rounded ones that are shown."""
    return [float(await one.get_attribute("value") or "nan") for one in await place.locator("data").all()]


async def check_blur_then_reveal(tab: Page, log: Log, world: World) -> None:
    """Only blurred bytes come until the reviewer asks for more, and then there is an exposure row first."""
    (media,) = rows(world, "SELECT id, stored_as FROM media")
    original = (world.settings.data_dir / "media" / media["stored_as"]).read_bytes()
    preview = tab.locator(".preview")
    await expect(preview).to_be_visible()
    assert await preview.evaluate("async image => { await image.decode(); return image.naturalWidth > 0 }")
    before = await log.served_pictures()
    assert before
    assert all("/preview" in url for url, _ in before)
    assert original not in [body for _, body in before]
    assert not log.asked_for("/original")
    assert rows(world, "SELECT id FROM exposures") == []
    await tab.keyboard.press("v")
    await tab.get_by_label("To see who or what is shown").check()
    assert [one for one in log.asked_for("/v1/media/") if "/preview" not in one.url] == [], (
        "asking for the form reveals nothing yet"
    )
    await tab.get_by_role("button", name="Show the original").click()
    revealed = tab.locator(".revealed")
    await expect(revealed).to_be_visible()
    assert await revealed.evaluate("async image => { await image.decode(); return image.naturalWidth }") == 960
    first = log.asked_for("/original")[0]
    (exposure,) = rows(world, "SELECT * FROM exposures")
    assert exposure["reason"] == "who or what is shown"
    assert exposure["media_id"] == media["id"]
    assert exposure["at"].timestamp() * 1000 <= first.timing["startTime"]
    assert original in [body for url, body in await log.served_pictures() if "/original" in url]
    await tab.keyboard.press("Escape")
    await expect(revealed).to_have_count(0)
    await expect(preview).to_be_visible()
    assert len(log.asked_for("/original")) == 1
    await expect(tab.locator("#revealed")).to_contain_text("once")


async def decide_by_keyboard(tab: Page) -> None:
    """Remove, violence, severity 3, a note: no pointer needed."""
    actions = tab.locator("[name=actions]")
    names = [await one.get_attribute("value") for one in await actions.all()]
    await tab.keyboard.press(f"Digit{names.index('remove') + 1}")
    await expect(tab.locator("[name=actions][value=remove]")).to_be_checked()
    await tab.keyboard.press("a")
    await tab.keyboard.type("violence")
    await tab.keyboard.press("Escape")
    await expect(tab.locator("#policy-area")).to_have_value("violence_incitement")
    await tab.keyboard.press("Shift+Digit3")
    await expect(tab.locator("[name=severity][value='3']")).to_be_checked()
    await tab.keyboard.press("t")
    await tab.keyboard.type("names a time and a target")
    await expect(tab.locator("#note")).to_have_value("names a time and a target")
    await tab.keyboard.press("Control+Enter")


async def check_webhook(world: World, case_id: str) -> None:
    """Nothing is sent while the decision can be undone; then one signed message says what was decided."""
    assert world.inbox.deliveries == []
    invariants.end_undo_windows(world.database)
    await until(lambda: bool(world.inbox.deliveries), f"the webhook comes\n{world.parts[1].log()}")
    (delivery,) = world.inbox.deliveries
    (endpoint,) = rows(world, "SELECT secret FROM webhook_endpoints")
    assert delivery.is_signed_with(endpoint["secret"])
    told = delivery.payload
    assert told["type"] == "decision.made"
    assert told["data"] | {"case_id": case_id, "actions": ["remove"], "severity": 3} == told["data"]
    assert told["data"]["policy_area"] == "violence_incitement"
    assert told["data"]["subject"] == {"id": "threat", "kind": "post"}
    reports = rows(world, "SELECT id FROM reports WHERE case_id = %s", case_id)
    assert told["data"]["reports"] == [str(row["id"]) for row in reports]
    # Nothing that leaves the system names a member of the staff.
    assert "journey-" not in delivery.body.decode()
    assert not {str(row["id"]) for row in rows(world, "SELECT id FROM principals")} & set(
        re.findall(r"[0-9a-f-]{36}", delivery.body.decode())
    )


async def test_undo_brings_the_case_back_with_its_form(page: tuple[Page, Log], world: World) -> None:
    tab, _ = page
    sent = len(world.inbox.deliveries)
    await tab.keyboard.press("n")
    await tab.wait_for_url("**/cases/*")
    case_id = case_on(tab)
    await decide_by_keyboard(tab)
    await tab.wait_for_url(lambda url: case_id not in url)
    await expect(tab.locator("#undo")).to_be_visible()
    await tab.keyboard.press("u")
    await tab.wait_for_url(f"**/cases/{case_id}")
    await expect(tab.locator("#lease")).to_be_visible()
    await expect(tab.locator("[name=actions][value=remove]")).to_be_checked()
    await expect(tab.locator("#note")).to_have_value("names a time and a target")
    assert rows(world, "SELECT status FROM cases WHERE id = %s", case_id) == [{"status": "leased"}]
    (undone,) = rows(world, "SELECT d.id FROM decisions d JOIN decision_undos u ON u.decision_id = d.id")
    assert rows(world, "SELECT state FROM outbox WHERE decision_id = %s", undone["id"]) == [{"state": "cancelled"}]
    invariants.end_undo_windows(world.database)
    await until(lambda: invariants.is_quiet(world.database), "the worker has nothing left to do")
    assert len(world.inbox.deliveries) == sent


async def test_draft_is_there_after_a_reload_and_after_a_lapse(page: tuple[Page, Log], world: World) -> None:
    tab, _ = page
    await tab.keyboard.press("n")
    await tab.wait_for_url("**/cases/*")
    await tab.keyboard.press("Shift+Digit2")
    await tab.keyboard.press("t")
    await tab.keyboard.type("is this a song text? اغنية")
    await expect(tab.locator("#draft-state")).to_have_text("Draft kept")
    await tab.reload()
    await expect(tab.locator("#note")).to_have_value("is this a song text? اغنية")
    await expect(tab.locator("[name=severity][value='2']")).to_be_checked()
    invariants.end_leases(world.database)
    await until(lambda: rows(world, "SELECT id FROM cases WHERE status = 'leased'") == [], "the lease lapses")
    await tab.goto("/console")
    await tab.keyboard.press("n")
    await tab.wait_for_url("**/cases/*")
    await expect(tab.locator("#note")).to_have_value("is this a song text? اغنية")


async def test_everything_fits_a_narrow_screen(browser: Browser, world: World) -> None:
    invariants.end_leases(world.database)
    async with new_page(browser, api(world).address, viewport=browsing.NARROW) as (tab, _):
        await tab.goto("/sign-in")
        await check_width(tab)
        await sign_in(tab, await new_reviewer(world), PASSWORD)
        await check_width(tab)
        await tab.locator("#claim").click()
        await tab.wait_for_url("**/cases/*")
        await check_width(tab)
        await tab.get_by_text("The sum, line by line").click()
        await check_width(tab)
        await tab.locator("[name=actions][value=no_violation]").click()
        await tab.locator("#note").fill("x" * 300)
        await check_width(tab)
        await expect(tab.locator("#decide")).to_be_enabled()
        await tab.locator("#release").click()
        await tab.wait_for_url("**/console")


async def check_width(tab: Page) -> None:
    """Nothing sticks out to the right, and what is to be pressed is large enough for a finger."""
    assert await tab.evaluate("document.documentElement.scrollWidth") <= browsing.NARROW["width"]
    for button in await tab.locator("button:visible").all():
        box = await button.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= browsing.NARROW["width"]
        assert box["height"] >= 24
