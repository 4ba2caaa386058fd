"""Pages in the language of whoever reads them."""

import json
import re
from datetime import UTC, date, datetime

import httpx
import pytest
from fastapi import FastAPI
from playwright.async_api import Page, expect
from starlette.requests import Request

from service.catalogues import Catalogue, catalogues
from service.errors.availability import DatabaseUnavailableError
from service.errors.base import TriageError
from service.pages.failures import FAILURES
from service.pages.language import _, language_of, ngettext, speaking
from service.pages.rendering import _environment, error_page, reading
from service.pages.static import KEEP_FOR_EVER, static_prefix
from service.pages.views import in_words
from service.pages.words import amount, chance, day, duration, moment
from service.ranking.words import say
from tests.conftest import bearer, client_of
from tests.journey.browsing import chromium, new_page, sign_in
from tests.service.pages.conftest import PASSWORD
from tests.service.pages.wording import in_pseudo, speak_pseudo, untranslated


def request_with(path: str = "/floor", **headers: str) -> Request:
    listed = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "path": path, "headers": listed, "query_string": b"", "endpoint": None})


@pytest.mark.parametrize(
    ("headers", "spoken"),
    [
        ({}, "en"),
        ({"accept_language": "es-MX,es;q=0.9,en;q=0.8"}, "es"),
        ({"accept_language": "de,en;q=0.5,es;q=0.7"}, "es"),
        ({"accept_language": "es;q=0,en"}, "en"),
        ({"accept_language": ";;q=x,,*"}, "en"),
        ({"accept_language": "fr"}, "en"),
        ({"accept_language": "en", "cookie": "triage_language=es"}, "es"),
        ({"accept_language": "es", "cookie": "triage_language=xx"}, "es"),
    ],
)
def test_language_is_the_chosen_one_else_the_one_asked_for(headers: dict[str, str], spoken: str) -> None:
    assert language_of(request_with(**headers)) == spoken


def test_numbers_and_times_are_written_as_the_language_writes_them() -> None:
    with speaking("es"):
        assert amount(1_234_567.8) == "1.234.568"
        assert amount(19.23) == "19,2"
        assert chance(0.0412, 1) == "4,1 %"
        assert duration(187_300) == "2 d 4 h"
        assert moment(datetime(2026, 9, 3, 7, 5, tzinfo=UTC)) == "3 sept 2026, 07:05 UTC"
        assert day(date(2026, 11, 3)) == "3 nov 2026"
        recorded = ngettext(
            "Recorded for one case: %(summary)s.", "Recorded for %(num)s cases: %(summary)s.", 1200, summary="x"
        )
        assert recorded == "Registrado para 1.200 casos: x."
    assert day(date(2026, 9, 3)) == "3 Sep 2026"


def test_a_sentence_of_the_service_is_said_in_the_language_of_the_page() -> None:
    views_an_hour = say("%(views)s views an hour multiply that harm.", views="1,200")
    assert str(views_an_hour) == "1,200 views an hour multiply that harm."
    with speaking("es"):
        assert in_words(views_an_hour).startswith("1.200 ")
        assert "2,5 " in in_words(say("What is due first goes first: %(due)s.", due=say("%(h)s", h="2.5 h")))


def test_messages_without_a_translation_stay_and_nothing_is_nothing() -> None:
    with speaking("es"):
        assert (_("Close"), _("No such message"), _("")) == ("Cerrar", "No such message", "")
    assert ngettext("one", "%(num)s of %(all)s", 1500, all=2000) == "1,500 of 2,000"


def test_names_from_data_are_text_and_never_markup() -> None:
    template = _environment().from_string(
        "{{ _(name) }}|{{ _('Until %(when)s', when=name) }}|{% trans %}50 % of <b>{{ name }}</b>{% endtrans %}"
        "|{% trans count=n %}one{% pluralize %}{{ count }} of {{ name }}{% endtrans %}"
    )
    said = template.render(name="<i>100 %s</i>", n=1200)
    safe = "&lt;i&gt;100 %s&lt;/i&gt;"
    assert said == f"{safe}|Until {safe}|50 % of <b>{safe}</b>|1,200 of {safe}"


