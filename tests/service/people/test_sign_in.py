"""Signing in and out: one answer to every failure, a limit on guessing, and sessions that end when they should."""

import asyncio
from collections.abc import Iterator
from http.cookies import SimpleCookie

import httpx
import pytest
from fastapi import FastAPI
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from service.people import workflow
from service.people.schemas import AccountIn
from service.people.workflow import create_person
from service.sessions import SECURE_SESSION_COOKIE, SESSION_COOKIE
from service.settings import Settings
from tests.service.steps import assert_error, query, value

PASSWORD = "correct horse battery"


class CountingHash(PasswordHash):
    """Cheap argon2, so that tests do not wait for it; counts what it verifies."""

    verified = 0

    def verify(self, password: str | bytes, hash: str | bytes) -> bool:  # noqa: A002 - the name in the library
        self.verified += 1
        return super().verify(password, hash)


@pytest.fixture(autouse=True)
def hasher(monkeypatch: pytest.MonkeyPatch) -> Iterator[CountingHash]:
    cheap = CountingHash((Argon2Hasher(time_cost=1, memory_cost=64, parallelism=1),))
    monkeypatch.setattr(workflow, "_hasher", lambda: cheap)
    workflow._hash_of_nobody.cache_clear()
    yield cheap
    workflow._hash_of_nobody.cache_clear()


@pytest.fixture(autouse=True)
async def people(app: FastAPI) -> None:
    """Ada and Bob with passwords, a machine without one, and Eve, who has left."""
    async with app.state.engine.begin() as connection:
        for name, password in (("ada", PASSWORD), ("bob", "another pass phrase"), ("bot", None), ("eve", PASSWORD)):
            person = AccountIn(username=name, role="reviewer", password=password)
            await create_person(connection, person, actor=None)
    query(str(app.state.settings.database_url), "UPDATE principals SET active = false WHERE username = 'eve'")


async def sign_in(client: httpx.AsyncClient, username: str = "ada", password: str = PASSWORD) -> httpx.Response:
    return await client.post("/v1/session", json={"username": username, "password": password})


async def test_signing_in_opens_a_session(client: httpx.AsyncClient) -> None:
    answer = await sign_in(client)
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await client.get("/v1/me")).json()["username"] == "ada"


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(client: httpx.AsyncClient) -> None:
    header = (await sign_in(client)).headers["set-cookie"]
    cookie = SimpleCookie(header)[SESSION_COOKIE]
    assert cookie["httponly"]
    assert cookie["samesite"].lower() == "strict"
    assert cookie["path"] == "/"
    assert cookie["max-age"] == str(12 * 3600)
    assert not cookie["secure"]
    assert not cookie["domain"]
    assert len(cookie.value) >= 43


async def test_the_cookie_is_sent_over_https_only_when_set_so(
    app: FastAPI, client: httpx.AsyncClient, settings: Settings
) -> None:
    app.state.settings = settings.model_copy(update={"secure_cookies": True, "session_hours": 1})
    cookie = SimpleCookie((await sign_in(client)).headers["set-cookie"])[SECURE_SESSION_COOKIE]
    assert cookie["secure"]
    assert cookie["max-age"] == "3600"


@pytest.mark.parametrize("name", ["ADA", " ada ", "Ada"])
async def test_the_name_is_read_kindly(client: httpx.AsyncClient, name: str) -> None:
    assert (await sign_in(client, name)).status_code == 204


WRONG = {
    "wrong password": ("ada", "wrong password!"),
    "password of another": ("ada", "another pass phrase"),
    "unknown name": ("nobody", PASSWORD),
    "machine account": ("bot", PASSWORD),
    "closed account": ("eve", PASSWORD),
    "empty password": ("ada", ""),
    "empty name": ("", PASSWORD),
    "password in other case": ("ada", PASSWORD.upper()),
    "nul in the password": ("ada", PASSWORD + "\x00"),
    "quote in the name": ("ada' OR '1'='1", PASSWORD),
}


async def test_every_failure_has_the_same_answer(client: httpx.AsyncClient) -> None:
    answers = {case: await sign_in(client, *credentials) for case, credentials in WRONG.items()}
    assert {case: answer.status_code for case, answer in answers.items()} == dict.fromkeys(WRONG, 401)
    assert len({answer.text for answer in answers.values()}) == 1
    assert_error(answers["unknown name"], 401, "not_signed_in")
    assert not any("set-cookie" in answer.headers for answer in answers.values())


@pytest.mark.parametrize("case", ["wrong password", "unknown name", "machine account", "closed account"])
async def test_every_failure_costs_one_hash(client: httpx.AsyncClient, hasher: CountingHash, case: str) -> None:
    await sign_in(client, *WRONG[case])
    assert hasher.verified == 1


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"username": "ada"},
        {"username": 1, "password": 2},
        {"username": "a" * 65, "password": "x"},
        {"username": "ada\x00", "password": "x"},
        [],
    ],
)
async def test_a_form_that_is_none_is_refused(client: httpx.AsyncClient, body: object) -> None:
    assert_error(await client.post("/v1/session", json=body), 422, "invalid_request")


