"""The case after the one in hand: fetched ahead for a short time, opened by renewing, and back without a trace if not."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from service.leases.workflow import return_lapsed
from tests.service.holds.verbs import at, hold, skip
from tests.service.steps import Body, assert_error, claim, decided, lapse, query, report, value


async def fetch_ahead(person: httpx.AsyncClient) -> httpx.Response:
    return await person.post("/v1/queues/default/claim", json={"prefetch": True})


async def renew(person: httpx.AsyncClient, claimed: Body) -> httpx.Response:
    body = {"lease_token": claimed["lease"]["token"]}
    return await person.post(f"/v1/cases/{claimed['case']['id']}/lease/renew", json=body)


async def give_back(app: FastAPI) -> int:
    async with app.state.engine.begin() as connection:
        return await return_lapsed(connection)


@pytest.fixture
async def ahead(platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, claimed: Body) -> Body:
    """A case fetched ahead by a reviewer who holds another one."""
    await report(platform, "post-2")
    answer = await fetch_ahead(reviewer)
    assert answer.status_code == 200
    return dict(answer.json())


async def test_the_next_case_comes_with_a_short_lease(reviewer: httpx.AsyncClient, claimed: Body, ahead: Body) -> None:
    assert ahead["case"]["id"] != claimed["case"]["id"]
    lease = ahead["lease"]
    assert at(lease["expires_at"]) - at(lease["server_now"]) == timedelta(seconds=90)
    assert (lease["prefetched"], claimed["lease"]["prefetched"]) == (True, False)
    listed = {one["case_id"]: one["prefetched"] for one in (await reviewer.get("/v1/leases")).json()["leases"]}
    assert listed == {claimed["case"]["id"]: False, ahead["case"]["id"]: True}


async def test_to_renew_is_to_open(
    app: FastAPI, reviewer: httpx.AsyncClient, claimed: Body, ahead: Body, database: str
) -> None:
    body = (await renew(reviewer, ahead)).json()
    assert at(body["expires_at"]) - at(body["server_now"]) == timedelta(seconds=600)
    assert value(database, "SELECT count(*) FROM leases WHERE prefetched") == 0
    await renew(reviewer, ahead)
    assert value(database, "SELECT count(*) FROM events WHERE kind = 'lease.opened'") == 1
    # Opened, it is a lease like any other.
    lapse(database, ahead["case"]["id"])
    assert await give_back(app) == 1
    assert query(database, "SELECT lapses FROM cases WHERE id = %s", ahead["case"]["id"]) == [(1,)]


async def test_not_opened_it_goes_back_and_is_nobodys_lapse(
    app: FastAPI, colleague: httpx.AsyncClient, claimed: Body, ahead: Body, database: str
) -> None:
    lapse(database, ahead["case"]["id"])
    assert await give_back(app) == 1
    case = ahead["case"]["id"]
    assert query(database, "SELECT status, lapses FROM cases WHERE id = %s", case) == [("open", 0)]
    outcome = query(database, "SELECT outcome, ended_at IS NOT NULL FROM leases WHERE case_id = %s", case)
    assert outcome == [("unopened", True)]
    events = query(database, "SELECT kind, data FROM events WHERE case_id = %s ORDER BY id DESC LIMIT 1", case)
    assert events == [("lease.unopened", {})]
    assert (await claim(colleague))["case"]["id"] == case


async def test_only_one_is_fetched_ahead(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, claimed: Body, ahead: Body
) -> None:
    await report(platform, "post-3")
    assert "open it" in assert_error(await fetch_ahead(reviewer), 409, "prefetch_refused")
    await renew(reviewer, ahead)
    # Now they hold two.
    assert "you hold 2" in assert_error(await fetch_ahead(reviewer), 409, "prefetch_refused")
    await decided(reviewer, claimed)
    assert (await fetch_ahead(reviewer)).status_code == 200


async def test_nothing_is_fetched_ahead_for_somebody_who_holds_nothing(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    await report(platform, "post-2")
    lapse(database, claimed["case"]["id"])
    assert "you hold 0" in assert_error(await fetch_ahead(reviewer), 409, "prefetch_refused")
    assert value(database, "SELECT count(*) FROM leases WHERE prefetched") == 0


async def test_an_empty_queue_has_nothing_to_fetch(reviewer: httpx.AsyncClient, claimed: Body) -> None:
    assert (await fetch_ahead(reviewer)).status_code == 204


@pytest.mark.parametrize("body", [{"prefetch": "yes"}, {"prefetch": 1}, {"prefetched": True}, [], "prefetch"])
async def test_a_body_that_means_nothing_is_refused(reviewer: httpx.AsyncClient, claimed: Body, body: Any) -> None:
    assert_error(await reviewer.post("/v1/queues/default/claim", json=body), 422, "invalid_request")


@pytest.mark.parametrize("body", [None, {}, {"prefetch": False}])
async def test_without_prefetch_a_claim_is_a_claim(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, body: Any
) -> None:
    await report(platform)
    answer = await reviewer.post("/v1/queues/default/claim", **({} if body is None else {"json": body}))
    assert answer.status_code == 200
    assert answer.json()["lease"]["prefetched"] is False


async def test_ten_calls_at_once_fetch_one_case(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    for number in range(12):
        await report(platform, f"more-{number}")
    answers = await asyncio.gather(*(fetch_ahead(reviewer) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 9
    assert value(database, "SELECT count(*) FROM leases WHERE prefetched") == 1
    assert value(database, "SELECT count(*) FROM cases WHERE status = 'leased'") == 2


@pytest.mark.parametrize("end", [hold, skip], ids=["hold", "skip"])
async def test_a_case_fetched_ahead_can_be_put_aside_unopened(
    reviewer: httpx.AsyncClient, claimed: Body, ahead: Body, end: Any, database: str
) -> None:
    assert (await end(reviewer, ahead)).status_code in {200, 204}
    assert value(database, "SELECT lapses FROM cases WHERE id = %s", ahead["case"]["id"]) == 0
