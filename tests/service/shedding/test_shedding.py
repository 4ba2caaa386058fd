"""What nobody will get to is given up openly: only then, told to the reporters, listed, and taken back for good."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from models.rank import RankConfig
from service.cases.workflow import SHED, UNSHED
from service.db import create_engine
from service.jobs import create_jobs_app
from service.shedding import workflow
from service.shedding.workflow import Shedding
from tests.conftest import bearer, client_of
from tests.service.steps import Body, assert_error, claim, decided, query, report, value

EAGER = replace(RankConfig(), shed_least_history_hours=0.001, shed_least_decisions=3, version="eager")
MILD = json.dumps([0.9, 0.1, 0.0, 0.0, 0.0])


@pytest.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    one = create_engine(database, pool=3)
    yield one
    await one.dispose()


@pytest.fixture
async def hooked(app: FastAPI, keys: dict[str, str]) -> None:
    async with client_of(app) as caller:
        answer = await caller.post(
            "/v1/webhooks", json={"url": "https://platform.test/hook"}, headers=bearer(keys["admin"])
        )
        assert answer.status_code == 201


def shedding(engine: AsyncEngine, database: str, config: RankConfig = EAGER) -> Shedding:
    return Shedding(engine, create_jobs_app(database), config)


async def overload(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str, *, waiting: int = 6
) -> list[str]:
    """Three decisions an hour ago, more reports than that, and every waiting case near its latest start, mild and scored."""
    for number in range(3):
        await report(platform, f"done-{number}")
        await decided(reviewer, await claim(reviewer))
    cases = [(await report(platform, f"post-{number}"))["case_id"] for number in range(waiting)]
    for _ in range(40):
        await report(platform, "crowd", reason="spam")
    query(database, "UPDATE cases SET opened_at = now() - interval '1 hour'")
    for case in cases:
        make_due(database, case)
    query(
        database,
        "UPDATE cases SET rank = rank || jsonb_build_object('handling_minutes', 50.0) WHERE status = 'open'",
    )
    return cases


def make_due(database: str, case_id: str) -> None:
    """Let the latest start of a case come, as its parts say it, and let it be scored as mild."""
    query(
        database,
        """
        UPDATE cases SET start_by = now() - interval '1 minute',
               rank = rank || jsonb_build_object('scored', true, 'severity', CAST(%s AS jsonb),
                   'latest_start', to_char(now() AT TIME ZONE 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"'))
        WHERE id = %s
        """,
        MILD,
        case_id,
    )


def status(database: str, case_id: str | UUID) -> str:
    return str(value(database, "SELECT status FROM cases WHERE id = %s", case_id))


async def test_what_nobody_gets_to_is_given_up_told_and_listed(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    hooked: None,
    engine: AsyncEngine,
    database: str,
) -> None:
    cases = await overload(platform, reviewer, database)
    assert await shedding(engine, database).step() == len(cases)
    assert {status(database, case) for case in cases} == {"shed"}
    listed: Body = (await lead.get("/v1/shed")).json()
    assert {one["case_id"] for one in listed["cases"]} == set(cases)
    assert {one["shed_under"] for one in listed["cases"]} == {"eager"}
    told = query(database, "SELECT case_id::text, payload FROM outbox WHERE kind = %s", SHED)
    assert {case for case, _ in told} == set(cases)
    assert all(json.loads(payload)["data"]["reports"] for _, payload in told)
    events = query(database, "SELECT case_id::text, data ->> 'under' FROM events WHERE kind = 'case.shed'")
    assert sorted(events) == sorted((case, "eager") for case in cases)
    # What is given up is not handed out, and is still there for whoever looks.
    assert (await claim(reviewer))["case"]["id"] not in cases
    assert (await reviewer.get(f"/v1/cases/{cases[0]}")).json()["status"] == "shed"


@pytest.mark.parametrize(
    ("column", "content"),
    [
        ("deadline", "now() + interval '1 minute'"),
        ("special", "'threat_to_life'"),
        ("flags", "'{kept}'"),
        ("rank", """rank || '{"severity": [0, 0, 0, 1, 0]}'"""),
        ("rank", """rank || '{"scored": false}'"""),
        ("start_by", "now() + interval '1 hour'"),
    ],
    ids=["a deadline", "a special route", "taken back before", "likely severe", "not scored", "its time has not come"],
)
async def test_what_is_never_given_up(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    engine: AsyncEngine,
    database: str,
    column: str,
    content: str,
) -> None:
    spared, *others = await overload(platform, reviewer, database)
    query(database, f"UPDATE cases SET {column} = {content} WHERE id = %s", spared)
    assert await shedding(engine, database).step() == len(others)
    assert status(database, spared) == "open"


async def test_nothing_is_given_up_while_the_work_can_be_done(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, engine: AsyncEngine, database: str
) -> None:
    cases = await overload(platform, reviewer, database)
    query(database, "UPDATE cases SET rank = rank || '{\"handling_minutes\": 50.0}' WHERE status = 'decided'")
    query(database, "UPDATE cases SET rank = rank || '{\"handling_minutes\": 0.1}' WHERE status <> 'decided'")
    assert await shedding(engine, database).step() == 0
    assert {status(database, case) for case in cases} == {"open"}


async def test_nobody_at_work_is_an_outage_and_no_reason_to_give_up(
    platform: httpx.AsyncClient, engine: AsyncEngine, database: str
) -> None:
    case = (await report(platform))["case_id"]
    query(database, "UPDATE cases SET opened_at = now() - interval '9 hours'")
    make_due(database, case)
    assert await shedding(engine, database).step() == 0
    assert status(database, case) == "open"


async def test_a_configuration_without_the_rule_gives_nothing_up(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, engine: AsyncEngine, database: str
) -> None:
    await overload(platform, reviewer, database)
    assert await shedding(engine, database, replace(EAGER, shed=False)).step() == 0


async def test_what_is_taken_back_waits_again_and_is_not_given_up_twice(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    hooked: None,
    engine: AsyncEngine,
    database: str,
) -> None:
    first, *others = await overload(platform, reviewer, database)
    await shedding(engine, database).step()
    answer = await lead.post("/v1/shed/restore", json={"cases": [first]})
    assert answer.json() == {"cases": [first], "more": False}
    assert await shedding(engine, database).step() == 0
    assert status(database, first) == "open"
    assert value(database, "SELECT count(*) FROM outbox WHERE kind = %s AND case_id = %s", UNSHED, first) == 1
    assert (await claim(reviewer))["case"]["id"] == first
    answer = await lead.post("/v1/shed/restore", json={"queue": "default"})
    assert set(answer.json()["cases"]) == set(others)
    assert (await lead.get("/v1/shed")).json() == {"cases": [], "next": None}
    assert_error(await lead.post("/v1/shed/restore", json={"queue": "default"}), 404, "not_found")


async def test_a_report_on_what_was_given_up_takes_it_back(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, engine: AsyncEngine, database: str
) -> None:
    cases = await overload(platform, reviewer, database)
    await shedding(engine, database).step()
    again = await report(platform, "post-0")
    assert (again["case_id"], again["case_status"]) == (cases[0], "open")
    assert value(database, "SELECT data ->> 'because' FROM events WHERE kind = 'case.unshed'") == "report"
    # Asked for twice, it is not given up twice.
    await shedding(engine, database).step()
    assert status(database, cases[0]) == "open"


async def test_pages_of_what_was_given_up_at_one_moment_lose_none(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    engine: AsyncEngine,
    database: str,
) -> None:
    cases = await overload(platform, reviewer, database, waiting=5)
    await shedding(engine, database).step()
    seen: list[str] = []
    after = ""
    while True:
        page = (await lead.get(f"/v1/shed?limit=2{after}")).json()
        seen += [one["case_id"] for one in page["cases"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert sorted(seen) == sorted(cases)


async def test_many_that_may_not_be_given_up_hide_none_that_may(
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    engine: AsyncEngine,
    database: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workflow, "BATCH", 2)
    *spared, last = await overload(platform, reviewer, database, waiting=5)
    query(database, "UPDATE cases SET start_by = start_by - interval '1 hour' WHERE id <> %s AND status = 'open'", last)
    for case in spared:
        query(database, "UPDATE cases SET rank = rank || '{\"scored\": false}' WHERE id = %s", case)
    look = shedding(engine, database)
    assert [await look.step() for _ in range(3)] == [0, 0, 1]
    assert status(database, last) == "shed"


async def test_workers_and_claimers_at_once_give_up_and_hand_out_each_case_once(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, engine: AsyncEngine, database: str
) -> None:
    cases = await overload(platform, reviewer, database, waiting=20)
    workers = [shedding(engine, database) for _ in range(3)]
    results = await asyncio.gather(
        *(one.step() for one in workers), *(reviewer.post("/v1/queues/default/claim") for _ in range(8))
    )
    given_up = sum(one for one in results if isinstance(one, int))
    taken = {one.json()["case"]["id"] for one in results if isinstance(one, httpx.Response) and one.status_code == 200}
    shed = {str(case) for (case,) in query(database, "SELECT id FROM cases WHERE status = 'shed'")}
    assert given_up == len(shed)
    assert not shed & taken
    assert value(database, "SELECT count(*) FROM events WHERE kind = 'case.shed'") == given_up
    assert shed <= set(cases)


async def test_the_forecast_tells_load_and_rule(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, lead: httpx.AsyncClient, database: str
) -> None:
    await overload(platform, reviewer, database)
    told = (await lead.get("/v1/forecast")).json()
    assert told["rule"]["owner"] == RankConfig().owner
    [queue] = told["queues"]
    assert queue["queue"] == "default"
    assert queue["load"] > 1
    assert queue["waiting"] == 7
    assert queue["decided"] == 3
    # Three decisions are too few to conclude anything from.
    assert queue["overloaded"] is False


@pytest.mark.parametrize("body", [{}, {"cases": [], "queue": None}, {"queue": "default", "cases": None, "else": 1}])
async def test_what_cannot_be_taken_back_is_refused(lead: httpx.AsyncClient, body: Body) -> None:
    assert_error(await lead.post("/v1/shed/restore", json=body), 422, "invalid_request")
