"""Closing accounts: keys and sessions stop working at once."""

import httpx

from tests.conftest import bearer
from tests.service.steps import assert_error


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
