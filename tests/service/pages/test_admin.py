"""Pages of those who run the service: who sees them, what they show, and the ways through them in a browser."""

import re

import httpx
import pytest
from fastapi import FastAPI
from playwright.async_api import Page, expect

from service.pages import admin_words
from service.security import ROLES, Capability
from service.settings import Settings
from tests.conftest import bearer
from tests.journey.browsing import chromium, sign_in
from tests.service.pages.conftest import PASSWORD
from tests.service.pages.test_pages import assert_is_safe_page
from tests.service.steps import assert_error, query, report_body, value

MANAGERS, QUEUE_MANAGERS = {"admin"}, {"admin", "lead"}
PAGES = {
    "/admin/people": MANAGERS,
    "/admin/people/test-lead": MANAGERS,
    "/admin/roles": MANAGERS,
    "/admin/keys": MANAGERS,
    "/admin/media": MANAGERS,
    "/admin/queues": QUEUE_MANAGERS,
    "/admin/taxonomy": QUEUE_MANAGERS,
}


@pytest.fixture
async def admin(client: httpx.AsyncClient, keys: dict[str, str]) -> httpx.AsyncClient:
    client.headers.update(bearer(keys["admin"]))
    return client


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_is_for_those_who_manage_what_it_shows(
    client: httpx.AsyncClient, keys: dict[str, str], path: str
) -> None:
    for role in ROLES:
        answer = await client.get(path, headers=bearer(keys[role]))
        assert answer.status_code == (200 if role in PAGES[path] else 403), role
        if role in PAGES[path]:
            assert_is_safe_page(answer)


def test_every_role_and_capability_is_said_in_words() -> None:
    assert set(admin_words.ROLES) == set(ROLES)
    assert set(Capability) <= set(admin_words.CAPABILITIES)


async def test_people_are_listed_and_found(admin: httpx.AsyncClient) -> None:
    await admin.post("/v1/people", json={"username": "zoe", "role": "reviewer"})
    await admin.patch("/v1/people/zoe", json={"vendor": "<b>Acme</b>", "languages": ["pt"]})
    await admin.delete("/v1/people/test-ml")
    text = (await admin.get("/admin/people")).text
    assert "&lt;b&gt;Acme&lt;/b&gt;" in text
    assert "7 accounts" in text
    assert 'href="/admin/people/test-ml"' not in text
    found = (await admin.get("/admin/people", params={"search": "zo", "role": "", "state": "open"})).text
    assert "One account" in found
    closed = (await admin.get("/admin/people", params={"state": "closed"})).text
    assert "test-ml" in closed
    assert "Nobody fits that." in (await admin.get("/admin/people", params={"search": "nobody at all"})).text
    for path in ("/admin/people/nobody", "/admin/people/test-ml", "/admin/people/A%3Cb%3E"):
        assert (await admin.get(path)).status_code == 404, path
    assert (await admin.get("/admin/people?role=owner")).status_code == 422


async def test_more_people_than_fit_come_in_pages(admin: httpx.AsyncClient, database: str) -> None:
    query(
        database,
        "INSERT INTO principals (id, username, role)"
        " SELECT gen_random_uuid(), 'person-' || to_char(n, 'FM000'), 'reviewer' FROM generate_series(1, 150) AS n",
    )
    first = (await admin.get("/admin/people", params={"search": "person-"})).text
    [after] = re.findall(r"after=([a-z0-9-]+)", first)
    second = (await admin.get("/admin/people", params={"search": "person-", "after": after})).text
    names = [re.findall(r"/admin/people/(person-\d+)", page) for page in (first, second)]
    assert [len(one) for one in names] == [50, 50]
    assert names[0][-1] == after < names[1][0]


async def test_the_matrix_says_what_the_service_enforces(admin: httpx.AsyncClient) -> None:
    text = (await admin.get("/admin/roles")).text
    heads = re.findall(r'scope="col" class="mark">(\w+)<', text)
    shown: dict[str, set[str]] = {role: set() for role in heads}
    for row in re.findall(r"<tr><th scope=\"row\">.*?</tr>", text, re.DOTALL):
        [capability] = re.findall(r'<span class="mono soft">([a-z.]+)</span>', row)
        for role, cell in zip(heads, re.findall(r'<td class="mark">(.*?)</td>', row), strict=True):
            shown[role] |= {capability} if "yes" in cell else set()
    assert shown == {role: set(may) for role, may in ROLES.items()}


async def test_the_taxonomy_at_work_is_shown_whole(
    client: httpx.AsyncClient, keys: dict[str, str], app: FastAPI
) -> None:
    text = (await client.get("/admin/taxonomy", headers=bearer(keys["lead"]))).text
    taxonomy = app.state.taxonomy
    assert taxonomy.version in text
    ids = [*taxonomy.area_ids, *(action.id for action in taxonomy.actions)]
    assert [one for one in ids if f">{one}</span>" not in text] == []
    assert [step.name for step in taxonomy.severities if f"{step.level} {step.name}" not in text] == []


