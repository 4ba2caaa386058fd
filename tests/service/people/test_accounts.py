"""Adding people and machines."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pwdlib import PasswordHash

from service.people import workflow
from tests.conftest import bearer, client_of
from tests.service.steps import assert_error, query, value


@pytest.fixture
async def admin(client: httpx.AsyncClient, keys: dict[str, str]) -> httpx.AsyncClient:
    client.headers.update(bearer(keys["admin"]))
    return client


async def test_a_new_account_gets_a_key_that_works(app: FastAPI, admin: httpx.AsyncClient) -> None:
    answer = await admin.post("/v1/people", json={"username": "new-one", "role": "reviewer"})
    assert answer.status_code == 201
    body = answer.json()
    assert set(body) >= {"id", "username", "role", "api_key"}
    async with client_of(app) as caller:
        me = (await caller.get("/v1/me", headers=bearer(body["api_key"]))).json()
    assert (me["id"], me["username"], me["role"]) == (body["id"], "new-one", "reviewer")


async def test_a_new_account_with_a_password_can_sign_in(app: FastAPI, admin: httpx.AsyncClient) -> None:
    body = {"username": "new-one", "role": "lead", "password": "a long pass phrase"}
    await admin.post("/v1/people", json=body)
    async with client_of(app) as caller:
        signed_in = await caller.post("/v1/session", json={"username": "new-one", "password": body["password"]})
        assert signed_in.status_code == 204


async def test_the_default_hash_is_argon2id_with_a_salt() -> None:
    assert isinstance(workflow._hasher(), PasswordHash)
    hashed = workflow._hasher().hash("a long pass phrase")
    assert hashed.startswith("$argon2id$")
    assert workflow._hasher().hash("a long pass phrase") != hashed


async def test_a_name_is_taken_once(admin: httpx.AsyncClient, database: str) -> None:
    body = {"username": "new-one", "role": "reviewer"}
    answers = await asyncio.gather(*(admin.post("/v1/people", json=body) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 4
    assert_error(await admin.post("/v1/people", json=body | {"role": "admin"}), 409, "name_taken")
    assert value(database, "SELECT count(*) FROM principals WHERE username = 'new-one'") == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"username": "a"},
        {"username": "x" * 65},
        {"username": "Upper"},
        {"username": "two words"},
        {"username": "-dash"},
        {"username": "line\n"},
        {"username": "schön"},
        {"username": None},
        {"role": "owner"},
        {"role": None},
        {"password": "too short"},
        {"password": "x" * 201},
        {"password": 123456789012},
        {"sample": True},
        {"id": "mine"},
    ],
    ids=str,
)
async def test_a_bad_account_is_refused(admin: httpx.AsyncClient, database: str, fields: dict[str, Any]) -> None:
    before = value(database, "SELECT count(*) FROM principals")
    body = {"username": "new-one", "role": "reviewer"} | fields
    assert_error(await admin.post("/v1/people", json=body), 422, "invalid_request")
    assert value(database, "SELECT count(*) FROM principals") == before


async def test_adding_somebody_is_written_down_without_the_key(admin: httpx.AsyncClient, database: str) -> None:
    body = (await admin.post("/v1/people", json={"username": "new-one", "role": "ml"})).json()
    [(data, actor)] = query(database, "SELECT data, actor FROM events WHERE data ->> 'principal' = %s", body["id"])
    assert data == {"principal": body["id"], "role": "ml"}
    assert actor == value(database, "SELECT id FROM principals WHERE role = 'admin'")
