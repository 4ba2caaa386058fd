"""The pages as a browser gets them: headers, guards, redirects, and hostile content that stays text."""

import dataclasses
import itertools
import math
import re
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from labeling.taxonomy import Taxonomy
from service.db import sqlalchemy_url
from service.pages.rendering import PageRoute
from service.pages.static import FOLDER, KEEP_FOR_EVER
from tests.conftest import bearer

_numbers = itertools.count(1)
PASSWORD = "long enough to be one"
NO_ID = "018f0000-0000-7000-8000-000000000000"
HOSTILE = [
    "<script>alert(1)</script>",
    "</div><img src=x onerror=alert(1)>",
    "\"' onmouseover='alert(1)'",
    "{{ 7 * 7 }}{% include 'layout.html' %}",
    "\u202eoverride and \u200bzero width",
    "W" * 4000,
]


async def add_report(client: httpx.AsyncClient, keys: dict[str, str], **subject: Any) -> str:
    """Report something; returns the id of its case."""
    number = next(_numbers)
    body = {
        "channel": "user",
        "reason": subject.pop("reason", "harassment"),
        "note": subject.pop("note", ""),
        "reporter": {"id": subject.pop("reporter", "r1")},
        "subject": {"id": f"post-{number}", "kind": "post", "text": "text", "language": "en", "media": [], **subject},
    }
    headers = {**bearer(keys["platform"]), "Idempotency-Key": f"k{number}"}
    answer = await client.post("/v1/reports", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["case_id"])


async def claim(client: httpx.AsyncClient, keys: dict[str, str]) -> dict[str, Any]:
    answer = await client.post("/v1/queues/default/claim", headers=bearer(keys["reviewer"]))
    assert answer.status_code == 200, answer.text
    claimed: dict[str, Any] = answer.json()
    return claimed


def assert_is_safe_page(answer: httpx.Response) -> None:
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    # What the policy would block must not be there either, or a page is broken in the browser only.
    assert not re.search(r"<script(?![^>]*\bsrc=)", answer.text)
    assert not re.search(r"\sstyle=|<style|\son[a-z]+=\"", answer.text)
    assert "http://" not in answer.text.replace("http://www.w3.org/2000/svg", "")


@pytest.mark.parametrize("path", ["/", "/console", "/cases/01890a5d-ac96-774b-bcce-b302099a8057"])
async def test_signed_out_is_sent_to_sign_in(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)

    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in")


async def test_sign_in_leads_back_to_the_page_that_was_asked_for(client: httpx.AsyncClient) -> None:
    answer = await client.get("/cases/01890a5d-ac96-774b-bcce-b302099a8057", follow_redirects=True)

    assert answer.status_code == 200
    assert 'data-next="/cases/01890a5d-ac96-774b-bcce-b302099a8057"' in answer.text
    assert_is_safe_page(answer)


async def test_sign_in_leads_back_to_every_page(client: httpx.AsyncClient, app: FastAPI) -> None:
    routers = [getattr(part, "original_router", None) for part in app.routes]
    pages = {
        route.path
        for router in routers
        if router
        for route in router.routes
        if isinstance(route, PageRoute) and "GET" in (route.methods or ()) and "{" not in route.path
    } - {"/", "/sign-in"}
    assert {"/console", "/exposure", "/qa/objections"} <= pages
    lost = [path for path in pages if f'data-next="{path}"' not in (await client.get(f"/sign-in?next={path}")).text]
    assert lost == []


@pytest.mark.parametrize(
    "target", ["https://evil.test", "//evil.test", "/\\evil.test", "/v1/me", "javascript:alert(1)"]
)
async def test_sign_in_leads_nowhere_else(client: httpx.AsyncClient, target: str) -> None:
    answer = await client.get("/sign-in", params={"next": target})

    assert 'data-next="/console"' in answer.text
    assert "evil" not in answer.text


async def test_session_cookie_opens_the_console(client: httpx.AsyncClient, keys: dict[str, str]) -> None:
    person = {"username": "pat", "role": "reviewer", "password": PASSWORD}
    await client.post("/v1/people", json=person, headers=bearer(keys["admin"]))
    signed_in = await client.post("/v1/session", json={"username": "pat", "password": PASSWORD})
    assert signed_in.status_code == 204

    assert (await client.get("/")).headers["location"] == "/console"
    assert (await client.get("/sign-in")).headers["location"] == "/console"
    answer = await client.get("/console")
    assert answer.status_code == 200
    assert "pat" in answer.text
    assert_is_safe_page(answer)


async def test_console_lists_what_waits_without_content(client: httpx.AsyncClient, keys: dict[str, str]) -> None:
    for number in range(12):
        await add_report(client, keys, text=f"secret words {number}", views_per_hour=10 * number)

    answer = await client.get("/console", headers=bearer(keys["reviewer"]))

    assert answer.status_code == 200
    assert "secret words" not in answer.text
    assert 'id="claim"' in answer.text
    assert "Claim next case" in answer.text
    assert answer.text.count('<td class="span">') == 10
    risks = [float(value) for value in re.findall(r'<data value="([^"]+)">', answer.text)]
    assert risks == sorted(risks, reverse=True)


