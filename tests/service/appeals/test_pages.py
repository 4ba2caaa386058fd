"""The pages of appeals, and the way of one from the address in a notice to another person's outcome."""

import httpx
import pytest
from fastapi import FastAPI

from tests.journey.browsing import chromium, sign_in
from tests.service.appeals.steps import OVERTURNED, PASSWORD, carry_out, filed, judge, restricted, signed_in, taken
from tests.service.banks.conftest import upload
from tests.service.media.pictures import jpeg, scene
from tests.service.pages.conftest import address as address
from tests.service.steps import assert_error, query, value

HOSTILE = "<img src=x onerror=pwned()>"


async def test_pages_show_what_was_written_as_text_and_name_nobody(
    app: FastAPI,
    keys: dict[str, str],
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    judging: httpx.AsyncClient,
) -> None:
    made = await restricted(platform, reviewer)
    receipt = await filed(platform, made["decision_id"], reasons=HOSTILE, language="ar")
    path = f"/appeals/{receipt['appeal_id']}"
    assert "It waits for somebody" in (await judging.get(path, headers={"Accept-Language": "en"})).text
    held = await taken(judging)
    desk = (await judging.get(path)).text
    assert 'lang="ar"' in desk
    said = {**OVERTURNED, "explanation": f"Sorry {HOSTILE}", "note": f"Inside {HOSTILE}"}
    assert (await judge(judging, held, said)).status_code == 201
    await carry_out(app)
    pages = [await judging.get(path), await reviewer.get("/qa/feedback")]
    async with signed_in(app, keys, "robin", "lead") as lead:
        pages += [await lead.get(path), *[await lead.get(f"/appeals?by={by}") for by in ("area", "bundle", "side")]]
    for page in pages:
        assert page.status_code == 200
        assert HOSTILE not in page.text
        assert "test-reviewer" not in page.text or page is pages[1], "their own page names who is signed in"
    assert "&lt;img src=x" in pages[0].text
    assert "Inside" in pages[1].text
    assert "jordan" not in pages[1].text
    assert "jordan" not in pages[2].text
    masked = await judging.get(f"/v1/appeals/{receipt['appeal_id']}/spans/{'0' * 16}")
    assert_error(masked, 404, "not_found")


async def test_originals_are_opened_on_the_record_and_close_with_the_lease(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, judging: httpx.AsyncClient, database: str
) -> None:
    media = await upload(platform, jpeg(scene()))
    made = await restricted(platform, reviewer, fields={"media": [media]})
    receipt = await filed(platform, made["decision_id"])
    held = await taken(judging)
    assert [one["id"] for one in held["media"]] == [media]
    body = {"lease_token": held["token"], "reason": "needed to decide"}
    shown = await judging.post(f"/v1/media/{media}/reveal", json=body)
    assert shown.status_code == 200, shown.text
    assert (await judging.get(shown.json()["url"])).status_code == 200
    assert (await reviewer.post(f"/v1/media/{media}/reveal", json=body)).status_code == 409
    person = "SELECT person IS NOT NULL FROM exposure_spans"
    assert value(database, person)
    assert (await judging.get("/v1/me/exposure")).status_code == 200
    lease = f"/v1/appeals/{receipt['appeal_id']}/lease/release"
    assert (await judging.post(lease, json={"lease_token": held["token"]})).status_code == 204
    assert query(database, "SELECT why FROM exposure_ends") == [("lease",)]
    assert_error(await judging.get(shown.json()["url"]), 409, "lease_stale")
    assert_error(await judging.post(f"/v1/media/{media}/reveal", json=body), 409, "lease_stale")


@pytest.mark.browser
async def test_an_appeal_is_decided_by_another_person_and_never_by_the_same(
    app: FastAPI,
    address: str,
    keys: dict[str, str],
    platform: httpx.AsyncClient,
    database: str,
    cheap_passwords: None,
) -> None:
    async with signed_in(app, keys, "casey") as deciding, signed_in(app, keys, "jordan"):
        made = await restricted(platform, deciding, actions=["remove", "warn"])
    async with chromium() as browser:
        casey = await browser.new_page(base_url=address)
        await sign_in(casey, "casey", PASSWORD)
        link = (await platform.post(f"/v1/decisions/{made['decision_id']}/appeal-link", json={})).json()["path"]

        author = await browser.new_page(base_url=address, java_script_enabled=False, locale="es")
        await author.goto(link)
        await author.fill("#reasons", "Era una broma entre amigos")
        await author.click("form button")
        assert "A-1" in await author.inner_text("dl")

        # Whoever decided is told that it is for somebody else, and is given nothing.
        await casey.goto("/appeals")
        await casey.keyboard.press("n")
        await casey.wait_for_selector("#notice:not([hidden])")
        await casey.click(".appeal-table a")
        await casey.wait_for_selector("text=You had a part in what is appealed")
        assert await casey.locator("#take-this, #outcome").count() == 0

        jordan = await browser.new_page(base_url=address)
        await sign_in(jordan, "jordan", PASSWORD)
        await jordan.goto("/appeals")
        await jordan.keyboard.press("n")
        await jordan.wait_for_selector("#decide:enabled")
        assert await jordan.inner_text("[data-testid=reasons]") == "Era una broma entre amigos"
        assert "casey" not in await jordan.content()
        await jordan.keyboard.press("3")
        await jordan.keyboard.press("Control+Enter")
        assert await jordan.inner_text("#standing-problem")
        assert await jordan.inner_text("#explanation-problem")
        await jordan.check("[name=standing][value=warn]", force=True)
        await jordan.select_option("#reason-code", "disproportionate")
        await jordan.fill("#explanation", "A warning is enough.")
        await jordan.keyboard.press("Control+Enter")
        await jordan.wait_for_selector("#outcome-title")
        assert await carry_out(app) == 1
        await casey.goto("/qa/feedback")
        told = await casey.inner_text("[data-testid=appeal-feedback]")
        assert "jordan" not in told
        assert "Remove" in told
    assert query(database, "SELECT outcome, reversed, standing FROM appeals") == [("partly", ["remove"], ["warn"])]
