"""Service keys: made for a purpose, shown once, no stronger than said, and ended."""

import asyncio
from collections.abc import Iterable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from service.people.keys.workflow import KEYS
from service.security import ROLES, Capability
from tests.conftest import bearer
from tests.service.steps import assert_error, query, report_body, value
from tests.service.test_security import ALLOWED, call


async def made(admin: httpx.AsyncClient, username: str = "test-platform", **fields: Any) -> dict[str, Any]:
    body = {"name": "intake", "scopes": ["report.write"], **fields}
    answer = await admin.post(f"/v1/people/{username}/keys", json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_key_is_shown_once_and_listed_without_itself(admin: httpx.AsyncClient, database: str) -> None:
    key = await made(admin, days=30)
    assert key["key"].startswith(key["prefix"])
    assert len(key["key"]) > 4 * len(key["prefix"])
    listed = (await admin.get("/v1/people/test-platform/keys")).json()["keys"]
    assert key["id"] in {one["id"] for one in listed}
    assert {one["name"]: (one["state"], one["scopes"], one["made_by"]) for one in listed} == {
        "intake": ("live", ["report.write"], "test-admin"),
        "first key": ("live", None, None),
    }
    assert all("key" not in one for one in listed)
    [(actor, data)] = query(database, "SELECT actor, data FROM events WHERE kind = 'key.made'")
    assert actor == value(database, "SELECT id FROM principals WHERE username = 'test-admin'")
    assert (data["key"], data["scopes"], data["days"]) == (key["id"], ["report.write"], 30)


def capabilities(routes: Iterable[BaseRoute]) -> dict[str, Capability]:
    """What each address of the API asks of its caller."""
    found: dict[str, Capability] = {}
    for route in routes:
        if (inner := getattr(route, "original_router", None)) is not None:
            found |= capabilities(inner.routes)
        elif isinstance(route, APIRoute) and route.path.startswith("/v1"):
            asked = [getattr(one.call, "capability", None) for one in route.dependant.dependencies]
            found |= {
                f"{method} {route.path.replace(':path', '')}": one
                for method in route.methods or ()
                for one in asked
                if one is not None
            }
    return found


@pytest.mark.parametrize("role", ["platform", "lead"])
async def test_a_key_reaches_only_what_its_scopes_say(
    app: FastAPI, admin: httpx.AsyncClient, client: httpx.AsyncClient, role: str
) -> None:
    scopes = sorted(ROLES[role])[::2]
    key = bearer((await made(admin, f"test-{role}", scopes=scopes))["key"])
    asked = capabilities(app.routes)
    assert set(asked) == set(ALLOWED)
    for address in (one for one, roles in ALLOWED.items() if role in roles):
        answer = await client.request(**call(address), headers=key)
        if asked[address] in scopes:
            assert answer.status_code not in {401, 403}, (address, answer.text)
        else:
            assert "not in its scopes" in assert_error(answer, 403, "forbidden")


async def test_scopes_follow_the_role_when_it_shrinks(admin: httpx.AsyncClient, client: httpx.AsyncClient) -> None:
    key = bearer((await made(admin, "test-lead", scopes=["score", "queues.manage"]))["key"])
    assert (await client.get("/v1/routing", headers=key)).status_code == 200
    assert (await admin.put("/v1/people/test-lead/role", json={"role": "ml"})).status_code == 200
    assert_error(await client.get("/v1/routing", headers=key), 403, "forbidden")


@pytest.mark.parametrize(
    "fields",
    [
        {"scopes": []},
        {"scopes": ["people.manage"]},
        {"scopes": ["everything"]},
        {"name": " "},
        {"name": "line\u202e"},
        {"days": 0},
        {"days": 731},
        {"role": "admin"},
    ],
    ids=str,
)
async def test_a_bad_key_is_refused(admin: httpx.AsyncClient, database: str, fields: dict[str, Any]) -> None:
    before = value(database, "SELECT count(*) FROM api_keys")
    body = {"name": "intake", "scopes": ["report.write"], **fields}
    assert_error(await admin.post("/v1/people/test-platform/keys", json=body), 422, "invalid_request")
    assert value(database, "SELECT count(*) FROM api_keys") == before


async def test_nobody_makes_a_key_that_agrees_for_somebody_else(
    admin: httpx.AsyncClient, cheap_passwords: None
) -> None:
    await admin.post("/v1/people", json={"username": "ada", "role": "reviewer", "one_time_password": True})
    body = {"name": "hers", "scopes": ["self", "case.read"]}
    told = assert_error(await admin.post("/v1/people/ada/keys", json=body), 422, "invalid_request")
    assert "in the name of a person" in told
    await made(admin, "ada", scopes=["case.read"])


async def test_a_key_with_scopes_makes_nobody_who_may_do_more_than_it(
    admin: httpx.AsyncClient, client: httpx.AsyncClient, cheap_passwords: None, database: str
) -> None:
    other = {"username": "other-admin", "role": "admin", "one_time_password": True}
    await admin.post("/v1/people", json=other)
    client.headers.update(bearer((await made(admin, "test-admin", scopes=["people.manage"]))["key"]))
    beyond: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/v1/people", {"username": "third", "role": "admin"}),
        ("POST", "/v1/people", {**other, "username": "third"}),
        ("PUT", "/v1/people/test-reviewer/role", {"role": "admin"}),
        ("POST", "/v1/people/other-admin/password", {}),
        ("POST", "/v1/people/test-admin/keys", {"name": "all", "scopes": ["audit.all"]}),
    ]
    for method, path, body in beyond:
        answer = await client.request(method, path, json=body)
        assert "a key with scopes" in assert_error(answer, 403, "forbidden"), path
    assert query(database, "SELECT username FROM principals WHERE role = 'admin' ORDER BY 1") == [
        ("other-admin",),
        ("test-admin",),
    ]
    assert (await client.post("/v1/people", json={"username": "third", "role": "reviewer"})).status_code == 201
    await made(client)


