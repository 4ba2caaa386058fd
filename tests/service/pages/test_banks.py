"""The page of banks, and a known picture on the page of a case: decided again without being looked at."""

import json
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from playwright.async_api import Page, expect

from service.settings import Settings
from tests.conftest import bearer
from tests.journey.browsing import chromium, sign_in
from tests.service.banks.conftest import a_copy, a_picture, make_bank, upload
from tests.service.pages.conftest import PASSWORD
from tests.service.pages.test_pages import assert_is_safe_page
from tests.service.steps import claim, decided, query, report, value

HASH = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"


@pytest.mark.parametrize(("role", "status"), [("lead", 200), ("admin", 200), ("reviewer", 403)])
async def test_it_is_for_those_who_answer_for_banks(
    client: httpx.AsyncClient, keys: dict[str, str], role: str, status: int
) -> None:
    answer = await client.get("/banks", headers=bearer(keys[role]))
    assert answer.status_code == status
    if status == 200:
        assert_is_safe_page(answer)
        assert "There is no bank yet." in answer.text
    console = (await client.get("/console", headers=bearer(keys[role]))).text
    assert ('href="/banks"' in console) == (status == 200)


async def test_every_bank_is_shown_with_what_it_does(
    lead: httpx.AsyncClient, client: httpx.AsyncClient, keys: dict[str, str]
) -> None:
    made = await make_bank(lead, "Seen <before>", match_share=0.05)
    await lead.post(f"/v1/banks/{made['id']}/hashes", json={"pdq": HASH})
    off = await make_bank(lead, "Old list")
    await lead.patch(f"/v1/banks/{off['id']}", json={"active": False, "note": "out of date"})
    text = (await client.get("/banks", headers=bearer(keys["lead"]))).text
    assert "Seen &lt;before&gt;" in text
    assert "1 being looked for" in text
    assert "5.0 %" in text
    assert "0 of 30 needed" in text
    assert "Out of date." in text


async def decided_case(platform: httpx.AsyncClient, reviewer: httpx.AsyncClient) -> str:
    """A case with a picture that was decided as harassment of severity 3."""
    case = (await report(platform, "first", media=[await upload(platform, a_picture())]))["case_id"]
    await decided(reviewer, await claim(reviewer), severity=3)
    return str(case)


async def test_pictures_are_put_into_banks_by_those_who_may_and_where_there_is_one(
    client: httpx.AsyncClient,
    keys: dict[str, str],
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    database: str,
) -> None:
    case = await decided_case(platform, reviewer)

    async def offered(role: str) -> bool:
        page = await client.get(f"/cases/{case}", headers=bearer(keys[role]))
        assert_is_safe_page(page)
        return 'class="button to-bank"' in page.text

    await make_bank(lead, "Other", policy_area="spam")
    assert not await offered("specialist")
    bank = (await make_bank(lead, "Known <drawings>"))["id"]
    assert [await offered(role) for role in ("specialist", "lead", "reviewer")] == [True, True, False]
    await lead.patch(f"/v1/banks/{bank}", json={"active": False, "note": "a test"})
    assert not await offered("specialist")
    await lead.patch(f"/v1/banks/{bank}", json={"active": True})
    query(database, "INSERT INTO decision_undos (decision_id, undone_by) SELECT id, decided_by FROM decisions")
    assert not await offered("specialist")


@pytest.mark.browser
async def test_a_bank_is_made_filled_and_disabled_and_a_known_picture_is_decided_without_being_seen(
    address: str,
    app: FastAPI,
    client: httpx.AsyncClient,
    keys: dict[str, str],
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    database: str,
    tmp_path: Path,
    settings: Settings,
) -> None:
    known = await decided_case(platform, reviewer)
    await make_bank(lead)
    person = {"username": "lea", "role": "lead", "password": PASSWORD}
    assert (await client.post("/v1/people", json=person, headers=bearer(keys["admin"]))).status_code == 201
    async with chromium() as browser:
        page = await browser.new_page(base_url=address)
        await sign_in(page, "lea", PASSWORD)
        await _put_into_a_bank(page, known)
        copy = await report(platform, "second", media=[await upload(platform, a_copy())])
        case = str(copy["case_id"])
        await _decide_without_viewing(page, case)
        await _look_after_banks(page, tmp_path)
    shown = json.loads(value(database, "SELECT CAST(shown AS text) FROM decisions WHERE case_id = %s", case))
    assert shown["revealed"] == 0
    made = "SELECT actions, policy_area, severity FROM decisions ORDER BY decided_at"
    one, other = query(database, made)
    assert one == other
    rows = query(database, "SELECT match_share, active, disabled_note FROM hash_banks WHERE name = 'From a partner'")
    assert rows == [(0.5, False, "too many false matches")]
    assert (
        value(database, "SELECT count(*) FROM bank_hashes h JOIN hash_banks b ON b.id = h.bank_id AND b.owner = 'Jo'")
        == 1
    )


async def _put_into_a_bank(page: Page, case: str) -> None:
    await page.goto(f"/cases/{case}")
    await page.get_by_role("button", name="Put into a bank").click()
    await page.locator("#to-bank-note").fill("sent to many")
    await page.get_by_role("button", name="Put it in").click()
    await expect(page.locator("#notice")).to_have_text("The picture is in the bank Known drawings now.")
    await page.goto("/console")


async def _decide_without_viewing(page: Page, case: str) -> None:
    await page.keyboard.press("n")
    await page.wait_for_url(f"**/cases/{case}")
    known = page.get_by_test_id("known")
    await expect(known).to_contain_text("bank Known drawings")
    await expect(known).to_contain_text("sent to many")
    await expect(known).to_contain_text("severity 3")
    await known.get_by_role("button", name="Fill in the same").click()
    await expect(page.locator("[name=actions][value=remove]")).to_be_checked()
    await expect(page.locator("#policy-area")).to_have_value("harassment")
    await expect(page.locator("[name=severity][value='3']")).to_be_checked()
    await expect(page.locator("#decide")).to_be_focused()
    async with page.expect_response(lambda answer: answer.url.endswith("/decisions")):
        await page.keyboard.press("Control+Enter")
    # The page goes on by itself, and would end any other way on.
    await page.wait_for_url(lambda url: case not in url)


async def _look_after_banks(page: Page, folder: Path) -> None:
    await page.goto("/banks")
    await page.keyboard.press("a")
    for name, text in {"name": "From a partner", "owner": "Jo", "purpose": "a list", "share": "50"}.items():
        await page.fill(f"#bank-{name}", text)
    await page.select_option("#bank-area", "harassment")
    await page.get_by_role("button", name="Save").click()
    row = page.get_by_role("row").filter(has_text="From a partner")
    await expect(row).to_contain_text("50 %")
    file = folder / "list.txt"
    file.write_text(f"pdq {HASH}\n", encoding="utf-8")
    await row.get_by_role("button", name="Change").click()
    await page.get_by_text("Add hashes").click()
    await page.select_option("#bank-format", "text")
    await page.set_input_files("#bank-file", file)
    await page.get_by_role("button", name="Take in").click()
    await expect(page.locator("#notice")).to_contain_text("1 added")
    await row.get_by_role("button", name="Change").click()
    await page.fill("#bank-distance", "")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#bank-problem")).to_contain_text("Distance")
    await page.fill("#bank-distance", "31")
    await page.uncheck("#bank-active")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#bank-problem")).to_contain_text("say why")
    await page.fill("#bank-note", "too many false matches")
    await page.get_by_role("button", name="Save").click()
    await expect(row).to_contain_text("Too many false matches.")
