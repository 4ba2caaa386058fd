"""Headers that keep answers from being run, framed or kept: on pages, data, files and errors alike."""

import httpx
import pytest
from fastapi import FastAPI

from service.headers import DEFAULTS
from service.pages.rendering import HEADERS
from service.pages.static import KEEP_FOR_EVER, static_prefix
from tests.conftest import bearer
from tests.service.steps import query

HTML = {"Accept": "text/html"}
NO_ID = "018f0000-0000-7000-8000-000000000000"
PAGES = ["/sign-in", "/console", f"/cases/{NO_ID}", "/cases/none", "/policies/none", "/nothing-here"]
DATA = [
    *("/v1/me", "/v1/queues", f"/v1/cases/{NO_ID}", "/v1/nothing-here", "/v1/log"),
    *("/openapi.json", "/livez", "/readyz", "/metrics"),
]


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_has_the_policy_of_pages(client: httpx.AsyncClient, keys: dict[str, str], path: str) -> None:
    for headers in ({}, bearer(keys["reviewer"])):
        answer = await client.get(path, headers={**HTML, **headers})
        assert answer.status_code in {200, 303, 404}
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS


@pytest.mark.parametrize("path", DATA)
async def test_data_can_be_neither_run_nor_framed_nor_kept(
    client: httpx.AsyncClient, keys: dict[str, str], path: str
) -> None:
    for headers in ({}, bearer(keys["reviewer"])):
        answer = await client.get(path, headers=headers)
        assert {name: answer.headers[name] for name in DEFAULTS} == DEFAULTS


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/v1/session"), ("POST", "/v1/session"), ("POST", "/v1/reports"), ("TRACE", "/v1/me"), ("POST", "/")],
)
async def test_refusals_are_no_exception(client: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await client.request(method, path, content=b"{")
    assert answer.status_code in {401, 405, 422, 400}
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_failures_are_no_exception(app: FastAPI, client: httpx.AsyncClient, keys: dict[str, str]) -> None:
    del app.state.blur_rules
    for accept in ("text/html", "application/json"):
        headers = {**bearer(keys["reviewer"]), "Accept": accept}
        answer = await client.get("/qa/review", headers=headers)
        assert answer.status_code == 500
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("name", ["style.css", "page.js", "icon.svg", "missing.js", "../rendering.py"])
async def test_static_files_are_kept_but_never_run_as_something_else(client: httpx.AsyncClient, name: str) -> None:
    answer = await client.get(f"{static_prefix()}/{name}")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    # Opened by itself, a picture in this format could hold a script.
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    kept = answer.headers["cache-control"]
    assert kept == (KEEP_FOR_EVER if answer.status_code == 200 else "no-store")


async def test_the_policy_allows_nothing_inline_and_nobody_else(client: httpx.AsyncClient, database: str) -> None:
    policy = (await client.get("/sign-in")).headers["content-security-policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules.pop("default-src") == "'none'"
    assert {name: sources for name, sources in rules.items() if sources not in {"'self'", "'none'"}} == {}
    assert {"script-src", "style-src", "form-action", "base-uri", "frame-ancestors"} <= set(rules)
    assert query(database, "SELECT count(*) FROM sessions") == [(0,)]
