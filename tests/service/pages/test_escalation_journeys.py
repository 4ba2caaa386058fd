"""Escalations from the first word to the last, as those who work on them go through it in a browser."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from playwright.async_api import Browser, Page, expect

from service.queues.workflow import upcoming
from service.replies.sending.workflow import Deliveries
from service.settings import Settings
from service.sla.watching.workflow import CaseClocks, Watch
from tests.conftest import bearer
from tests.journey.browsing import chromium, new_page, sign_in
from tests.service.pages.conftest import PASSWORD
from tests.service.replies.post import Post, post_office
from tests.service.steps import claim, query, report, value

STATEMENT = "We removed four posts by mistake and have put them back."


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    async with post_office() as one:
        yield one


@pytest.fixture
def settings(settings: Settings, post: Post) -> Settings:
    """Replies go to the mail server of the test, at once."""
    mail = {"reply_sender": "smtp", "smtp_host": "127.0.0.1", "smtp_port": post.port, "smtp_tls": "none"}
    return settings.model_copy(update=mail | {"smtp_from": "trust@platform.example", "reply_undo_seconds": 0})


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as one:
        yield one


async def signed_in(page: Page, client: httpx.AsyncClient, keys: dict[str, str], name: str, role: str) -> None:
    person = {"username": name, "role": role, "password": PASSWORD}
    assert (await client.post("/v1/people", json=person, headers=bearer(keys["admin"]))).status_code == 201
    await sign_in(page, name, PASSWORD)


async def pressed(page: Page, button: str) -> None:
    """Press what sends something, and wait for the page that follows."""
    async with page.expect_navigation():
        await page.click(button)


@pytest.mark.browser
async def test_a_press_query_is_worked_to_a_sent_reply_and_a_brief(
    app: FastAPI,
    address: str,
    browser: Browser,
    client: httpx.AsyncClient,
    keys: dict[str, str],
    post: Post,
    settings: Settings,
    tmp_path: Path,
) -> None:
    async with new_page(browser, address) as (page, did):
        await signed_in(page, client, keys, "sam.special", "specialist")
        await page.goto("/escalations/new/press/press_query")
        await page.fill("#f-question", "Why were posts about a strike removed?")
        await page.fill("#f-requester_name", "Robin Reader")
        await page.fill("#f-requester_organisation", "The Daily")
        await page.fill("#f-requester_email", "robin@daily.example")
        await pressed(page, "#send")
        number = await page.text_content("#number")
        assert re.fullmatch(r"E-\d{4,}", number or "")
        await pressed(page, "#open")
        # Taken by a key, answered from a template: what a person has to write cannot be left open.
        async with page.expect_navigation():
            await page.keyboard.press("t")
        await expect(page.get_by_test_id("status")).to_contain_text("being worked on")
        await page.select_option("#reply-purpose", "final")
        await page.click("#reply-start button")
        await page.click("#reply-form[data-state=draft] [data-reply-verb=submit]")
        await expect(page.locator("#reply-problem")).to_be_visible()
        assert "422" in did.complaints.pop()
        did.complaints.clear()
        body = await page.input_value("#reply-body")
        body = body.replace("{{ fill: the statement, approved word for word }}", STATEMENT)
        lines = [line for line in body.splitlines() if "{{" not in line]
        await page.fill("#reply-body", "\n".join(lines))
        await page.click("[data-reply-verb=submit]")
        await page.wait_for_selector("#reply-form[data-state=waiting]")
        record = page.url.partition("#")[0]
    async with new_page(browser, address) as (page, _):
        await signed_in(page, client, keys, "lee.lead", "lead")
        await page.goto(record)
        await page.click("[data-reply-verb=approve]")
        await page.click("#reply-form[data-state=approved] [data-reply-verb=send]")
        await page.wait_for_selector(".letter")
        await Deliveries(app.state.engine, app.state.jobs, settings).step()
        mail = next(mail for to, mail in post.seen if to == ["robin@daily.example"] and STATEMENT in mail.get_content())
        assert f"[{number}]" in mail["Subject"]
        assert not re.search(r"sam\.special|lee\.lead", mail.as_string())
        await page.reload()
        await expect(page.locator(".letter").first).to_contain_text("sent")
        await expect(page.locator("#messages")).to_contain_text(STATEMENT)
        # A brief for leadership, whose bottom line a person has put into words.
        await page.goto(f"{record}/narrative?audience=leadership&form=brief")
        await page.fill("#bottom-line", "Four posts were removed by mistake; they are back, and the paper knows.")
        await pressed(page, "#narrative-form [type=submit]")
        async with page.expect_download() as downloading:
            await page.click("text=PDF, A4")
        made = tmp_path / "brief.pdf"
        await (await downloading.value).save_as(made)
        assert made.read_bytes().startswith(b"%PDF-")


@pytest.mark.browser
async def test_an_order_of_a_regulator_overtakes_the_queue_and_is_loud_when_it_runs_out(
    app: FastAPI,
    address: str,
    browser: Browser,
    client: httpx.AsyncClient,
    keys: dict[str, str],
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    database: str,
) -> None:
    ordered = (await report(platform, "ordered", views_per_hour=1))["case_id"]
    await report(platform, "seen by many", views_per_hour=1e6)
    async with app.state.engine.connect() as connection:
        order = [str(case.id) for case in await upcoming(connection, "default")]
    assert order.index(ordered) == 1
    now = datetime.now(UTC)
    async with new_page(browser, address) as (page, _):
        await signed_in(page, client, keys, "sam.special", "specialist")
        await page.goto("/escalations/new/regulator/removal_order")
        for name, said in {
            "order_number": "2026/0117",
            "authority": "Example Authority",
            "legal_basis": "Regulation (EU) 2021/784 Art. 3",
            "territory": "EU",
            "urls": "https://platform.example/p/ordered",
            "reasons": "It is named in the order.",
        }.items():
            await page.fill(f"#f-{name}", said)
        # Forty of its sixty minutes are gone when it is entered.
        local = "(at) => new Date(at - new Date(at).getTimezoneOffset() * 60000).toISOString().slice(0, 16)"
        received = (now - timedelta(minutes=40)).timestamp() * 1000
        await page.fill("#f-received", await page.evaluate(local, received))
        await page.fill("#cases", ordered)
        await page.fill("#jurisdiction", "EU")
        await pressed(page, "#send")
        await pressed(page, "#open")
        clocks = page.locator("#clocks")
        await expect(clocks).to_contain_text("legal")
        await expect(clocks).to_contain_text("2021/784")
        record = page.url
    state = app.state
    mirror = CaseClocks(state.engine, state.jobs, taxonomy=state.taxonomy, config=state.rank_config)
    assert await mirror.step() == 1
    held = await claim(reviewer)
    assert held["case"]["id"] == ordered, "the guard serves what the law gives an hour before what millions see"
    assert value(database, "SELECT lane FROM leases") == "legal"
    # An hour later nobody has decided it.
    assert await Watch(state.engine, lambda: now + timedelta(hours=1)).step() > 0
    told = [kind for (kind,) in query(database, "SELECT kind FROM events WHERE kind LIKE 'sla.%%' ORDER BY id")]
    assert told.count("sla.breached") >= 1
    async with new_page(browser, address) as (page, _):
        await signed_in(page, client, keys, "lee.lead", "lead")
        for place in ("/floor", "/escalations"):
            await page.goto(place)
            await expect(page.get_by_role("alert").filter(has_text="E-1")).to_be_visible()
        await page.goto(record)
        await expect(page.locator("#timeline")).to_contain_text("has run out")
    assert 'triage_sla_overdue{kind="legal"} 1.0' in (await client.get("/metrics")).text