async def test_an_account_has_only_so_many_keys(admin: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(
        *(
            admin.post("/v1/people/test-platform/keys", json={"name": f"no {n}", "scopes": ["score"]})
            for n in range(KEYS)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201] * (KEYS - 1) + [422]


async def test_a_key_ends_by_hand_and_by_its_date(
    admin: httpx.AsyncClient, client: httpx.AsyncClient, database: str
) -> None:
    ended, late = await made(admin), await made(admin, days=1)
    assert (await admin.delete(f"/v1/people/test-platform/keys/{ended['id']}")).status_code == 204
    query(database, "UPDATE api_keys SET expires_at = now() WHERE id = %s", late["id"])
    for key in (ended, late):
        answer = await client.post("/v1/reports", json=report_body(), headers=bearer(key["key"]))
        assert_error(answer, 401, "not_signed_in")
    states = {one["id"]: one["state"] for one in (await admin.get("/v1/people/test-platform/keys")).json()["keys"]}
    assert (states[ended["id"]], states[late["id"]]) == ("revoked", "expired")
    assert value(database, "SELECT count(*) FROM events WHERE kind = 'key.revoked' AND actor IS NOT NULL") == 1
    # Once more has no effect, nor has it under the name of another account.
    for path in (f"test-platform/keys/{ended['id']}", f"test-lead/keys/{late['id']}", "nobody/keys"):
        method = "DELETE" if path.count("/") == 2 else "GET"
        assert_error(await admin.request(method, f"/v1/people/{path}"), 404, "not_found")


async def test_the_last_use_is_noted_once_a_minute(
    admin: httpx.AsyncClient, client: httpx.AsyncClient, database: str
) -> None:
    key = await made(admin, scopes=["score", "self"])
    used = "SELECT last_used_at FROM api_keys WHERE id = %s"
    assert value(database, used, key["id"]) is None
    for path in ("/v1/me", "/v1/score"):
        # Calls that let the database go first note it as well.
        query(database, "UPDATE api_keys SET last_used_at = now() - interval '61 seconds'")
        before = value(database, used, key["id"])
        await client.request(
            "GET" if path == "/v1/me" else "POST", path, headers=bearer(key["key"]), json={"texts": ["hello"]}
        )
        noted = value(database, used, key["id"])
        assert noted > before
        await client.get("/v1/me", headers=bearer(key["key"]))
        assert value(database, used, key["id"]) == noted


async def test_nobody_waits_for_a_call_with_the_same_key(
    admin: httpx.AsyncClient, client: httpx.AsyncClient, database: str
) -> None:
    key = await made(admin, scopes=["self"])
    query(database, "UPDATE api_keys SET last_used_at = NULL")
    # Calls at once find the use not noted yet; each is answered, and one of them notes it.
    answers = await asyncio.gather(*(client.get("/v1/me", headers=bearer(key["key"])) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
