"""Sessions: a new one at every sign-in, over by time, idleness or another role, and a cookie that fits where it is used."""

from http.cookies import SimpleCookie
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from service.people.schemas import AccountIn
from service.people.workflow import create_person
from service.sessions import BACKGROUND, EVENT_STREAM, SECURE_SESSION_COOKIE, SESSION_COOKIE
from service.settings import Settings
from tests.conftest import bearer, client_of
from tests.service.steps import assert_error, query, report, value

pytestmark = pytest.mark.usefixtures("cheap_passwords")

PASSWORD = "correct horse battery"
LAST_USED = "SELECT round(extract(epoch FROM now() - used_at)) FROM sessions"


@pytest.fixture(autouse=True)
async def ada(app: FastAPI) -> None:
    async with app.state.engine.begin() as connection:
        await create_person(connection, AccountIn(username="ada", role="reviewer", password=PASSWORD), actor=None)


async def sign_in(client: httpx.AsyncClient, **headers: str) -> httpx.Response:
    body = {"username": "ada", "password": PASSWORD}
    return await client.post("/v1/session", json=body, headers=headers)


async def status_with(client: httpx.AsyncClient, token: str, name: str = SESSION_COOKIE) -> int:
    client.cookies.clear()
    return (await client.get("/v1/me", headers={"Cookie": f"{name}={token}"})).status_code


def unused_for(database: str, minutes: float) -> None:
    query(database, "UPDATE sessions SET used_at = now() - make_interval(secs => %s)", minutes * 60)


async def test_signing_in_again_ends_the_session_before(client: httpx.AsyncClient) -> None:
    await sign_in(client)
    old = client.cookies[SESSION_COOKIE]
    await sign_in(client)
    new = client.cookies[SESSION_COOKIE]
    assert new != old
    assert await status_with(client, old) == 401
    assert await status_with(client, new) == 200


async def test_a_token_that_somebody_planted_is_never_taken_over(client: httpx.AsyncClient, database: str) -> None:
    planted = "planted-" + "x" * 40
    client.cookies.set(SESSION_COOKIE, planted, domain="triage.test")
    answer = await sign_in(client)
    assert SimpleCookie(answer.headers["set-cookie"])[SESSION_COOKIE].value != planted
    assert await status_with(client, planted) == 401
    assert value(database, "SELECT count(*) FROM sessions") == 1


@pytest.mark.parametrize(
    "change", ["role = 'lead'", "password_hash = 'another'", "active = false"], ids=["role", "password", "closed"]
)
async def test_a_change_of_what_somebody_may_do_ends_their_sessions(
    client: httpx.AsyncClient, database: str, change: str
) -> None:
    await sign_in(client)
    query(database, "UPDATE principals SET site = 'Lisbon', role = role WHERE username = 'ada'")
    assert (await client.get("/v1/me")).status_code == 200, "what changes nothing for it leaves it open"
    query(database, f"UPDATE principals SET {change} WHERE username = 'ada'")
    query(database, "UPDATE principals SET active = true WHERE username = 'ada'")
    assert_error(await client.get("/v1/me"), 401, "not_signed_in")


async def test_signing_out_everywhere_ends_every_session_of_that_person_alone(
    app: FastAPI, client: httpx.AsyncClient, database: str
) -> None:
    async with app.state.engine.begin() as connection:
        await create_person(connection, AccountIn(username="bob", role="reviewer", password=PASSWORD), actor=None)
    async with client_of(app) as elsewhere, client_of(app) as bob:
        await sign_in(elsewhere)
        assert (await bob.post("/v1/session", json={"username": "bob", "password": PASSWORD})).status_code == 204
        await sign_in(client)
        assert (await client.delete("/v1/session?everywhere=true")).status_code == 204
        assert_error(await elsewhere.get("/v1/me"), 401, "not_signed_in")
        assert (await bob.get("/v1/me")).status_code == 200
    assert value(database, "SELECT count(*) FROM events WHERE kind = 'person.signed_out_everywhere'") == 1


async def test_a_session_that_nobody_uses_ends_and_the_sign_in_page_says_so(
    client: httpx.AsyncClient, database: str
) -> None:
    await sign_in(client)
    unused_for(database, 59.9)
    assert (await client.get("/v1/me")).status_code == 200
    unused_for(database, 60.1)
    assert_error(await client.get("/v1/me"), 401, "not_signed_in")
    page = await client.get("/console", follow_redirects=True)
    assert "because nothing was done for a while." in page.text
    for end in ("revoked_at = now()", "revoked_at = NULL, expires_at = now()"):
        query(database, f"UPDATE sessions SET {end}")
        assert "Your session has ended" in (await client.get("/sign-in")).text
    client.cookies.clear()
    assert 'id="why"' not in (await client.get("/sign-in")).text


