"""Endpoints: only addresses that are safe to send to, a secret that is shown once, and numbers of what was sent."""

from uuid import uuid4

import httpx
import pytest

from tests.service.steps import assert_error, claim, decided, query, report, row_counts


async def create(platform: httpx.AsyncClient, url: object) -> httpx.Response:
    return await platform.post("/v1/webhooks", json={"url": url})


@pytest.mark.parametrize(
    "url",
    [
        "https://platform.test/hooks/decisions?x=1",
        "https://203.0.113.7:8443/",
        "http://localhost:9000/hook",
        "http://127.0.0.1:9000/hook",
        "http://127.200.0.1/",
        "http://[::1]:9000/hook",
    ],
)
async def test_a_safe_address_is_taken(platform: httpx.AsyncClient, url: str) -> None:
    answer = await create(platform, url)
    assert answer.status_code == 201
    body = answer.json()
    assert set(body) >= {"id", "url", "secret"}
    assert body["url"] == url
    assert body["secret"].startswith("whsec_")


@pytest.mark.parametrize(
    "url",
    [
        "http://platform.test/hook",
        "http://10.0.0.1/hook",
        "http://192.168.1.1/",
        "http://169.254.169.254/latest/meta-data",
        "http://0.0.0.0:9000/",
        "http://localhost.platform.test/",
        "http://127.0.0.1.platform.test/",
        "http://127.0.0.1@platform.test/",
        "https://user:password@platform.test/",
        "https://user@platform.test/",
        "ftp://platform.test/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "//platform.test/hook",
        "platform.test",
        "",
        None,
        12,
        ["https://platform.test/"],
    ],
)
async def test_any_other_address_is_refused(platform: httpx.AsyncClient, database: str, url: object) -> None:
    before = row_counts(database)
    assert_error(await create(platform, url), 422, "invalid_request")
    assert row_counts(database) == before
    assert query(database, "SELECT count(*) FROM webhook_endpoints") == [(0,)]


async def test_secrets_differ_and_are_shown_once(platform: httpx.AsyncClient) -> None:
    secrets = [(await create(platform, "https://platform.test/")).json()["secret"] for _ in range(2)]
    assert len(set(secrets)) == 2
    listed = (await platform.get("/v1/webhooks")).text
    assert "secret" not in listed
    assert not any(secret in listed for secret in secrets)


async def test_endpoints_are_listed_with_their_deliveries(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    first = (await create(platform, "https://first.test/")).json()
    for number in range(3):
        await report(platform, f"post-{number}")
        await decided(reviewer, await claim(reviewer))
    second = (await create(platform, "https://second.test/")).json()
    query(database, "UPDATE outbox SET state = 'delivered' WHERE id = (SELECT id FROM outbox ORDER BY id LIMIT 1)")
    query(database, "UPDATE outbox SET state = 'failed' WHERE id = (SELECT id FROM outbox ORDER BY id DESC LIMIT 1)")
    listed = (await platform.get("/v1/webhooks")).json()["webhooks"]
    assert [one["id"] for one in listed] == [second["id"], first["id"]]
    numbers = [(one["pending"], one["delivered"], one["failed"], one["active"]) for one in listed]
    assert numbers == [(0, 0, 0, True), (1, 1, 1, True)]


async def test_a_closed_endpoint_stays_listed_as_closed(platform: httpx.AsyncClient) -> None:
    made = (await create(platform, "https://platform.test/")).json()
    assert (await platform.delete(f"/v1/webhooks/{made['id']}")).status_code == 204
    [listed] = (await platform.get("/v1/webhooks")).json()["webhooks"]
    assert listed["active"] is False
    assert_error(await platform.delete(f"/v1/webhooks/{made['id']}"), 404, "not_found")


async def test_an_unknown_endpoint_is_not_found(platform: httpx.AsyncClient) -> None:
    assert_error(await platform.delete(f"/v1/webhooks/{uuid4()}"), 404, "not_found")
