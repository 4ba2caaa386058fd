"""Translations: asked for by who holds the case, from a service that may be slow, broken or somewhere it should not be."""

import dataclasses
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from service.settings import Settings, SettingsError
from service.translation.workflow import configured
from tests.service.steps import Body, claim, query, report

SAID = "You will regret it, whore."


class Service(ThreadingHTTPServer):
    """A translation service with the answer that a test wants; it keeps what it was asked."""

    answer = (200, json.dumps({"text": SAID}).encode())
    waits = 0.0
    asked: list[tuple[dict[str, str], Body]]


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        service: Service = self.server  # type: ignore[assignment]
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        service.asked.append(({name.lower(): value for name, value in self.headers.items()}, body))
        threading.Event().wait(service.waits)
        status, said = service.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_values: object) -> None:
        """Say nothing."""


@pytest.fixture
def service() -> Iterator[Service]:
    server = Service(("127.0.0.1", 0), Handler)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def settings(database: str, tmp_path: Path, service: Service) -> Settings:
    """With a translation service on this machine, which has to be allowed."""
    return Settings.model_validate(
        {
            "data_dir": tmp_path / "data",
            "database_url": database,
            "undo_seconds": 0,
            "image_model": "none",
            "translation_url": f"http://localhost:{service.server_port}/translate",
            "translation_key": "of the desk",
            "translation_private": True,
            "translation_seconds": 2,
        }
    )


@pytest.fixture
async def held(platform: httpx.AsyncClient, reviewer: httpx.AsyncClient) -> Body:
    await report(platform, text="Das wirst du bereuen.", language="de")
    return await claim(reviewer)


async def ask(
    person: httpx.AsyncClient, held: Body, *, masked: bool = False, token: str | None = None
) -> httpx.Response:
    body = {"lease_token": token or held["lease"]["token"], "masked": masked}
    return await person.post(f"/v1/cases/{held['case']['id']}/translation", json=body)


async def test_the_text_goes_out_and_comes_back_marked_and_counted_without_a_word_kept(
    reviewer: httpx.AsyncClient, held: Body, service: Service, database: str
) -> None:
    answer = await ask(reviewer, held)
    assert answer.json() == {"text": SAID, "source": "de", "target": "en", "by": "machine"}
    assert "no-store" in answer.headers["Cache-Control"]
    [(headers, body)] = service.asked
    assert body == {"text": "Das wirst du bereuen.", "source": "de", "target": "en"}
    assert headers["authorization"] == "Bearer of the desk"
    assert headers["host"] == f"localhost:{service.server_port}"
    [(data,)] = query(database, "SELECT data FROM events WHERE kind = 'translation.asked'")
    assert data == {"source": "de", "target": "en", "characters": len("Das wirst du bereuen.")}


async def test_half_a_sign_is_shown_as_one_that_is_missing(
    reviewer: httpx.AsyncClient, held: Body, service: Service
) -> None:
    service.answer = (200, b'{"text": "so \\ud83d and \\ud83d\\ude00"}')
    assert (await ask(reviewer, held)).json()["text"] == "so \ufffd and \U0001f600"


async def test_masked_as_the_original_is(reviewer: httpx.AsyncClient, held: Body) -> None:
    assert (await ask(reviewer, held, masked=True)).json()["text"] == "You will regret it, •••••."
    page = (await reviewer.get(f"/cases/{held['case']['id']}")).text
    assert 'id="translate"' in page


async def test_only_who_holds_the_case_may_ask(
    reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, held: Body, service: Service
) -> None:
    assert (await ask(colleague, held)).json()["error"] == "lease_stale"
    other = "018f0000-0000-7000-8000-000000000000"
    assert (await ask(reviewer, held, token=other)).json()["error"] == "lease_stale"
    assert service.asked == []


async def test_what_is_for_people_alone_is_given_to_no_machine(
    reviewer: httpx.AsyncClient, held: Body, service: Service, database: str
) -> None:
    query(database, "UPDATE evidence SET score_state = 'bypassed' RETURNING id")
    assert (await ask(reviewer, held)).json()["error"] == "no_translation"
    assert service.asked == []
    assert 'id="translate"' not in (await reviewer.get(f"/cases/{held['case']['id']}")).text


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((500, b"{}"), "answered 500"),
        ((302, b"{}"), "answered 302"),
        ((200, b"no json"), "did not answer with JSON"),
        ((200, b'{"text": ""}'), "without a text"),
        ((200, b'{"text": "' + b"x" * 1_000_001 + b'"}'), "more than 1,000,000 bytes"),
        ((200, b'{"text": "' + b"x" * 80_001 + b'"}'), "more than 80,000 characters"),
        ((200, b"[" * 100_000), "did not answer with JSON"),
    ],
    ids=["broken", "redirect", "no json", "empty", "too much", "too long", "too deep"],
)
async def test_what_is_no_translation_is_said_to_be_none(
    reviewer: httpx.AsyncClient, held: Body, service: Service, answer: tuple[int, bytes], told: str
) -> None:
    service.answer = answer
    refused = await ask(reviewer, held)
    assert (refused.status_code, refused.json()["error"]) == (502, "translation_failed")
    assert told in refused.json()["detail"]


async def test_slow_and_absent_services_are_given_up(
    app: FastAPI, reviewer: httpx.AsyncClient, held: Body, service: Service
) -> None:
    service.waits = 1
    app.state.translator = dataclasses.replace(app.state.translator, seconds=0.2)
    assert "within 0.2 seconds" in (await ask(reviewer, held)).json()["detail"]
    app.state.translator = dataclasses.replace(app.state.translator, url=httpx.URL("http://localhost:1/"), seconds=60)
    assert "cannot be reached" in (await ask(reviewer, held)).json()["detail"]


async def test_a_private_address_is_not_called_unless_allowed(
    app: FastAPI, reviewer: httpx.AsyncClient, held: Body, service: Service
) -> None:
    app.state.translator = dataclasses.replace(app.state.translator, private=False)
    refused = await ask(reviewer, held)
    assert "TRIAGE_TRANSLATION_PRIVATE" in refused.json()["detail"]
    assert service.asked == []


async def test_without_a_service_nothing_is_offered(app: FastAPI, reviewer: httpx.AsyncClient, held: Body) -> None:
    app.state.translator = None
    assert (await ask(reviewer, held)).json()["error"] == "no_translation"
    assert 'id="translate"' not in (await reviewer.get(f"/cases/{held['case']['id']}")).text


def test_an_address_that_would_leak_is_refused_at_the_start(tmp_path: Path) -> None:
    def of(url: str) -> Settings:
        return Settings.model_validate({"data_dir": tmp_path, "translation_url": url})

    assert configured(Settings(data_dir=tmp_path)) is None
    assert configured(of("https://translate.example/v1")) is not None
    with pytest.raises(SettingsError, match="https only"):
        configured(of("http://translate.example/v1"))
    with pytest.raises(SettingsError, match="TRIAGE_TRANSLATION_KEY"):
        configured(of("https://me:secret@translate.example/v1"))
