"""Every page of the route table, with something on it, opened in a browser: accessible, light, and by itself."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi import FastAPI
from playwright.async_api import Browser, ViewportSize

from service.pages.rendering import PageRoute
from service.pages.routes import OWN_PAGES
from service.security import ROLES
from tests.journey.browsing import Log, chromium
from tests.service.pages.furnishing import Furnished, furnish
from tests.service.pages.walking import Findings, look
from tests.service.pages.wording import in_pseudo, speak_pseudo, untranslated

DESK: ViewportSize = {"width": 1366, "height": 768}
# Whoever may open a page opens it: the first of these.
WALKERS = ("lead", "admin", "reviewer")
NOT_WALKED = {
    "/": "leads to the console",
    "/cases/{case_id}/policy/{area}": "a part of the page of a case",
    "/escalations/{escalation_id}/messages": "a part of the page of an escalation",
    "/escalations/{escalation_id}/timeline": "a part of the page of an escalation",
}
SEEN_AS: Any = {"viewport": DESK, "color_scheme": "light", "reduced_motion": "reduce"}
# What would be wrong with a page, and by which words each of it is told.
PLANT = """() => {
    document.querySelector("label").remove();
    document.querySelector("h1").style.color = "#999";
    document.querySelector("button").style.outline = "none";
    document.querySelector("main").style.minWidth = "1500px";
    document.querySelector("h1").insertAdjacentHTML("afterend", `<p onclick="0">planted</p>`);
    fetch("https://elsewhere.test/").catch(() => {});
}"""
PLANTED = (
    "label: #username",
    "color-contrast: h1",
    "no visible focus: button#submit",
    "1500 pixels wide",
    "Content Security",
)
ALONE = "018f0000-0000-7000-8000-000000000000"
# Pages that say why there is nothing to see.
REFUSALS = (("lead", f"/cases/{ALONE}", 404), ("reviewer", "/floor", 403))


def page_routes(app: FastAPI) -> Iterator[PageRoute]:
    """Every page of the route table."""
    for part in app.routes:
        for route in getattr(getattr(part, "original_router", None), "routes", ()):
            if isinstance(route, PageRoute) and "GET" in (route.methods or ()):
                yield route


def capability_of(route: PageRoute) -> str | None:
    """What the page asks of whoever opens it; None for those that are open to all."""
    pending = list(route.dependant.dependencies)
    while pending:
        one = pending.pop()
        if capability := getattr(one.call, "capability", None):
            return str(capability)
        pending += one.dependencies
    return None


def roles_of(route: PageRoute) -> set[str]:
    """Roles that may open the page."""
    asked = capability_of(route)
    return {role for role, has in ROLES.items() if asked is None or asked in has}


def to_walk(app: FastAPI, found: Furnished) -> list[tuple[str, str]]:
    """(role, address) of all that is opened. A page whose address names a thing has to be among what was furnished."""
    shown = {template for template, *_ in found.pages}
    unknown = {route.path for route in page_routes(app) if "{" in route.path} - shown - set(NOT_WALKED)
    assert not unknown, f"furnish() says nothing of {sorted(unknown)}: give each an address and something to show"
    walks = [(role, address) for _, role, address in found.pages]
    plain = [route for route in page_routes(app) if "{" not in route.path and route.path not in NOT_WALKED]
    walks += [(next(role for role in WALKERS if role in roles_of(route)), route.path) for route in plain]
    return list(dict.fromkeys(walks))


async def test_a_page_is_open_to_those_who_have_what_it_asks_for(
    app: FastAPI, client: httpx.AsyncClient, callers: dict[str, httpx.AsyncClient]
) -> None:
    routes = [route for route in page_routes(app) if "{" not in route.path]
    assert len(routes) > 15
    for route in routes:
        for role in ROLES:
            answer = await callers[role].get(route.path)
            may = role in roles_of(route)
            assert answer.status_code in ({200, 303} if may else {403}), (route.path, role, answer.status_code)
        if capability_of(route):
            assert (await client.get(route.path)).headers["location"].startswith("/sign-in"), route.path


def test_a_page_with_no_entry_is_found(app: FastAPI) -> None:
    with pytest.raises(AssertionError, match=r"/cases/\{case_id\}"):
        to_walk(app, Furnished())


async def walk(browser: Browser, address: str, person: httpx.AsyncClient, places: list[tuple[str, int]]) -> list[str]:
    """Open each page as that person; returns what is wrong with them."""
    findings = Findings()
    key = {"Authorization": person.headers["Authorization"]} if "Authorization" in person.headers else {}
    context = await browser.new_context(base_url=address, extra_http_headers=key, **SEEN_AS)
    await in_pseudo(context, address)
    page = await context.new_page()
    log = Log(urlsplit(address).netloc)
    log.watch(page)
    for place, status in places:
        await page.set_viewport_size(DESK)
        log.complaints.clear()
        answer = await page.goto(place)
        assert answer is not None
        assert answer.status == status, place
        await look(page, place, findings)
        findings.add(place, *(f"in no catalogue: {words}" for words in await untranslated(page)))
        findings.add(place, *(one for one in log.complaints if status == 200 or str(status) not in one))
    await context.close()
    return findings.found


async def planted(browser: Browser, address: str) -> list[str]:
    """What is found on a page on which one of each kind was planted."""
    context = await browser.new_context(base_url=address, **SEEN_AS)
    page = await context.new_page()
    log, findings = Log(urlsplit(address).netloc), Findings()
    log.watch(page)
    await page.goto("/sign-in")
    await page.evaluate(PLANT)
    await look(page, "planted", findings)
    await context.close()
    return findings.found + log.complaints


@pytest.mark.browser
async def test_every_page_is_accessible_light_and_keeps_to_itself(
    app: FastAPI,
    address: str,
    client: httpx.AsyncClient,
    callers: dict[str, httpx.AsyncClient],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # In the language whose every word is marked: what stands on a page without a mark is in no catalogue.
    speak_pseudo(monkeypatch)
    walks = to_walk(app, await furnish(callers, app))
    # Whoever has to sign in first comes back to where they were; what needs no account never asks that.
    closed = [place for _, place in walks if not place.startswith(("/sign-in", "/appeal/"))]
    assert [place for place in closed if not OWN_PAGES.fullmatch(urlsplit(place).path)] == []
    people = {**callers, "nobody": client}
    found: list[str] = []
    async with chromium() as browser:
        for role, person in people.items():
            places = [(place, 200) for who, place in walks if who == role and place != "/sign-in"]
            places += [(place, status) for who, place, status in REFUSALS if who == role]
            if role == "nobody":
                places = [("/sign-in", 200)]
            found += await walk(browser, address, person, places)
        seen = "\n".join(await planted(browser, address))
    assert not found, "\n" + "\n".join(found)
    assert [one for one in PLANTED if one not in seen] == [], seen