async def test_choice_is_kept_with_the_account_and_in_the_browser(
    app: FastAPI, client: httpx.AsyncClient, keys: dict[str, str], cheap_passwords: None
) -> None:
    person = {"username": "pat", "role": "reviewer", "password": PASSWORD}
    await client.post("/v1/people", json=person, headers=bearer(keys["admin"]))
    body = {"username": "pat", "password": PASSWORD}
    assert "triage_language" not in (await client.post("/v1/session", json=body)).cookies
    assert (await client.put("/v1/me/language", json={"language": "xx"})).status_code == 422
    assert '<html lang="en">' in (await client.get("/console")).text
    assert (await client.put("/v1/me/language", json={"language": "es"})).status_code == 204
    assert '<html lang="es">' in (await client.get("/console")).text
    async with client_of(app) as elsewhere:
        assert (await elsewhere.post("/v1/session", json=body)).cookies["triage_language"] == "es"
        assert (await elsewhere.get("/v1/me")).json()["interface_language"] == "es"
        assert "Cerrar sesión" in (await elsewhere.get("/console")).text


async def test_sign_in_page_changes_its_language_and_says_why(client: httpx.AsyncClient) -> None:
    asked = await client.get("/sign-in?speak=es&why=idle&next=/floor")
    assert "llevabas un rato sin actividad" in asked.text
    assert 'data-next="/floor"' in asked.text
    assert "Iniciar sesión" in (await client.get("/sign-in")).text
    assert 'id="why"' not in (await client.get("/sign-in?speak=xx&why=%3Cb%3E")).text


async def test_who_had_a_session_is_told_that_it_ended(client: httpx.AsyncClient) -> None:
    client.cookies.set("triage_session", "gone")
    assert (await client.get("/floor")).headers["location"] == "/sign-in?next=%2Ffloor&why=ended"