async def test_media_settings_are_told_with_their_variables(admin: httpx.AsyncClient, settings: Settings) -> None:
    text = (await admin.get("/admin/media")).text
    for name in ("TRIAGE_MEDIA_LEAST_LEVEL", "TRIAGE_EXPOSURE_HOURS", "TRIAGE_EXPOSURE_CONSENT", "TRIAGE_IMAGE_MODEL"):
        assert name in text
    for row in (*admin_words.media_settings(settings), *admin_words.exposure_settings(settings)):
        assert row.is_set == (row.variable == "TRIAGE_IMAGE_MODEL"), row
    assert all(
        row.variable.removeprefix("TRIAGE_").lower() in Settings.model_fields
        for row in (*admin_words.media_settings(settings), *admin_words.exposure_settings(settings))
    )


async def test_defaults_for_media_hold_for_whoever_has_not_chosen(
    admin: httpx.AsyncClient, reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, database: str
) -> None:
    await colleague.put("/v1/me/media", json={"colour": False})
    answer = await admin.put("/v1/defaults/media", json={"level": 3, "colour": True, "lines_first": True})
    assert (answer.json()["set_by"], answer.json()["level"]) == ("test-admin", 3)
    assert (await reviewer.get("/v1/me/media")).json() == {
        "level": 3, "colour": True, "lines_first": True, "mask_text": True,
    }  # fmt: skip
    assert (await colleague.get("/v1/me/media")).json()["level"] is None
    too_weak = assert_error(await admin.put("/v1/defaults/media", json={"level": 1}), 422, "invalid_request")
    assert "TRIAGE_MEDIA_LEAST_LEVEL" in too_weak
    [(actor, data)] = query(database, "SELECT actor, data FROM events WHERE kind = 'media.defaults_set'")
    assert actor == value(database, "SELECT id FROM principals WHERE username = 'test-admin'")
    assert data["level"] == 3


async def test_what_stands_against_closing_a_queue_is_told(
    lead: httpx.AsyncClient, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient
) -> None:
    await lead.post("/v1/queues", json={"name": "press", "title": "Press <b>"})
    assert (await lead.get("/v1/queues/press/closing")).json()["possible"]
    rule = {"name": "Press first", "queue": "press", "when": {"channels": ["press"]}}
    body = {"rules": [rule], "based_on": 0, "owner": "Jo", "reason": "first", "decided_on": "2026-11-30"}
    assert (await lead.post("/v1/routing", json=body)).status_code == 201
    assert (await platform.post("/v1/reports", json={**report_body(), "channel": "press"})).status_code == 201
    told = (await lead.get("/v1/queues/press/closing")).json()
    assert (told["possible"], told["rules"], told["cases"]) == (False, ["Press first"], {"open": 1})
    assert_error(await lead.post("/v1/queues/press/close"), 409, "queue_in_use")
    await claim_from(reviewer, "press")
    assert (await lead.get("/v1/queues/press/closing")).json()["cases"] == {"leased": 1}
    assert_error(await lead.get("/v1/queues/none/closing"), 404, "not_found")
    assert not (await lead.get("/v1/queues/default/closing")).json()["possible"]
    assert "Press &lt;b&gt;" in (await lead.get("/admin/queues")).text


async def claim_from(person: httpx.AsyncClient, queue: str) -> None:
    assert (await person.post(f"/v1/queues/{queue}/claim")).status_code == 200


async def test_pages_stay_light_however_many_there_are(admin: httpx.AsyncClient, database: str) -> None:
    query(
        database,
        "INSERT INTO principals (id, username, role, vendor, site, languages)"
        " SELECT gen_random_uuid(), rpad('person-' || n, 64, 'x'), 'reviewer', repeat('v', 80), repeat('s', 80),"
        " '{ar,de,en,es,fr,he,ja,pt}' FROM generate_series(1, 400) AS n",
    )
    query(
        database,
        "INSERT INTO api_keys (key_hash, principal_id, name, prefix, scopes)"
        " SELECT sha256(id::text::bytea), id, repeat('k', 80), 'ct_123456', '{case.read,case.review}' FROM principals",
    )
    # Of 200 kB styles and modules take less than 50, and htmx, which only people need, as much.
    for path, most in (("/admin/people", 100_000), ("/admin/keys", 150_000)):
        text = (await admin.get(path)).text
        assert len(text.encode()) < most, (path, len(text.encode()))
    assert "The first 50 keys" in (await admin.get("/admin/keys")).text
    one = "person-399" + "x" * 54
    chosen = (await admin.get("/admin/keys", params={"account": one})).text
    assert "One key" in chosen
    assert f'<option value="{one}"' in chosen


