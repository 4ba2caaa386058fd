"""Raising an escalation in a browser: found by typing, said what is missing, kept in the window, and a receipt."""

import base64
import json

import httpx
import pytest
from playwright.async_api import FilePayload, Page, expect

from tests.conftest import bearer
from tests.journey.browsing import chromium, new_page
from tests.service.intake.steps import COMPLAINT, filed, record, said, without
from tests.service.media.pictures import png
from tests.service.steps import query

pytestmark = pytest.mark.browser


async def test_a_press_query_is_raised_by_keyboard_and_its_receipt_stays_in_the_window(
    page: Page, database: str
) -> None:
    await page.goto("/escalations/new")
    await expect(page.locator("#words")).to_be_focused()
    await page.keyboard.type("press que")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/escalations/new/press/press_query")

    # What is missing is said beside each field, and the first of it has the focus.
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#f-requester_name")).to_be_focused()
    await expect(page.locator("#f-question-problem")).to_have_text("This is needed.")
    await page.fill("#f-requester_name", "Robin Reader")
    await page.fill("#f-requester_organisation", "The Daily")
    await page.fill("#f-requester_email", "robin at daily")
    await page.fill("#f-question", "Why was this removed?")
    await page.fill(".asset-id", "account-7")
    # What the service refuses stands beside its field too.
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#f-requester_email-problem")).to_contain_text("Write one e-mail address")
    await expect(page.locator("#f-requester_email")).to_be_focused()
    assert query(database, "SELECT FROM escalations") == []

    # It is kept in this window alone: not in the address, and in no other one.
    await page.reload()
    await expect(page.locator("#f-question")).to_have_value("Why was this removed?")
    await expect(page.locator(".asset-id")).to_have_value("account-7")
    assert "?" not in page.url
    assert "robin" not in await page.evaluate("JSON.stringify(localStorage) + document.cookie")

    await page.fill("#f-requester_email", "robin@daily.example")
    await page.keyboard.press("Control+Enter")
    await page.wait_for_url("**/escalations/new/received")
    [(number,)] = query(database, "SELECT number FROM escalations")
    await expect(page.locator("#number")).to_have_text(f"E-{number}")
    await expect(page.locator("#told")).to_contain_text(f"E-{number}")
    assert record(database, number)["requester"]["email"] == "robin@daily.example"
    assert [kind for _, kind, _ in said(database, number)] == ["receipt"]
    drafts = "Object.keys(sessionStorage).filter((name) => name.startsWith('triage.intake.'))"
    assert json.loads(await page.evaluate(f"JSON.stringify({drafts}.length)")) == 1, (
        "the draft is gone, the receipt is there"
    )

    # Nothing of it is left for whoever signs in next.
    await page.locator("#me").click()
    await page.locator("#sign-out").click()
    await page.wait_for_url("**/sign-in*")
    assert await page.evaluate(f"{drafts}.length") == 0


async def test_what_is_missing_is_added_and_what_was_looked_at_ticked_on_one_page(
    address: str, keys: dict[str, str], platform: httpx.AsyncClient, database: str
) -> None:
    answer = await filed(platform, without(COMPLAINT, "description", requester_email="ads at shop"))
    async with chromium() as browser, new_page(browser, address) as (page, _):
        await page.set_extra_http_headers(bearer(keys["specialist"]))
        await page.goto(f"/escalations/{answer['escalation_id']}")
        await expect(page.locator("#missing-form")).to_contain_text("ads at shop")
        await page.locator("[data-item=evidence_read]").check()
        await expect(page.locator("#checks-open")).to_have_text("6 items are open")
        await page.fill("#f-description", "Our page was blocked.")
        await page.fill("#f-requester_email", "ads@shop.example")
        await page.get_by_role("button", name="Add what came").click()
        await expect(page.locator("#missing-form")).to_have_count(0)
        await expect(page.locator("[data-item=evidence_read]")).to_be_checked()
    assert record(database, answer["number"])["requester"]["email"] == "ads@shop.example"


async def test_files_are_sent_each_by_itself_and_none_is_lost_when_one_fails(page: Page, database: str) -> None:
    await page.goto("/escalations/new/press/press_query")
    files: list[FilePayload] = [
        {"name": "scene.png", "mimeType": "image/png", "buffer": png()},
        {"name": "broken.png", "mimeType": "image/png", "buffer": b"no picture"},
        {"name": "note.txt", "mimeType": "text/plain", "buffer": b"x"},
    ]
    await page.set_input_files("#upload-file", files)
    states = page.locator(".upload-state")
    await expect(states.nth(0)).to_have_text("It has arrived, blurred.")
    await expect(page.locator(".upload img").nth(0)).to_be_visible()
    await expect(states.nth(1)).to_contain_text("none of the accepted kinds")
    await expect(states.nth(2)).to_have_text("Only pictures, clips and sounds are taken.")
    for name, words in (("requester_name", "R"), ("requester_organisation", "D"), ("question", "Why?")):
        await page.fill(f"#f-{name}", words)
    await page.fill("#f-requester_email", "robin@daily.example")
    # An area of which records are confidential says so at once.
    await page.select_option("#area", "child_safety")
    await expect(page.locator("#kept")).to_contain_text("Confidential")
    await expect(page.locator("#confidential")).to_be_checked()
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#f-media-problem")).to_contain_text("Some files did not arrive")
    for _ in range(2):
        await page.locator(".upload.is-failed .upload-remove").first.click()
    # What arrived is there after the page was loaded anew, too.
    await page.reload()
    await expect(page.locator(".upload-name")).to_have_text(["scene.png"])
    await page.evaluate(
        """(text) => {
            const data = new DataTransfer();
            data.items.add(new File([Uint8Array.from(atob(text), (one) => one.charCodeAt(0))], "pasted.png", { type: "image/png" }));
            document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data }));
            document.getElementById("uploads").dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true }));
        }""",
        base64.b64encode(png()).decode(),
    )
    await expect(page.locator(".upload-state")).to_have_text(["It has arrived, blurred."] * 3)
    await page.keyboard.press("Control+Enter")
    await page.wait_for_url("**/escalations/new/received")
    kept = query(database, "SELECT name FROM escalation_attachments ORDER BY name")
    assert kept == [("pasted.png",), ("pasted.png",), ("scene.png",)]
    assert query(database, "SELECT confidentiality FROM escalations") == [("confidential",)]
