"""The pages of webhooks: none, one that works, one that fails, what was given up; and the whole of it in a browser."""

import httpx
import pytest
from playwright.async_api import expect

from service.pages.webhooks import failing
from tests.conftest import bearer
from tests.journey.browsing import chromium, sign_in
from tests.service.pages.conftest import PASSWORD
from tests.service.pages.test_pages import assert_is_safe_page
from tests.service.steps import query

URL = "https://platform.test/hooks?a=<b>"


async def shown(client: httpx.AsyncClient, path: str, keys: dict[str, str]) -> str:
    answer = await client.get(path, headers=bearer(keys["admin"]))
    assert answer.status_code == 200, answer.text
    assert_is_safe_page(answer)
    return answer.text


@pytest.mark.parametrize(("role", "status"), [("admin", 200), ("platform", 200), ("lead", 403), ("reviewer", 403)])
async def test_they_are_for_those_who_manage_them(
    client: httpx.AsyncClient, keys: dict[str, str], role: str, status: int
) -> None:
    assert (await client.get("/admin/webhooks", headers=bearer(keys[role]))).status_code == status


async def test_endpoints_what_was_sent_and_what_was_given_up_are_shown(
    client: httpx.AsyncClient, keys: dict[str, str], platform: httpx.AsyncClient, database: str
) -> None:
    text = await shown(client, "/admin/webhooks", keys)
    assert "No endpoint yet" in text
    assert "No message was given up." in text
    hook = (await platform.post("/v1/webhooks", json={"url": URL})).json()["id"]
    log = f"/admin/webhooks/{hook}"
    assert "Nothing was sent to this endpoint yet." in await shown(client, log, keys)
    for _ in range(2):
        await platform.post(f"/v1/webhooks/{hook}/test")
    query(database, "UPDATE outbox SET state = 'failed', attempts = 12, last_error = 'answered <500>'")
    query(
        database,
        "INSERT INTO delivery_attempts (message_id, error, status, milliseconds)"
        " SELECT id, 'answered <500>', 500, 31 FROM outbox",
    )
    text = await shown(client, "/admin/webhooks", keys)
    assert "failing" in text
    assert "Send all 2 given-up messages again" in text
    assert text.count("Answered &lt;500&gt;.") == 2
    assert "<b>" not in text
    assert "whsec_" not in text.replace("after “whsec_” decoded", "")
    text = await shown(client, log, keys)
    assert text.count("31 ms") == 2
    assert "No message is in this state." in await shown(client, f"{log}?state=delivered", keys)
    await platform.patch(f"/v1/webhooks/{hook}", json={"paused": True})
    assert "Its messages wait and none is lost" in await shown(client, "/admin/webhooks", keys)
    await platform.delete(f"/v1/webhooks/{hook}")
    await platform.post("/v1/webhooks", json={"url": "https://other.test/"})
    text = await shown(client, "/admin/webhooks", keys)
    assert "One removed endpoint" in text
    assert text.count("Hand to another") == 2
    for path in (f"{log[:-1]}x", "/admin/webhooks/018f0000-0000-7000-8000-000000000000"):
        assert (await client.get(path, headers=bearer(keys["admin"]))).status_code == 404


def test_an_endpoint_fails_where_a_tenth_of_what_was_tried_lately_did() -> None:
    tried = [failing(*one) for one in ((0, 0), (10, 0), (100, 9), (10, 1), (1, 1))]
    assert tried == [False, False, False, True, True]


async def test_an_endpoint_is_added_paused_and_removed_and_the_log_tells_of_it(
    address: str, client: httpx.AsyncClient, keys: dict[str, str]
) -> None:
    person = {"username": "ada", "role": "admin", "password": PASSWORD}
    assert (await client.post("/v1/people", json=person, headers=bearer(keys["admin"]))).status_code == 201
    async with chromium() as browser:
        page = await browser.new_page(base_url=address)
        await sign_in(page, "ada", PASSWORD)
        await page.goto("/admin/webhooks")
        await page.keyboard.press("a")
        await page.keyboard.type("http://elsewhere.test/")
        await page.keyboard.press("Enter")
        await expect(page.locator("#hook-problem")).to_contain_text("must use https")
        await page.fill("#hook-url", "https://platform.test/hook")
        await page.uncheck("#hook-all")
        await page.keyboard.press("Enter")
        await expect(page.locator("#hook-problem")).to_have_text("Choose at least one kind of message.")
        await page.check("[value='case.shed']")
        await page.click("#hook-save")
        await expect(page.locator("#once-secret")).to_contain_text("whsec_")
        # What is shown this once does not go away with a key.
        await page.keyboard.press("Escape")
        await expect(page.locator("#once")).to_be_visible()
        await page.click("#once-done")
        endpoint = page.get_by_test_id("endpoint")
        await expect(endpoint).to_contain_text("A case was given up openly under load")
        assert "whsec_" not in await endpoint.inner_html()
        await endpoint.locator(".hook-pause").click()
        await expect(page.locator("#notice")).to_contain_text("is paused")
        await expect(endpoint.locator(".hook-test")).to_be_disabled()
        await endpoint.locator(".hook-remove").click()
        await page.click("#remove-do")
        await expect(page.get_by_test_id("no-endpoint")).to_be_visible()

        await page.goto("/admin/audit?kind=webhook")
        rows = page.locator("[data-event]")
        await expect(rows.first).to_contain_text("Removed a webhook endpoint")
        await expect(rows).to_have_count(3)
        await page.keyboard.press("f")
        await expect(page.locator("#follow")).to_have_attribute("aria-pressed", "true")
        made = await client.post("/v1/webhooks", json={"url": "https://other.test/"}, headers=bearer(keys["admin"]))
        assert made.status_code == 201
        await expect(rows).to_have_count(4, timeout=10_000)
        await expect(rows.first).to_have_class("audit-new")
