"""Everything that can end or begin a lease at the same moment: one of them wins, and the case is in one place."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from functools import partial
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from service.db import create_engine
from service.holds.workflow import return_due
from service.leases.workflow import return_lapsed
from service.people.workflow import close_person
from tests.service.holds.verbs import COLLEAGUE, hand_over, hold, run_out, skip, take
from tests.service.steps import Body, assert_error, claim, decide, query, report, value

# What must never be found, whatever happened.
BROKEN_RULES = {
    "a lease is live that no case knows": """
        SELECT token FROM leases l WHERE ended_at IS NULL
        AND NOT EXISTS (SELECT FROM cases c WHERE c.lease_token = l.token AND c.lease_holder = l.holder)
    """,
    "a case is leased under a lease that ended": """
        SELECT c.id FROM cases c JOIN leases l ON l.token = c.lease_token WHERE l.ended_at IS NOT NULL
    """,
    "a lease that ended has no outcome, or one that lives has": """
        SELECT token FROM leases WHERE (ended_at IS NULL) <> (outcome IS NULL)
    """,
    "a held case is held for nobody": "SELECT id FROM cases WHERE status = 'held' AND held_for IS NULL",
    "a hold is of more people than one": """
        SELECT c.id FROM cases c WHERE status = 'held'
        AND (SELECT count(*) FROM leases l WHERE l.case_id = c.id AND l.ended_at IS NULL) > 0
    """,
    "lapses are miscounted": """
        SELECT c.id FROM cases c
        WHERE lapses <> (SELECT count(*) FROM leases l WHERE l.case_id = c.id AND l.outcome = 'lapsed')
    """,
    "people who skipped are miscounted": """
        SELECT c.id FROM cases c WHERE skipped_by <> (SELECT count(*) FROM skips s WHERE s.case_id = c.id)
    """,
    "an end of a lease is not written down once": """
        SELECT c.id FROM cases c WHERE
            (SELECT count(*) FROM leases l WHERE l.case_id = c.id AND l.ended_at IS NOT NULL)
            <> (SELECT count(*) FROM events e WHERE e.case_id = c.id AND e.kind = ANY(
                '{case.held,case.handed_over,case.skipped,case.decided,lease.lapsed,lease.unopened,lease.released}'))
    """,
    "a hold ended more often than it began": """
        SELECT c.id FROM cases c WHERE
            (SELECT count(*) FROM events e WHERE e.case_id = c.id AND e.kind IN ('case.held', 'case.handed_over'))
            < (SELECT count(*) FROM events e WHERE e.case_id = c.id AND e.kind = 'case.returned') + (status = 'held')::int
    """,
}


# Time passes at random. Not by `query`, which would hold up the very calls whose locks it waits for.
PASSING = (
    text("UPDATE cases SET held_until = now() - interval '1 s' WHERE status = 'held' AND random() < 0.5"),
    text("UPDATE cases SET lease_expires_at = now() - interval '1 s' WHERE status = 'leased' AND random() < 0.3"),
)


def unbroken(database: str) -> None:
    for rule, finding in BROKEN_RULES.items():
        assert query(database, finding) == [], rule


@pytest.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    made = create_engine(database, pool=10)
    yield made
    await made.dispose()


@pytest.mark.parametrize("end", [hold, hand_over, skip, decide], ids=["hold", "hand over", "skip", "decide"])
async def test_what_ends_a_lease_loses_against_a_lapse_that_was_first(
    engine: AsyncEngine,
    reviewer: httpx.AsyncClient,
    claimed: Body,
    database: str,
    end: Callable[..., Coroutine[Any, Any, httpx.Response]],
) -> None:
    async with engine.connect() as connection:
        # The call begins while the lease is live, and waits for the row until the lapse is written.
        await connection.execute(text("UPDATE cases SET lease_expires_at = now() - interval '1 second'"))
        call = asyncio.create_task(end(reviewer, claimed))
        await asyncio.sleep(0.2)
        assert await return_lapsed(connection) == 1
        await connection.commit()
    assert_error(await call, 409, "lease_stale")
    assert query(database, "SELECT status, lapses, held_for FROM cases") == [("open", 1, None)]
    assert value(database, "SELECT count(*) FROM skips") == 0
    unbroken(database)


async def test_a_lapse_passes_by_a_case_that_is_being_held(
    engine: AsyncEngine, reviewer: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    async with engine.connect() as connection:
        await connection.execute(
            text(
                "UPDATE cases SET status = 'held', held_as = 'hold', held_for = lease_holder, lease_token = NULL,"
                " held_until = now() + interval '1 hour', lease_holder = NULL, lease_expires_at = NULL"
            )
        )
        async with engine.begin() as other:
            await other.execute(text("SET LOCAL lock_timeout = '1s'"))
            assert await return_lapsed(other) == 0
        await connection.rollback()


@pytest.mark.parametrize("end", [hold, skip, hand_over], ids=["hold", "skip", "hand over"])
async def test_of_ten_calls_with_one_token_one_wins(
    reviewer: httpx.AsyncClient, claimed: Body, database: str, end: Callable[..., Coroutine[Any, Any, httpx.Response]]
) -> None:
    answers = await asyncio.gather(*(end(reviewer, claimed) for _ in range(10)))
    codes = sorted(answer.status_code for answer in answers)
    assert codes[0] in {200, 204}
    assert codes[1:] == [409] * 9
    assert value(database, "SELECT count(*) FROM leases WHERE ended_at IS NOT NULL") == 1
    unbroken(database)


async def test_every_end_of_one_lease_at_once_leaves_one_end(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    for number in range(8):
        await report(platform, f"post-{number}")
        claimed = await claim(reviewer)
        calls = [end(reviewer, claimed) for end in (hold, hand_over, skip, decide)]
        random.Random(number).shuffle(calls)
        answers = await asyncio.gather(*calls)
        assert sorted(answer.status_code for answer in answers)[1:] == [409] * 3
        query(
            database,
            "UPDATE cases SET status = 'decided', decided_at = now(), held_until = NULL WHERE status <> 'decided'",
        )
    assert value(database, "SELECT count(*) FROM leases WHERE ended_at IS NOT NULL") == 8
    unbroken(database)


async def test_two_who_take_a_case_whose_hold_has_ended_get_one_lease(
    app: FastAPI, reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    await hold(reviewer, claimed)
    run_out(database)
    answers = await asyncio.gather(*(take(person, claimed) for person in (reviewer, colleague) * 5))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 9
    assert value(database, "SELECT count(*) FROM leases WHERE ended_at IS NULL") == 1
    assert value(database, "SELECT count(*) FROM events WHERE kind = 'case.returned'") == 1


async def test_workers_that_give_back_at_once_give_each_case_back_once(
    app: FastAPI, engine: AsyncEngine, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    for number in range(10):
        await report(platform, f"post-{number}")
        await hold(reviewer, await claim(reviewer))
    run_out(database)

    async def worker() -> int:
        async with engine.begin() as connection:
            return await return_due(connection)

    assert sum(await asyncio.gather(*(worker() for _ in range(8)))) == 10
    assert value(database, "SELECT count(*) FROM events WHERE kind = 'case.returned'") == 10
    unbroken(database)


async def test_a_hold_that_has_ended_is_found_when_nothing_else_waits_and_no_worker_runs(
    reviewer: httpx.AsyncClient, colleague: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    await hold(reviewer, claimed)
    assert (await colleague.post("/v1/queues/default/claim")).status_code == 204
    run_out(database)
    assert (await claim(colleague))["case"]["id"] == claimed["case"]["id"]


async def test_an_account_that_closes_while_it_is_handed_a_case_keeps_none(
    app: FastAPI, engine: AsyncEngine, reviewer: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    async with engine.connect() as connection:
        await close_person(connection, COLLEAGUE, actor=None)
        call = asyncio.create_task(hand_over(reviewer, claimed))
        await asyncio.sleep(0.2)
        assert not call.done()
        await connection.commit()
    assert_error(await call, 422, "cannot_receive")
    assert value(database, "SELECT status FROM cases") == "leased"


async def test_holds_at_once_do_not_pass_the_number_that_is_allowed(
    app: FastAPI, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    app.state.settings = app.state.settings.model_copy(update={"holds_most": 3})
    for number in range(8):
        await report(platform, f"post-{number}")
    cases = [await claim(reviewer) for _ in range(8)]
    answers = await asyncio.gather(*(hold(reviewer, one) for one in cases))
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [409] * 5
    assert value(database, "SELECT count(*) FROM cases WHERE status = 'held'") == 3
    assert value(database, "SELECT count(*) FROM leases WHERE ended_at IS NULL") == 5


async def test_a_call_that_dies_before_its_commit_leaves_everything_as_it_was(
    engine: AsyncEngine, reviewer: httpx.AsyncClient, claimed: Body, database: str
) -> None:
    await hold(reviewer, claimed)
    run_out(database)
    async with engine.connect() as connection:
        assert await return_due(connection) == 1
        await connection.rollback()
    assert value(database, "SELECT status FROM cases") == "held"
    assert value(database, "SELECT count(*) FROM events WHERE kind = 'case.returned'") == 0
    async with engine.begin() as connection:
        assert await return_due(connection) == 1


async def busy(caller: httpx.AsyncClient, others: list[str], chance: random.Random) -> None:
    """Claim, and end or keep what was claimed, again and again; now and then take up what is kept back."""
    for _ in range(15):
        answer = await caller.post("/v1/queues/default/claim", json={"prefetch": chance.random() < 0.2})
        assert answer.status_code in {200, 204, 409}, answer.text
        if answer.status_code == 200:
            ends: list[Callable[[], Awaitable[httpx.Response]]] = [
                partial(hold, caller, answer.json(), minutes=1),
                partial(hand_over, caller, answer.json(), to=chance.choice(others)),
                partial(skip, caller, answer.json(), chance.choice(["upset", "technical"])),
                partial(caller.get, "/v1/leases"),
            ]
            ended = await chance.choice(ends)()
            assert ended.status_code < 500, ended.text
        for one in (await caller.get("/v1/holds")).json()["holds"]:
            if chance.random() < 0.5:
                assert (await caller.post(f"/v1/cases/{one['case_id']}/claim")).status_code in {200, 409}


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_happens_at_once_no_case_is_lost(
    engine: AsyncEngine,
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    colleague: httpx.AsyncClient,
    lead: httpx.AsyncClient,
    database: str,
    seed: int,
) -> None:
    for number in range(6):
        await report(platform, f"post-{number}")
    people = {"test-reviewer": reviewer, "test-specialist": colleague, "test-lead": lead}

    async def time_passes() -> None:
        for _ in range(20):
            await asyncio.sleep(0.02)
            for statement in PASSING:
                async with engine.begin() as connection:
                    await connection.execute(statement)
            await housekeeping(engine)

    work = [
        busy(caller, [one for one in people if one != name], random.Random(f"{seed} {name}"))
        for name, caller in people.items()
    ]
    await asyncio.gather(time_passes(), *work)
    unbroken(database)
    run_out(database)
    query(database, "UPDATE cases SET lease_expires_at = now() - interval '1 second' WHERE status = 'leased'")
    await housekeeping(engine)
    assert value(database, "SELECT count(*) FROM cases WHERE status = 'open'") == 6
    assert value(database, "SELECT count(*) FROM leases WHERE ended_at IS NULL") == 0
    unbroken(database)


async def housekeeping(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await return_lapsed(connection)
        await return_due(connection)
