"""Claiming: the riskiest case first, to one person only, whatever happens at the same time."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from models.rank import reproduce
from service.db import create_engine
from service.exposure.limits import Limits
from service.leases import store, workflow
from service.scoring import store as scoring_store
from tests.service.leases.next import claim_next
from tests.service.steps import assert_error, claim, decided, lapse, query, report, seed_cases, value

CLAIMERS = 50
RULES = workflow.ClaimRules(seconds=600, limits=Limits(day_seconds=3600), random_share=0)
RUN_OUT = text("UPDATE cases SET lease_expires_at = now() - interval '1 second' WHERE lease_token = :token")


@pytest.fixture
async def many_connections(database: str) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(database, pool=CLAIMERS)
    yield engine
    await engine.dispose()


@pytest.fixture
def holder(database: str, keys: dict[str, str]) -> UUID:
    found: UUID = value(database, "SELECT id FROM principals WHERE role = 'reviewer'")
    return found


async def test_empty_queue_is_no_content(reviewer: httpx.AsyncClient) -> None:
    answer = await reviewer.post("/v1/queues/default/claim")
    assert (answer.status_code, answer.content) == (204, b"")


async def test_unknown_queue_is_not_found(reviewer: httpx.AsyncClient) -> None:
    assert_error(await reviewer.post("/v1/queues/nowhere/claim"), 404, "not_found")


async def test_claim_gives_the_case_and_a_lease(platform: httpx.AsyncClient, reviewer: httpx.AsyncClient) -> None:
    filed = await report(platform)
    claimed = await claim(reviewer)
    assert set(claimed) == {"case", "lease", "milder"}
    assert set(claimed["lease"]) == {"token", "expires_at", "server_now", "prefetched"}
    case = claimed["case"]
    assert case["id"] == filed["case_id"]
    assert case["status"] == "leased"
    assert case["subject"]["id"] == "post-1"
    assert case["subject"]["author"] == {"id": "a1"}
    assert [one["reporter"] for one in case["reports"]] == [{"id": "r1"}]
    assert (case["score"], case["score_state"], case["media"], case["draft"]) == (None, "waiting", [], None)


async def test_cases_come_in_the_order_of_their_rank(platform: httpx.AsyncClient, reviewer: httpx.AsyncClient) -> None:
    for views in (10, 90_000, 500, 4):
        await report(platform, f"post-{views}", views_per_hour=views)
    cases = [(await claim(reviewer))["case"] for _ in range(4)]
    assert [case["subject"]["id"] for case in cases] == ["post-90000", "post-500", "post-10", "post-4"]
    values = [case["rank"]["value"] for case in cases]
    assert values == sorted(values, reverse=True)


async def test_the_shown_parts_reproduce_the_shown_rank(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient
) -> None:
    await report(platform, views_per_hour=123.456)
    shown = (await claim(reviewer))["case"]["rank"]
    assert reproduce(shown["parts"]) == {"value": shown["value"], "parts": shown["parts"]}


async def test_a_reranked_case_comes_at_its_new_place(platform: httpx.AsyncClient, reviewer: httpx.AsyncClient) -> None:
    await report(platform, "first", views_per_hour=100)
    await report(platform, "second", views_per_hour=50)
    await report(platform, "second", views_per_hour=200)
    assert (await claim(reviewer))["case"]["subject"]["id"] == "second"


async def test_a_case_is_not_handed_out_twice(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient
) -> None:
    await report(platform)
    await claim(reviewer)
    for person in (reviewer, colleague):
        assert (await person.post("/v1/queues/default/claim")).status_code == 204


async def test_every_open_case_is_reached_by_claiming_next(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient
) -> None:
    subjects = {f"post-{number}" for number in range(12)}
    for number, subject in enumerate(sorted(subjects)):
        await report(platform, subject, reason=("benign", "spam", "self_harm")[number % 3], views_per_hour=number % 4)
    assert {(await claim(reviewer))["case"]["subject"]["id"] for _ in subjects} == subjects
    assert (await reviewer.post("/v1/queues/default/claim")).status_code == 204


async def test_what_the_claim_was_ranked_by_is_kept_with_the_lease(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    await report(platform)
    claimed = await claim(reviewer)
    await report(platform, views_per_hour=1e6)
    [[kept]] = query(database, "SELECT rank FROM leases WHERE token = %s", claimed["lease"]["token"])
    assert kept == claimed["case"]["rank"]["parts"]


async def test_fifty_claimers_get_five_hundred_cases_once_each(
    many_connections: AsyncEngine, database: str, holder: UUID
) -> None:
    seed_cases(database, 500)

    async def work() -> list[UUID]:
        mine: list[UUID] = []
        while True:
            async with many_connections.begin() as connection:
                lease = await claim_next(connection, holder, RULES)
            if lease is None:
                return mine
            mine.append(lease.case_id)

    claimed = [case for mine in await asyncio.gather(*(work() for _ in range(CLAIMERS))) for case in mine]
    assert len(claimed) == len(set(claimed)) == 500
    assert value(database, "SELECT count(*) FROM cases WHERE status = 'leased'") == 500
    assert value(database, "SELECT count(DISTINCT lease_token) FROM cases") == 500
    assert value(database, "SELECT count(*) FROM leases l JOIN cases c ON c.lease_token = l.token") == 500


async def test_claimers_and_lapses_at_once_lose_no_case(
    many_connections: AsyncEngine, database: str, holder: UUID
) -> None:
    seed_cases(database, 60)

    async def work(number: int) -> None:
        for _ in range(5):
            async with many_connections.begin() as connection:
                lease = await claim_next(connection, holder, RULES)
            assert lease
            if number % 2 == 0:
                async with many_connections.begin() as connection:
                    await connection.execute(RUN_OUT, {"token": lease.token})

    await asyncio.gather(*(work(number) for number in range(10)))
    async with many_connections.begin() as connection:
        await workflow.return_lapsed(connection)
    assert value(database, "SELECT count(*) FROM cases WHERE status = 'leased'") == 25
    assert value(database, "SELECT count(*) FROM cases WHERE status = 'open'") == 35
    assert value(database, "SELECT sum(lapses) FROM cases") == 25
    assert value(database, "SELECT count(*) FROM leases WHERE outcome = 'lapsed' AND ended_at IS NOT NULL") == 25


async def test_a_claim_that_is_rolled_back_leaves_the_case_open(
    many_connections: AsyncEngine, database: str, holder: UUID
) -> None:
    seed_cases(database, 1)
    async with many_connections.connect() as connection:
        assert await claim_next(connection, holder, RULES)
        await connection.rollback()
    assert query(database, "SELECT status, lease_token FROM cases") == [("open", None)]
    assert value(database, "SELECT count(*) FROM leases") == 0


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


async def plan_of(engine: AsyncEngine, statement: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    async with engine.connect() as connection:
        found = (await connection.execute(text(f"EXPLAIN (FORMAT JSON) {statement}"), values)).scalar_one()
    explained = json.loads(found) if isinstance(found, str) else found
    return list(nodes(explained[0]["Plan"]))


# What runs all the time, the indexes that it reads, and values for a plan of it.
STEADY: dict[str, tuple[str, tuple[str, ...], dict[str, Any]]] = {
    "claim": (
        store.CLAIM_NEXT_SQL,
        ("cases_ranked", "cases_legal", "cases_bound"),
        {
            "queue": "default",
            "token": uuid4(),
            "holder": uuid4(),
            "seconds": 600,
            "day_seconds": 600.0,
            "stretch_seconds": 7200.0,
            "break_seconds": 600.0,
            "in_a_row": 5,
            "random_share": 0.0,
        },
    ),
    "return lapsed": (store._RETURN_LAPSED.text, ("cases_leased",), {}),
    "take for scoring": (
        scoring_store._TAKE.text,
        ("evidence_waiting",),
        {"seconds": 60, "least": 0, "most": 0, "limit": 8},
    ),
}


async def test_what_runs_all_the_time_reads_its_index_only(many_connections: AsyncEngine, database: str) -> None:
    # What is sorted grows with the scopes, and those of the tests before this one are still there.
    query(database, "DELETE FROM case_scopes WHERE id > 1")
    seed_cases(database, 5_000)
    query(
        database,
        "UPDATE evidence SET score_state = 'scored' FROM cases WHERE evidence_id = evidence.id AND rank_value > -0.9",
    )
    query(database, "ANALYZE")
    for name, (statement, indexes, values) in STEADY.items():
        plan = await plan_of(many_connections, statement, values)
        assert set(indexes) <= {node.get("Index Name") for node in plan}, name
        # Scopes and people are few; what grows with the queue is never read from end to end, nor sorted whole.
        read_whole = {node["Relation Name"] for node in plan if "Seq Scan" in node["Node Type"]}
        assert not read_whole & {"cases", "evidence"}, name
        assert all(node["Plan Rows"] < 100 for node in plan if node["Node Type"] == "Sort"), name
    query(database, "DELETE FROM cases")


async def test_a_named_case_can_be_claimed(platform: httpx.AsyncClient, reviewer: httpx.AsyncClient) -> None:
    filed = await report(platform, "calm", views_per_hour=0)
    await report(platform, "viral", views_per_hour=1e6)
    answer = await reviewer.post(f"/v1/cases/{filed['case_id']}/claim")
    assert answer.status_code == 200
    assert set(answer.json()) == {"case", "lease", "milder"}
    assert answer.json()["case"]["subject"]["id"] == "calm"


async def test_a_named_case_that_lapsed_can_be_claimed_again(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    await report(platform)
    first = await claim(reviewer)
    lapse(database, first["case"]["id"])
    again = await reviewer.post(f"/v1/cases/{first['case']['id']}/claim")
    assert again.status_code == 200
    assert again.json()["lease"]["token"] != first["lease"]["token"]
    assert again.json()["case"]["lapses"] == 1


async def test_a_named_case_that_is_held_is_refused(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient
) -> None:
    case = (await report(platform))["case_id"]
    await claim(colleague)
    for person in (reviewer, colleague):
        assert_error(await person.post(f"/v1/cases/{case}/claim"), 409, "case_not_open")


async def test_a_decided_case_cannot_be_claimed(platform: httpx.AsyncClient, reviewer: httpx.AsyncClient) -> None:
    case = (await report(platform))["case_id"]
    await decided(reviewer, await claim(reviewer))
    assert_error(await reviewer.post(f"/v1/cases/{case}/claim"), 409, "case_not_open")
    assert (await reviewer.post("/v1/queues/default/claim")).status_code == 204


async def test_an_unknown_case_cannot_be_claimed(reviewer: httpx.AsyncClient) -> None:
    assert_error(await reviewer.post(f"/v1/cases/{uuid4()}/claim"), 404, "not_found")


async def test_twenty_claims_of_one_named_case_give_one_lease(
    app: FastAPI, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    case = (await report(platform))["case_id"]
    answers = await asyncio.gather(*(reviewer.post(f"/v1/cases/{case}/claim") for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 19
    assert value(database, "SELECT count(*) FROM leases") == 1