async def test_console_of_a_role_that_does_not_review_has_numbers_only(
    client: httpx.AsyncClient, keys: dict[str, str]
) -> None:
    await add_report(client, keys)

    answer = await client.get("/console", headers=bearer(keys["ml"]))

    assert answer.status_code == 200
    assert 'data-testid="open-count">1<' in answer.text
    assert 'id="claim"' not in answer.text
    assert 'data-testid="upcoming"' not in answer.text
    assert "roles that review" in answer.text


async def test_console_lists_cases_in_hand(client: httpx.AsyncClient, keys: dict[str, str]) -> None:
    case_id = await add_report(client, keys)
    await claim(client, keys)

    answer = await client.get("/console", headers=bearer(keys["reviewer"]))

    assert f'href="/cases/{case_id}"' in answer.text
    assert "In your hands" in answer.text
    assert "Continue your case" in answer.text
    assert 'aria-disabled="true"' not in answer.text
    assert case_id not in (await client.get("/console", headers=bearer(keys["lead"]))).text


@pytest.mark.parametrize("hostile", HOSTILE)
async def test_hostile_content_stays_text(client: httpx.AsyncClient, keys: dict[str, str], hostile: str) -> None:
    short = hostile[:200]
    case_id = await add_report(client, keys, text=hostile, note=hostile, reporter=short, author={"id": short})
    await claim(client, keys)

    for role in ("reviewer", "lead"):
        answer = await client.get(f"/cases/{case_id}", headers=bearer(keys[role]))
        assert answer.status_code == 200
        assert_is_safe_page(answer)
        assert "<script>alert" not in answer.text
        assert "<img src=x" not in answer.text
        assert "onmouseover='alert" not in answer.text
        assert "49" not in re.findall(r'data-testid="content"[^>]*>([^<]*)<', answer.text)[0]


async def test_case_in_hand_carries_its_lease_and_the_form(client: httpx.AsyncClient, keys: dict[str, str]) -> None:
    case_id = await add_report(client, keys)
    lease = (await claim(client, keys))["lease"]

    answer = await client.get(f"/cases/{case_id}", headers=bearer(keys["reviewer"]))

    assert f'data-token="{lease["token"]}"' in answer.text
    assert "Why this case ranks here" in answer.text
    for hook in ('name="actions"', 'id="policy-area"', 'name="severity"', 'id="note"', 'id="decide"', 'id="why"'):
        assert hook in answer.text


@pytest.mark.parametrize(("actions", "digits"), [(1, ["1"]), (3, ["1", "…", "3"]), (12, ["1", "…", "9"])])
async def test_keys_of_a_case_are_those_that_its_actions_have(
    app: FastAPI, client: httpx.AsyncClient, keys: dict[str, str], actions: int, digits: list[str]
) -> None:
    case_id = await add_report(client, keys)
    await claim(client, keys)
    taxonomy: Taxonomy = app.state.taxonomy
    many = tuple(dataclasses.replace(taxonomy.actions[0], id=f"action_{number}") for number in range(actions))
    app.state.taxonomy = dataclasses.replace(taxonomy, actions=many)

    page = (await client.get(f"/cases/{case_id}", headers=bearer(keys["reviewer"]))).text

    help_on_keys = re.search(r"<dt>(.*)</dt>\s*<dd>Choose or drop an action", page)
    assert help_on_keys
    assert re.findall(r"<kbd>(.*?)</kbd>", help_on_keys.group(1)) == digits
    assert len(re.findall(r'aria-keyshortcuts="\d"', page)) == int(digits[-1])


async def test_case_of_another_is_for_reading_only(client: httpx.AsyncClient, keys: dict[str, str]) -> None:
    case_id = await add_report(client, keys)
    lease = (await claim(client, keys))["lease"]

    answer = await client.get(f"/cases/{case_id}", headers=bearer(keys["lead"]))

    assert answer.status_code == 200
    assert lease["token"] not in answer.text
    assert 'id="decide"' not in answer.text
    assert 'class="button reveal"' not in answer.text
    assert 'data-testid="timeline"' in answer.text


async def test_decided_case_shows_its_decision(client: httpx.AsyncClient, keys: dict[str, str]) -> None:
    case_id = await add_report(client, keys)
    lease = (await claim(client, keys))["lease"]
    decision = {
        "lease_token": lease["token"],
        "actions": ["remove", "warn"],
        "policy_area": "harassment",
        "severity": 2,
        "note": "<b>clear</b>",
    }
    decided = await client.post(f"/v1/cases/{case_id}/decisions", json=decision, headers=bearer(keys["reviewer"]))
    assert decided.status_code == 201, decided.text

    answer = await client.get(f"/cases/{case_id}", headers=bearer(keys["lead"]))

    assert "Remove, Warn the author" in answer.text
    assert "&lt;b&gt;clear&lt;/b&gt;" in answer.text
    assert "test-reviewer" not in answer.text


