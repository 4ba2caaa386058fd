"""Clocks in a browser: a lead pauses, lets go on, sets what an order states, and puts another matrix to work."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI
from playwright.async_api import Page, expect

from tests.conftest import bearer
from tests.journey.browsing import sign_in
from tests.service.pages.conftest import PASSWORD
from tests.service.sla.steps import clocks, started
from tests.service.steps import value

pytestmark = pytest.mark.browser


async def test_a_lead_works_with_the_clocks_of_a_record_and_with_the_matrix(
    page: Page, app: FastAPI, database: str, client: httpx.AsyncClient, keys: dict[str, str]
) -> None:
    person = {"username": "lee", "role": "lead", "password": PASSWORD}
    assert (await client.post("/v1/people", json=person, headers=bearer(keys["admin"]))).status_code == 201
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    record = await started(app, database, source="regulator", trigger="removal_order", received_at=now)
    await page.context.clear_cookies()
    await sign_in(page, "lee", PASSWORD)
    await page.goto(f"/escalations/{record}")
    running = page.locator("#clocks-of").get_by_test_id("clock")
    await expect(running).to_have_count(2)
    await expect(running.filter(has_text="legal")).to_contain_text("It never pauses.")
    # Nothing is paused without a reason.
    await page.get_by_text("Pause the internal clocks").click()
    await page.get_by_role("button", name="Pause", exact=True).click()
    await expect(page.locator("#clocks-problem")).to_contain_text("Say why they stand still.")
    await expect(page.locator("#clocks-reason")).to_be_focused()
    await page.locator("#clocks-reason").fill("Asked which posts are meant")
    await page.get_by_role("button", name="Pause", exact=True).click()
    await expect(page.locator(".clock-pause").first).to_contain_text("Asked which posts are meant")
    await expect(running.filter(has_text="legal")).to_contain_text("Due on")
    await page.get_by_role("button", name="Let the clocks go on").click()
    await expect(page.get_by_text("Pause the internal clocks")).to_be_visible()
    # A legal clock gives way to what an order states, where the reason names the order.
    due = now + timedelta(hours=9)
    await page.get_by_text("Set the deadline that an order states").click()
    await page.locator("#clocks-due").fill(f"{due:%Y-%m-%dT%H:%M}")
    await page.locator("#clocks-basis").fill("Order 17/2026")
    legal = page.locator("#clocks-replaces option", has_text="legal")
    await page.locator("#clocks-replaces").select_option(str(await legal.get_attribute("value")))
    await page.locator("#clocks-why").fill("They gave us more time")
    await page.get_by_role("button", name="Set the deadline", exact=True).click()
    await expect(page.locator("#clocks-problem")).to_contain_text("name the new basis")
    await page.locator("#clocks-why").fill("As stated: order 17/2026")
    await page.get_by_role("button", name="Set the deadline", exact=True).click()
    await expect(running.filter(has_text="Order 17/2026")).to_be_visible()
    assert clocks(database, record)["decision", "legal"] == due
    await page.goto("/sla")
    text = await page.locator("#matrix-text").input_value()
    await page.locator("#matrix-text").fill(text.replace("minutes = 5,", "minutes = 6,") + "nonsense")
    await page.get_by_role("button", name="Preview").click()
    await expect(page.locator("#problem")).to_contain_text("no TOML")
    await page.locator("#matrix-text").fill(text.replace("minutes = 5,", "minutes = 6,"))
    await page.get_by_role("button", name="Preview").click()
    await expect(page.locator("#preview-words")).to_contain_text("1 open record was tried.")
    await expect(page.locator("#moves tbody tr")).to_have_count(1)
    await page.locator("#owner").fill("Escalations")
    await page.locator("#reason").fill("Six minutes")
    await page.get_by_role("button", name="Put it to work").click()
    await expect(page.locator("#notice")).to_contain_text("Version 2 of the matrix is saved.")
    assert value(database, "SELECT max(version) FROM sla_matrices") == 2