async def test_words_of_scripts_are_kept_for_ever(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{static_prefix()}/words/es.js")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, KEEP_FOR_EVER)
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["content-encoding"] == "gzip"
    messages = json.loads(re.findall(r"export const messages = (.*);", answer.text)[0])
    assert messages["One case is open again."][1] == "%(num)s casos vuelven a estar abiertos."
    assert "Skip to the content" not in messages
    for missing in ("words/en.js", "words/xx.js", "words/../es.js"):
        assert (await client.get(f"{static_prefix()}/{missing}")).status_code == 404


@pytest.mark.parametrize("status", FAILURES)
async def test_every_failure_has_a_page_that_helps(status: int) -> None:
    class PlannedError(TriageError):
        code = "database_unavailable"

    PlannedError.status = status
    request = request_with(accept_language="es")
    request.scope["app"] = FastAPI()
    request.scope["app"].state.engine = _Nobody()
    with reading(request):
        page = await error_page(request, PlannedError("it is <gone>", headers={"Retry-After": "7"}))
    text = bytes(page.body).decode()
    assert (page.status_code, page.headers["retry-after"]) == (status, "7")
    assert 'lang="en">It is &lt;gone&gt;.' in text
    assert "No se llega a la base de datos" in text
    assert "código database_unavailable" in text
    assert ('data-waits="7"' in text) is (status in {429, 503})
    with speaking("es"):
        assert all(_(one) in text for one in (FAILURES[status].title, *FAILURES[status].advice))


class _Nobody:
    def connect(self) -> object:
        raise TriageError("not here")


async def test_failures_keep_the_menu_of_whoever_is_signed_in(client: httpx.AsyncClient, keys: dict[str, str]) -> None:
    refused = await client.get("/floor", headers=bearer(keys["reviewer"]))
    assert refused.status_code == 403
    assert 'href="/work"' in refused.text
    assert 'href="/floor"' not in refused.text
    headers = {**bearer(keys["admin"]), "Accept": "text/html"}
    missing = await client.get("/nowhere", headers=headers)
    assert (missing.status_code, 'href="/admin/people"' in missing.text) == (404, True)
    assert "There is nothing" not in missing.text


@pytest.mark.parametrize(
    ("role", "shown", "hidden"),
    [
        (
            "reviewer",
            {"/console", "/work", "/search", "/policies", "/qa", "/exposure"},
            {"/floor", "/routing", "/admin/people"},
        ),
        (
            "lead",
            {"/floor", "/routing", "/ranking", "/banks", "/scorecards", "/models"},
            {"/admin/people", "/admin/keys"},
        ),
        ("admin", {"/floor", "/admin/people", "/admin/keys", "/admin/webhooks"}, {"/work", "/qa", "/exposure"}),
        ("ml", {"/console", "/models", "/policies"}, {"/work", "/floor", "/routing", "/admin/queues"}),
    ],
)
async def test_menu_holds_what_a_role_may_open(
    client: httpx.AsyncClient, keys: dict[str, str], role: str, shown: set[str], hidden: set[str]
) -> None:
    page = (await client.get("/policies", headers=bearer(keys[role]))).text
    links = set(re.findall(r'<a href="([^"]+)"', page.partition("<main")[0]))
    assert shown <= links
    assert not hidden & links
    assert re.search(r'href="/policies" aria-current="page"', page)


def test_languages_name_themselves() -> None:
    assert [(one.code, one.name) for one in catalogues().values()] == [("en", "English"), ("es", "Español")]
    assert all(isinstance(one, Catalogue) for one in catalogues().values())


@pytest.mark.browser
async def test_menu_languages_and_a_service_that_goes_away(page: Page) -> None:
    """One browser for the frame of every page."""
    await page.click("#me")
    await page.keyboard.press("Escape")
    await expect(page.locator("#sign-out")).to_be_hidden()
    await expect(page.locator("#me")).to_be_focused()
    await page.set_viewport_size({"width": 390, "height": 800})
    await expect(page.get_by_role("link", name="My work")).to_be_hidden()
    await page.get_by_role("button", name="Menu").click()
    await expect(page.get_by_role("link", name="My work")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("link", name="My work")).to_be_hidden()
    await page.set_viewport_size({"width": 1366, "height": 768})

    gone = DatabaseUnavailableError("the database cannot be reached", headers={"Retry-After": "1"})
    body = bytes((await error_page(request_with(), gone)).body).decode()
    await page.route(
        "**/policies", lambda route: route.fulfill(status=503, content_type="text/html", body=body), times=1
    )
    await page.route("**/readyz", lambda route: route.fulfill(status=200, body="{}"))
    await page.goto("/policies")
    await expect(page.locator("#waiting")).to_be_visible()
    await expect(page.get_by_role("heading", name="Policies")).to_be_visible()

    await page.evaluate("document.body.insertAdjacentHTML('beforeend', '<input type=search id=probe>')")
    await page.locator("#probe").press_sequentially("g?/")
    await expect(page.locator("#probe")).to_have_value("g?/")

    await page.click("#me")
    await page.get_by_role("button", name="Español").click()
    await expect(page.locator("html")).to_have_attribute("lang", "es", timeout=20_000)
    # Scripts wait for their words.
    await page.wait_for_load_state("networkidle")
    await page.keyboard.press("?")
    await expect(page.get_by_role("heading", name="Teclado")).to_be_visible()
    await page.keyboard.press("Escape")

    await page.route("**/v1/**", lambda route: route.abort())
    await page.unroute("**/readyz")
    await page.route("**/readyz", lambda route: route.abort())
    await page.click("#me")
    await page.get_by_role("button", name="English").click()
    await expect(page.locator("#me-problem")).to_contain_text("Comprueba la conexión")
    line = page.locator(".lost")
    await expect(line).to_contain_text("No se puede llegar al servicio")
    await page.unroute("**/readyz")
    await page.route("**/readyz", lambda route: route.fulfill(status=200, body="{}"))
    await line.get_by_role("button", name="Intentar ahora").click()
    await expect(line).to_contain_text("El servicio vuelve a responder")


@pytest.mark.browser
async def test_no_word_of_the_frame_is_without_a_catalogue(
    address: str, client: httpx.AsyncClient, keys: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    speak_pseudo(monkeypatch)
    person = {"username": "pat", "role": "lead", "password": PASSWORD}
    assert (await client.post("/v1/people", json=person, headers=bearer(keys["admin"]))).status_code == 201
    async with chromium() as browser, new_page(browser, address) as (tab, log):
        await in_pseudo(tab.context, address)
        await tab.goto("/sign-in?why=idle")
        await tab.click("#submit")
        await expect(tab.locator("#sign-in-problem")).to_contain_text("⟦Enter your user name")
        assert await untranslated(tab) == []
        await tab.evaluate("document.body.append('Left out', document.createElement('p'))")
        assert await untranslated(tab) == ["<body> Left out"]
        await sign_in(tab, "pat", PASSWORD)
        await tab.goto("/nowhere")
        assert await untranslated(tab) == []
        log.complaints.clear()