async def test_use_counts_once_a_minute_and_not_what_an_open_page_asks_for(
    client: httpx.AsyncClient, database: str
) -> None:
    await sign_in(client)
    unused_for(database, 0.9)
    await client.get("/v1/me")
    assert value(database, LAST_USED) >= 54, "less than a minute ago says as much as now"
    unused_for(database, 30)
    for path in ("/console", "/v1/me", "/exposure"):
        assert (await client.get(path, headers={BACKGROUND: "true"})).status_code == 200
    # A stream of news, which a page opens again and again, can send no header of its own.
    assert (await client.get("/v1/me", headers={"Accept": EVENT_STREAM})).status_code == 200
    assert value(database, LAST_USED) == 1800
    await client.get("/console")
    assert value(database, LAST_USED) < 60
    # A route whose caller is known in a transaction of its own, before the work begins.
    unused_for(database, 30)
    assert (await client.get("/v1/media/00000000-0000-7000-8000-000000000000/preview")).status_code == 404
    assert value(database, LAST_USED) < 60


async def test_a_use_does_not_wait_for_another(client: httpx.AsyncClient, database: str) -> None:
    await sign_in(client)
    unused_for(database, 30)
    with psycopg.connect(database) as other:
        other.execute("SELECT FROM sessions FOR UPDATE")
        assert (await client.get("/v1/me", timeout=5)).status_code == 200


async def test_a_claim_by_cookie_costs_no_statement_more_than_one_by_key(
    client: httpx.AsyncClient,
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
    database: str,
) -> None:
    counted: list[Any] = []
    execute = psycopg.AsyncCursor.execute

    async def counting(self: Any, query: Any, *values: Any, **named: Any) -> Any:
        counted.append(query)
        return await execute(self, query, *values, **named)

    for number in range(6):
        await report(platform, f"post-{number}")
    await sign_in(client)
    for caller in (client, reviewer):
        assert (await caller.post("/v1/queues/default/claim")).status_code == 200
    monkeypatch.setattr(psycopg.AsyncCursor, "execute", counting)

    async def statements(caller: httpx.AsyncClient) -> int:
        counted.clear()
        assert (await caller.post("/v1/queues/default/claim")).status_code == 200
        return len(counted)

    by_key = await statements(reviewer)
    assert by_key > 1
    assert await statements(client) == by_key
    unused_for(database, 2)
    assert await statements(client) == by_key + 1, "once a minute, to write down that it is used"
    assert await statements(client) == by_key


@pytest.mark.parametrize(
    ("address", "setting", "secure"),
    [
        ("http://127.0.0.1:8000", None, False),
        ("http://localhost:8000", None, False),
        ("http://[::1]:8000", None, False),
        ("https://localhost", None, True),
        ("https://triage.test", None, True),
        ("http://10.0.0.5:8000", None, True),
        ("http://127.0.0.1.evil.test", None, True),
        ("http://127.0.0.1:8000", True, True),
        ("http://triage.test", False, False),
    ],
)
async def test_the_cookie_is_for_https_alone_except_on_the_machine_itself(
    app: FastAPI, settings: Settings, address: str, setting: bool | None, secure: bool
) -> None:
    app.state.settings = settings.model_copy(update={"secure_cookies": setting})
    async with client_of(app) as caller:
        caller.base_url = httpx.URL(address)
        answer = await sign_in(caller)
        assert answer.status_code == 204
        [(name, cookie)] = SimpleCookie(answer.headers["set-cookie"]).items()
        assert name == (SECURE_SESSION_COOKIE if secure else SESSION_COOKIE)
        assert (bool(cookie["secure"]), cookie["path"], cookie["domain"]) == (secure, "/", "")
        assert cookie["httponly"]
        assert cookie["samesite"] == "strict"
        # The other name is one that another host could have set.
        other = SESSION_COOKIE if secure else SECURE_SESSION_COOKIE
        assert await status_with(caller, cookie.value, other) == 401
        assert await status_with(caller, cookie.value, name) == 200


async def test_who_signs_in_over_plain_http_from_elsewhere_is_told_what_is_missing(
    app: FastAPI, client: httpx.AsyncClient, settings: Settings
) -> None:
    app.state.settings = settings.model_copy(update={"secure_cookies": None})
    refused = await sign_in(client, Origin="http://triage.test")
    assert "put TLS in front" in assert_error(refused, 403, "insecure_connection")
    assert "set-cookie" not in refused.headers
    # A proxy that ends TLS: the browser speaks HTTPS, the service is asked in plain.
    assert (await sign_in(client, Origin="https://triage.test")).status_code == 204


async def test_keys_know_no_idleness(reviewer: httpx.AsyncClient, keys: dict[str, str], app: FastAPI) -> None:
    async with client_of(app) as both:
        await sign_in(both)
        unused_for(str(app.state.settings.database_url), 61)
        assert (await both.get("/v1/me", headers=bearer(keys["reviewer"]))).status_code == 200