async def test_the_password_is_not_in_any_answer(client: httpx.AsyncClient) -> None:
    body = {"username": "ada", "password": "x" * 300}
    assert "xxx" not in (await client.post("/v1/session", json=body)).text


async def fail(client: httpx.AsyncClient, times: int, username: str = "ada") -> list[int]:
    return [(await sign_in(client, username, "wrong password!")).status_code for _ in range(times)]


async def test_after_ten_failures_even_the_right_password_has_to_wait(client: httpx.AsyncClient) -> None:
    assert await fail(client, 12) == [401] * 10 + [429] * 2
    answer = await sign_in(client)
    assert_error(answer, 429, "too_many_attempts")
    assert "set-cookie" not in answer.headers
    assert (await sign_in(client, "bob", "another pass phrase")).status_code == 204


async def test_names_that_do_not_exist_are_limited_alike(client: httpx.AsyncClient) -> None:
    assert await fail(client, 11, "nobody") == [401] * 10 + [429]


async def test_another_spelling_of_the_name_is_no_way_round_the_limit(client: httpx.AsyncClient) -> None:
    await fail(client, 5, "ADA")
    await fail(client, 5, " ada ")
    assert (await sign_in(client)).status_code == 429


async def test_guessing_in_parallel_is_limited_alike(client: httpx.AsyncClient, hasher: CountingHash) -> None:
    answers = await asyncio.gather(*(sign_in(client, password=f"guess number {number}") for number in range(30)))
    assert sorted(answer.status_code for answer in answers) == [401] * 10 + [429] * 20
    assert hasher.verified == 10


async def test_the_limit_ends_after_a_quarter_of_an_hour(client: httpx.AsyncClient, database: str) -> None:
    await fail(client, 10)
    query(database, "UPDATE sign_in_failures SET at = at - interval '16 minutes'")
    assert (await sign_in(client)).status_code == 204


async def test_a_success_is_not_counted_as_a_failure(client: httpx.AsyncClient, database: str) -> None:
    for _ in range(15):
        assert (await sign_in(client)).status_code == 204
    assert value(database, "SELECT count(*) FROM sign_in_failures") == 0


async def test_signing_out_ends_the_session_itself(client: httpx.AsyncClient) -> None:
    await sign_in(client)
    token = client.cookies[SESSION_COOKIE]
    answer = await client.delete("/v1/session")
    assert answer.status_code == 204
    assert SESSION_COOKIE not in client.cookies
    kept = await client.get("/v1/me", headers={"Cookie": f"{SESSION_COOKIE}={token}"})
    assert_error(kept, 401, "not_signed_in")


async def test_signing_out_leaves_other_sessions_alone(app: FastAPI, client: httpx.AsyncClient) -> None:
    await sign_in(client)
    first = client.cookies[SESSION_COOKIE]
    client.cookies.clear()
    await sign_in(client)
    await client.delete("/v1/session")
    assert (await client.get("/v1/me", headers={"Cookie": f"{SESSION_COOKIE}={first}"})).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE sessions SET expires_at = now() - interval '1 second'",
        "UPDATE sessions SET revoked_at = now()",
        "UPDATE principals SET active = false WHERE username = 'ada'",
    ],
    ids=["run out", "revoked", "account closed"],
)
async def test_a_session_that_ended_is_refused_at_once(client: httpx.AsyncClient, database: str, change: str) -> None:
    await sign_in(client)
    assert (await client.get("/v1/me")).status_code == 200
    query(database, change)
    assert_error(await client.get("/v1/me"), 401, "not_signed_in")


async def test_a_session_lasts_as_long_as_the_setting_says(client: httpx.AsyncClient, database: str) -> None:
    await sign_in(client)
    assert value(database, "SELECT extract(epoch FROM expires_at - created_at)::int FROM sessions") == 12 * 3600


async def test_neither_password_nor_token_is_stored(client: httpx.AsyncClient, database: str) -> None:
    await sign_in(client)
    token = client.cookies[SESSION_COOKIE]
    tables = query(database, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    stored = "".join(str(query(database, f"SELECT t::text FROM {table} t")) for (table,) in tables)
    assert PASSWORD not in stored
    assert token not in stored
    hashes = {
        row for (row,) in query(database, "SELECT password_hash FROM principals WHERE username IN ('ada', 'eve')")
    }
    assert len(hashes) == 2, "the same password has another hash each time"


async def test_every_sign_in_has_a_token_of_its_own(client: httpx.AsyncClient) -> None:
    tokens = set()
    for _ in range(3):
        client.cookies.clear()
        await sign_in(client)
        tokens.add(client.cookies[SESSION_COOKIE])
    assert len(tokens) == 3