async def test_parts_on_the_page_reproduce_the_rank(
    client: httpx.AsyncClient, keys: dict[str, str], taxonomy: Taxonomy
) -> None:
    case_id = await add_report(client, keys, views_per_hour=640, reason="privacy")
    claimed = await claim(client, keys)

    page = (await client.get(f"/cases/{case_id}", headers=bearer(keys["reviewer"]))).text

    harm = numbers(page, "harm")
    rank = numbers(page, "rank")
    parts = claimed["case"]["rank"]["parts"]
    *shares, total = harm
    assert "other areas together" in table(page, "harm")
    products = [shares[at : at + 3] for at in range(0, len(shares) - len(shares) % 3, 3)]
    assert all(math.isclose(chance * weight, product) for chance, weight, product in products)
    assert math.isclose(sum(product for _, _, product in products) + sum(shares[3 * len(products) :]), total)
    one_view, views, minutes, waiting, now = rank
    assert math.isclose(one_view, total)
    assert math.isclose(one_view * views / minutes * waiting, now)
    stored = math.log2(now / waiting) + parts["waiting_bonus"]
    assert math.isclose(stored, claimed["case"]["rank"]["value"])


def table(page: str, name: str) -> str:
    found = re.search(rf'<table class="parts" data-testid="{name}">(.*?)</table>', page, re.DOTALL)
    assert found
    return found.group(1)


def numbers(page: str, name: str) -> list[float]:
    return [float(value) for value in re.findall(r'<data value="([^"]+)"', table(page, name))]


async def test_unscored_case_says_so_and_suggests_nothing(client: httpx.AsyncClient, keys: dict[str, str]) -> None:
    case_id = await add_report(client, keys)
    await claim(client, keys)

    page = (await client.get(f"/cases/{case_id}", headers=bearer(keys["reviewer"]))).text

    assert "Not scored yet" in page
    assert 'data-testid="no-score"' in page
    assert "Suggested by the model" not in page


@pytest.mark.parametrize(
    ("path", "role", "status"),
    [
        ("/cases/01890a5d-ac96-774b-bcce-b302099a8057", "reviewer", 404),
        ("/cases/nothing-like-an-id", "reviewer", 404),
        ("/cases/01890a5d-ac96-774b-bcce-b302099a8057", "ml", 403),
    ],
)
async def test_errors_are_pages(
    client: httpx.AsyncClient, keys: dict[str, str], path: str, role: str, status: int
) -> None:
    answer = await client.get(path, headers=bearer(keys[role]))

    assert answer.status_code == status
    assert "Back to the console" in answer.text
    assert_is_safe_page(answer)


@pytest.mark.parametrize(
    ("sums", "addresses"),
    [
        ("scorecards", ("/scorecards", "/v1/scorecards")),
        ("results of plans", (f"/qa/plans/{NO_ID}", f"/v1/qa/plans/{NO_ID}/results")),
    ],
)
async def test_long_sums_are_made_a_few_at_a_time_for_pages_too(
    app: FastAPI, client: httpx.AsyncClient, keys: dict[str, str], sums: str, addresses: tuple[str, str]
) -> None:
    with app.state.turns.of(sums), app.state.turns.of(sums):
        for address in addresses:
            assert (await client.get(address, headers=bearer(keys["lead"]))).status_code == 429
    for address in addresses:
        assert (await client.get(address, headers=bearer(keys["lead"]))).status_code in {200, 404}


async def test_more_readers_than_connections_get_a_page(
    app: FastAPI, client: httpx.AsyncClient, keys: dict[str, str], database: str
) -> None:
    narrow = create_async_engine(sqlalchemy_url(database), pool_size=1, max_overflow=0, pool_timeout=0.2)
    app.state.engine = narrow
    async with narrow.connect() as held:
        await held.execute(text("SELECT 1"))
        answer = await client.get("/console", headers=bearer(keys["reviewer"]))

    assert answer.status_code == 429
    assert "try again in a moment" in answer.text
    assert_is_safe_page(answer)
    assert (await client.get("/console", headers=bearer(keys["reviewer"]))).status_code == 200


async def test_static_files_are_kept_for_ever_at_an_address_that_changes(client: httpx.AsyncClient) -> None:
    page = (await client.get("/sign-in")).text
    addresses = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page))

    assert len(addresses) == 4
    for address in addresses:
        answer = await client.get(address)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == KEEP_FOR_EVER
    assert (await client.get("/static/000000000000/style.css")).status_code == 404


def test_modules_import_only_each_other() -> None:
    for module in FOLDER.glob("*.js"):
        for target in re.findall(r'from "([^"]+)"', module.read_text(encoding="utf-8")):
            assert (FOLDER / target).resolve().is_file(), f"{module.name} imports {target}"
            assert target.startswith("./")
