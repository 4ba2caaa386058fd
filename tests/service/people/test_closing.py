"""Closing accounts: keys and sessions stop working at once."""

import httpx
import pytest

from tests.conftest import bearer
from tests.service.steps import assert_error, claim, lapse, report


async def test_a_closed_account_is_out_at_once(client: httpx.AsyncClient, keys: dict[str, str]) -> None:
    admin = bearer(keys["admin"])
    made = await client.post("/v1/people", json={"username": "ada", "role": "reviewer"}, headers=admin)
    key = bearer(made.json()["api_key"])
    assert (await client.get("/v1/me", headers=key)).status_code == 200
    assert (await client.delete("/v1/people/ada", headers=admin)).status_code == 204
    assert_error(await client.get("/v1/me", headers=key), 401, "not_signed_in")


async def test_an_account_cannot_be_closed_twice(client: httpx.AsyncClient, keys: dict[str, str]) -> None:
    admin = bearer(keys["admin"])
    await client.post("/v1/people", json={"username": "ada", "role": "reviewer"}, headers=admin)
    await client.delete("/v1/people/ada", headers=admin)
    assert_error(await client.delete("/v1/people/ada", headers=admin), 404, "not_found")


@pytest.mark.parametrize("name", ["nobody", "%00", "a%27--", "Ada", "%ff"])
async def test_an_account_that_never_was_cannot_be_closed(
    client: httpx.AsyncClient, keys: dict[str, str], name: str
) -> None:
    answer = await client.delete(f"/v1/people/{name}", headers=bearer(keys["admin"]))
    assert_error(answer, answer.status_code, answer.json()["error"])
    assert answer.status_code in {404, 422}


async def test_a_closed_account_keeps_its_name(client: httpx.AsyncClient, keys: dict[str, str]) -> None:
    admin = bearer(keys["admin"])
    body = {"username": "ada", "role": "reviewer"}
    await client.post("/v1/people", json=body, headers=admin)
    await client.delete("/v1/people/ada", headers=admin)
    assert_error(await client.post("/v1/people", json=body, headers=admin), 409, "name_taken")


async def test_what_a_closed_account_held_comes_back(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    client: httpx.AsyncClient,
    keys: dict[str, str],
    database: str,
) -> None:
    await report(platform)
    case = (await claim(reviewer))["case"]["id"]
    await client.delete("/v1/people/test-reviewer", headers=bearer(keys["admin"]))
    lapse(database, case)
    assert (await claim(colleague))["case"]["id"] == case
