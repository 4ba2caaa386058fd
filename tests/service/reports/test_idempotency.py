"""One Idempotency-Key, one report: however often and however concurrently it is sent."""

import asyncio

import httpx
import pytest
from fastapi import FastAPI

from service.people.schemas import AccountIn
from service.people.workflow import create_person
from tests.conftest import bearer, client_of
from tests.service.steps import Body, assert_error, claim, decided, query, report_body, row_counts


async def send(platform: httpx.AsyncClient, key: str, body: Body) -> httpx.Response:
    return await platform.post("/v1/reports", json=body, headers={"Idempotency-Key": key})


async def test_same_key_and_body_give_the_same_answer_and_store_nothing_twice(
    platform: httpx.AsyncClient, database: str
) -> None:
    first = await send(platform, "key-1", report_body())
    stored = row_counts(database)
    again = await send(platform, "key-1", report_body())
    assert (again.status_code, again.json()) == (201, first.json())
    assert row_counts(database) == stored


async def test_the_answer_stays_the_same_after_the_case_is_decided(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient
) -> None:
    first = await send(platform, "key-1", report_body())
    await decided(reviewer, await claim(reviewer))
    assert (await send(platform, "key-1", report_body())).json() == first.json()


async def test_fields_in_another_order_are_the_same_body(platform: httpx.AsyncClient) -> None:
    first = await send(platform, "key-1", report_body())
    turned = dict(reversed(report_body().items()))
    assert (await send(platform, "key-1", turned)).json() == first.json()


async def test_same_key_with_another_body_is_a_conflict(platform: httpx.AsyncClient, database: str) -> None:
    await send(platform, "key-1", report_body())
    stored = row_counts(database)
    answer = await send(platform, "key-1", report_body(text="something else"))
    detail = assert_error(answer, 409, "idempotency_conflict")
    assert "something else" not in detail
    assert row_counts(database) == stored


async def test_without_a_key_the_same_body_is_two_reports(platform: httpx.AsyncClient, database: str) -> None:
    for _ in range(2):
        assert (await platform.post("/v1/reports", json=report_body())).status_code == 201
    assert row_counts(database)["reports"] == 2


async def test_eight_callers_with_one_key_make_one_report(platform: httpx.AsyncClient, database: str) -> None:
    answers = await asyncio.gather(*(send(platform, "key-1", report_body()) for _ in range(8)))
    assert [answer.status_code for answer in answers] == [201] * 8
    assert len({answer.text for answer in answers}) == 1
    counts = row_counts(database)
    assert (counts["reports"], counts["idempotency_keys"]) == (1, 1)
    assert query(database, "SELECT report_count FROM cases") == [(1,)]


async def test_eight_callers_with_one_key_and_two_bodies_store_one(platform: httpx.AsyncClient, database: str) -> None:
    bodies = [report_body(text=f"text {number % 2}") for number in range(8)]
    answers = await asyncio.gather(*(send(platform, "key-1", body) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [201] * 4 + [409] * 4
    assert row_counts(database)["reports"] == 1


async def test_a_refused_report_leaves_its_key_free(platform: httpx.AsyncClient) -> None:
    unknown = report_body(media=["0199f1c2-0000-7000-8000-000000000000"])
    assert_error(await send(platform, "key-1", unknown), 422, "unknown_media")
    assert (await send(platform, "key-1", report_body())).status_code == 201


async def test_keys_of_two_platforms_do_not_meet(app: FastAPI, platform: httpx.AsyncClient) -> None:
    async with app.state.engine.begin() as connection:
        other = await create_person(connection, AccountIn(username="other-platform", role="platform"), actor=None)
    first = await send(platform, "key-1", report_body("mine"))
    async with client_of(app) as second:
        second.headers.update(bearer(other.api_key))
        answer = await send(second, "key-1", report_body("theirs"))
    assert answer.status_code == 201
    assert answer.json()["report_id"] != first.json()["report_id"]


@pytest.mark.parametrize("key", ["x" * 200, "!~", "a:b/c?d"], ids=["longest", "printable", "punctuation"])
async def test_printable_keys_are_taken(platform: httpx.AsyncClient, key: str) -> None:
    assert (await send(platform, key, report_body())).status_code == 201


@pytest.mark.parametrize(
    "key",
    [b"x" * 201, b"", b"two words", "schlüssel".encode(), b"\xff\xfe"],
    ids=["long", "empty", "space", "utf8", "bytes"],
)
async def test_other_keys_are_refused(platform: httpx.AsyncClient, database: str, key: bytes) -> None:
    before = row_counts(database)
    answer = await platform.post("/v1/reports", json=report_body(), headers=[(b"Idempotency-Key", key)])
    assert_error(answer, 422, "invalid_request")
    assert row_counts(database) == before
