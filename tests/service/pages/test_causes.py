"""From a record to its cause, an action and a brief, in a browser: what is missing is said, what is kept is there."""

from pathlib import Path

import pytest
from fastapi import FastAPI

from tests.conftest import bearer
from tests.journey.browsing import chromium
from tests.papers import pages_of, text_of
from tests.service.escalations.steps import opened
from tests.service.steps import query


@pytest.mark.browser
async def test_a_record_gets_a_cause_an_action_and_a_brief(
    app: FastAPI, database: str, address: str, keys: dict[str, str], tmp_path: Path
) -> None:
    record = await opened(app, database, policy_area="harassment")
    async with chromium() as browser:
        page = await browser.new_page(base_url=address, extra_http_headers=bearer(keys["specialist"]))
        await page.goto(f"/escalations/{record}")
        await page.click("#cause-details summary")
        await page.click("#cause-form button")
        await page.wait_for_selector("#cause-problem:not(:empty)")
        await page.select_option("#cause-code", "process/late")
        await page.fill(".why >> nth=0", "Why was it late?")
        await page.click("#cause-form button")
        await page.wait_for_selector("#cause-problem:has-text('because')")
        await page.fill(".because >> nth=0", "Nobody saw it")
        await page.click("#cause-form button")
        await page.wait_for_selector("#cause .whys")
        await page.click("#add-improvement summary")
        await page.fill("#new-title", "Watch the inbox")
        await page.fill("#new-due", "2036-01-31")
        await page.fill("#new-team", "Operations")
        await page.click("#add-improvement-form button")
        await page.click(".change-improvement")
        await page.select_option("#improvement-state", "dropped")
        await page.click("#improvement-form button[type=submit]")
        await page.wait_for_selector("#improvement-problem:not(:empty)")
        await page.fill("#improvement-note", "Not needed")
        await page.click("#improvement-form button[type=submit]")
        await page.wait_for_selector(".improvement:has-text('Not needed')")
        await page.click(f"a[href='/escalations/{record}/narrative']")
        await page.fill("#bottom-line", "It was late and is mended.")
        await page.click("#narrative-form button")
        await page.wait_for_url("**shown=**")
        link = await page.get_attribute("text=PDF, A4", "href")
        file = await page.request.get(f"{address}{link}")
        place = tmp_path / "brief.pdf"
        place.write_bytes(await file.body())
    assert pages_of(place) == 1
    assert "It was late and is mended." in text_of(place)
    assert query(database, "SELECT state, note FROM improvements") == [("dropped", "Not needed")]
    assert query(database, "SELECT code, whys FROM root_causes") == [
        ("process", [{"why": "Why was it late?", "because": "Nobody saw it"}])
    ]