@pytest.mark.browser
async def test_somebody_is_added_signs_in_changes_role_and_leaves(
    address: str, admin: httpx.AsyncClient, platform: httpx.AsyncClient, cheap_passwords: None, database: str
) -> None:
    await admin.post("/v1/people", json={"username": "root", "role": "admin", "password": PASSWORD})
    async with chromium() as browser:
        page = await browser.new_page(base_url=address)
        await sign_in(page, "root", PASSWORD)
        once = await _add_ada(page)
        other = await browser.new_page(base_url=address)
        await _choose_password(other, once)
        await page.get_by_role("button", name="Change the role").click()
        await page.get_by_role("radio", name="specialist").check()
        await expect(page.locator("#role-consequence")).to_contain_text("signed out")
        await page.locator("#role-dialog").get_by_role("button", name="Change the role").click()
        await expect(page.locator("#notice")).to_have_text("ada has another role now.")
        await page.get_by_label("Languages, by code").fill("pt, 1x")
        await page.get_by_role("button", name="Save").click()
        await expect(page.locator("#languages-problem")).not_to_be_empty()
        await page.get_by_label("Languages, by code").fill("pt-BR, en")
        await page.get_by_label("Vendor").fill("Acme")
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_label("Languages, by code")).to_have_value("pt, en")
        await _keys(page)
        await page.goto("/admin/people/ada")
        await page.get_by_role("button", name="Close the account").click()
        await expect(page.locator("#confirm-words")).to_contain_text("cannot be opened again")
        await page.locator("#confirm-do").click()
        await page.wait_for_url("**/admin/people")
        await expect(page.locator("#notice")).to_have_text("The account of ada is closed.")
        await page.get_by_label("Account", exact=True).select_option("all")
        await page.get_by_label("Name, vendor or site").fill("ACM")
        await expect(page.locator("#people-count")).to_have_text("One account")
        await expect(page.get_by_test_id("people")).to_contain_text("closed")
        # A list that cannot be found anew stays, and is not taken for the answer.
        await page.route("**/admin/people?*", lambda route: route.fulfill(status=503))
        await page.get_by_label("Name, vendor or site").fill("ACME")
        await expect(page.locator("#problem")).to_contain_text("503")
        await expect(page.get_by_test_id("people")).to_contain_text("closed")
        await page.click("#me")
        await page.route("**/v1/session?*", lambda route: route.fulfill(status=503))
        await page.click("#sign-out-everywhere")
        await expect(page.locator("#me-problem")).to_contain_text("503")
        await page.unroute("**/v1/session?*")
        await page.click("#sign-out-everywhere")
        await page.wait_for_url("**/sign-in?why=signed-out")
    done = query(
        database, "SELECT kind FROM events e JOIN principals p ON p.id = e.actor WHERE username = 'root' ORDER BY e.id"
    )
    assert [kind for (kind,) in done] == [
        *("person.signed_in", "person.created", "person.role_changed", "person.changed"),
        *("key.made", "key.revoked", "person.closed", "person.signed_out_everywhere"),
    ]


async def _add_ada(page: Page) -> str:
    await page.goto("/admin/people")
    await page.keyboard.press("a")
    await page.keyboard.type("A")
    await page.keyboard.press("Enter")
    await expect(page.locator("#person-username-problem")).to_contain_text("Two to 64")
    await page.fill("#person-username", "ada")
    await page.keyboard.press("Enter")
    await expect(page.locator("#once-secret")).not_to_be_empty()
    once = await page.locator("#once-secret").inner_text()
    # Escape would lose it for good.
    await page.keyboard.press("Escape")
    await expect(page.locator("#once")).to_be_visible()
    await page.get_by_role("button", name="I have kept it").click()
    await page.wait_for_url("**/admin/people/ada")
    assert once not in await page.content()
    return once


async def _choose_password(page: Page, once: str) -> None:
    await page.goto("/sign-in")
    await page.fill("#username", "ada")
    await page.fill("#password", once)
    await page.keyboard.press("Enter")
    await expect(page.locator("#new-password")).to_be_focused()
    await page.fill("#new-password", "short")
    await page.keyboard.press("Enter")
    await expect(page.locator("#sign-in-problem")).to_contain_text("at least 12")
    await page.fill("#new-password", "a pass phrase of my own")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/console")


async def _keys(page: Page) -> None:
    await page.goto("/admin/keys?account=test-platform")
    await page.keyboard.press("a")
    await page.get_by_role("button", name="Make the key").click()
    await expect(page.locator("#key-name-problem")).not_to_be_empty()
    await expect(page.locator("#key-scopes-problem")).not_to_be_empty()
    await expect(page.get_by_label("Manage people, roles and keys")).to_be_hidden()
    await page.fill("#key-name", "مفتاح <i>📱</i> " + "w" * 60)
    await page.get_by_label("Send reports").check()
    await page.get_by_role("button", name="Make the key").click()
    await expect(page.locator("#once-secret")).to_contain_text("ct_")
    await page.get_by_role("button", name="I have kept it").click()
    row = page.get_by_role("row").filter(has_text="مفتاح")
    await row.get_by_text("one scope").click()
    await expect(row).to_contain_text("report.write")
    await row.get_by_role("button", name="Revoke").click()
    await page.locator("#confirm-do").click()
    await expect(row).to_contain_text("revoked")
