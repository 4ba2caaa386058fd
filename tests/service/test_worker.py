"""The background process: jobs are run to their end, lapsed cases and orphaned jobs come back."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from functools import partial

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from procrastinate import App
from standardwebhooks import Webhook

from service import worker
from service.db import libpq_url
from service.jobs import create_jobs_app, enqueue
from service.outbox import workflow as outbox
from service.settings import Settings
from service.worker import Chores, alert, housekeeping, register_tasks, run_jobs
from tests.service.outbox.receiver import Receiver, receiving
from tests.service.steps import Body, claim, decided, lapse, query, report, row_counts, until, value


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


@pytest.fixture
async def jobs(app: FastAPI, settings: Settings, database: str) -> AsyncIterator[App]:
    """The worker's jobs with its functions, not running yet."""
    one = create_jobs_app(database)
    async with one.open_async(), httpx.AsyncClient(timeout=2, trust_env=False) as client:
        register_tasks(one, app.state.engine, client, settings)
        yield one


async def run_what_is_due(jobs: App) -> None:
    await jobs.run_worker_async(wait=False, install_signal_handlers=False, delete_jobs="successful")


@pytest.fixture
async def endpoint(platform: httpx.AsyncClient, receiver: Receiver) -> Body:
    return dict((await platform.post("/v1/webhooks", json={"url": receiver.url})).json())


@pytest.fixture
async def decision(endpoint: Body, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient) -> Body:
    """A decision whose effect is due."""
    await report(platform)
    return await decided(reviewer, await claim(reviewer))


async def test_a_decision_reaches_the_platform(
    jobs: App, receiver: Receiver, endpoint: Body, decision: Body, database: str
) -> None:
    await run_what_is_due(jobs)
    [(_, headers, body)] = receiver.seen
    told = Webhook(endpoint["secret"]).verify(body, headers)
    assert told["data"]["decision_id"] == decision["decision_id"]
    assert query(database, "SELECT state FROM outbox") == [("delivered",)]
    assert row_counts(database)["procrastinate_jobs"] == 0


async def test_jobs_go_on_after_the_database_has_broken_off(
    jobs: App, receiver: Receiver, decision: Body, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "JOBS_PAUSE_SECONDS", 0.1)
    stopping = asyncio.Event()
    # The search for a job waits for the lock, and dies there.
    end = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND wait_event_type = 'Lock' AND query ~ 'procrastinate_fetch_job'"""
    with psycopg.connect(libpq_url(database)) as locking:
        locking.execute("LOCK TABLE procrastinate_jobs IN ACCESS EXCLUSIVE MODE")
        running = asyncio.create_task(run_jobs(jobs, stopping))
        await until(lambda: query(database, end) != [])
    try:
        await until(lambda: len(receiver.seen) == 1)
        assert not running.done()
    finally:
        stopping.set()
        running.cancel()
        await asyncio.wait([running])


async def test_a_refused_delivery_is_tried_again_later(
    jobs: App, receiver: Receiver, decision: Body, database: str
) -> None:
    receiver.answers = [503]
    await run_what_is_due(jobs)
    [(status, attempts, later)] = query(
        database, "SELECT status::text, attempts, scheduled_at > now() FROM procrastinate_jobs"
    )
    assert (status, attempts, later) == ("todo", 1, True)
    query(database, "UPDATE procrastinate_jobs SET scheduled_at = now()")
    await run_what_is_due(jobs)
    assert len(receiver.seen) == 2
    assert len(set(receiver.ids)) == 1
    assert query(database, "SELECT state, attempts FROM outbox") == [("delivered", 2)]


async def test_a_job_run_twice_sends_once(
    app: FastAPI, jobs: App, receiver: Receiver, decision: Body, database: str
) -> None:
    message = value(database, "SELECT id::text FROM outbox")
    async with app.state.engine.begin() as connection:
        await enqueue(app.state.jobs, connection, "outbox.deliver", arguments={"message": message})
    await run_what_is_due(jobs)
    assert len(receiver.seen) == 1


async def test_a_job_of_a_transaction_that_failed_does_not_exist(app: FastAPI, jobs: App, database: str) -> None:
    async with app.state.engine.connect() as connection:
        await enqueue(app.state.jobs, connection, "outbox.deliver", arguments={"message": "never"})
        await connection.rollback()
    assert row_counts(database)["procrastinate_jobs"] == 0


async def test_a_job_about_nothing_ends(app: FastAPI, jobs: App, database: str) -> None:
    arguments = {"message": "0199f1c2-0000-7000-8000-000000000000"}
    async with app.state.engine.begin() as connection:
        await enqueue(app.state.jobs, connection, "outbox.deliver", arguments=arguments)
    await run_what_is_due(jobs)
    assert row_counts(database)["procrastinate_jobs"] == 0


async def test_housekeeping_gives_lapsed_cases_back(
    app: FastAPI, jobs: App, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    case = (await report(platform))["case_id"]
    await claim(reviewer)
    lapse(database, case)
    stopping = asyncio.Event()
    keeping = asyncio.create_task(housekeeping(app.state.engine, jobs, stopping))
    await until(lambda: value(database, "SELECT status FROM cases") == "open")
    stopping.set()
    await asyncio.wait_for(keeping, 30)
    assert value(database, "SELECT lapses FROM cases") == 1


async def test_all_that_waited_for_a_paused_endpoint_is_on_its_way_without_another_minute(
    app: FastAPI, jobs: App, platform: httpx.AsyncClient, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = (await platform.post("/v1/webhooks", json={"url": "http://127.0.0.1:9/hook"})).json()["id"]
    for _ in range(5):
        await platform.post(f"/v1/webhooks/{hook}/test")
    query(database, "UPDATE outbox SET deliver_after = now() - interval '2 minutes'")
    query(database, "UPDATE procrastinate_jobs SET status = 'failed'")
    for module in (outbox, worker):
        monkeypatch.setattr(module, "ORPHANS_AT_ONCE", 2)
    monkeypatch.setattr(worker, "HOUSEKEEPING_SECONDS", 0.01)
    stopping = asyncio.Event()
    keeping = asyncio.create_task(housekeeping(app.state.engine, jobs, stopping))
    await until(
        lambda: value(database, "SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'") == 5, seconds=5
    )
    stopping.set()
    await asyncio.wait_for(keeping, 30)


async def test_housekeeping_gives_held_cases_back_and_tells_of_those_that_keep_coming_back(
    app: FastAPI,
    jobs: App,
    settings: Settings,
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    database: str,
) -> None:
    case = (await report(platform))["case_id"]
    lease = (await claim(reviewer))["lease"]["token"]
    body = {"lease_token": lease, "reason": "waiting for a colleague", "minutes": 5}
    assert (await reviewer.post(f"/v1/cases/{case}/hold", json=body)).status_code == 200
    query(database, "UPDATE cases SET held_until = now(), lapses = 3")
    stopping = asyncio.Event()
    keeping = asyncio.create_task(
        housekeeping(app.state.engine, jobs, stopping, Chores(often=(partial(alert, app.state.engine, settings),)))
    )
    await until(lambda: value(database, "SELECT count(*) FROM events WHERE kind = 'lease.alert'") == 1)
    stopping.set()
    await asyncio.wait_for(keeping, 30)
    assert value(database, "SELECT status FROM cases") == "open"


async def test_housekeeping_forgets_old_traces_of_sign_ins(
    app: FastAPI, jobs: App, keys: dict[str, str], database: str
) -> None:
    query(
        database,
        "INSERT INTO sign_in_failures (username, at) VALUES ('old', now() - interval '2 days'), ('new', now())",
    )
    query(
        database,
        """
        INSERT INTO sessions (token_hash, principal_id, expires_at)
        SELECT hash, p.id, now() + after::interval FROM (SELECT id FROM principals LIMIT 1) AS p,
        (VALUES ('\\x00'::bytea, '-8 days'), ('\\x01', '-1 day'), ('\\x02', '1 hour')) AS given (hash, after)
        """,
    )
    stopping = asyncio.Event()
    keeping = asyncio.create_task(housekeeping(app.state.engine, jobs, stopping))
    await until(lambda: value(database, "SELECT count(*) FROM sign_in_failures") == 1)
    stopping.set()
    await keeping
    assert value(database, "SELECT username FROM sign_in_failures") == "new"
    assert value(database, "SELECT count(*) FROM sessions") == 2


async def test_housekeeping_gives_jobs_of_dead_workers_back(
    app: FastAPI, jobs: App, receiver: Receiver, decision: Body, database: str
) -> None:
    query(
        database,
        """
        WITH dead AS (
            INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 minute') RETURNING id
        )
        UPDATE procrastinate_jobs SET status = 'doing', worker_id = dead.id FROM dead
        """,
    )
    await run_what_is_due(jobs)
    assert receiver.seen == []
    stopping = asyncio.Event()
    keeping = asyncio.create_task(housekeeping(app.state.engine, jobs, stopping))
    await until(lambda: value(database, "SELECT status::text FROM procrastinate_jobs") == "todo")
    stopping.set()
    await keeping
    await run_what_is_due(jobs)
    assert len(receiver.seen) == 1


async def test_housekeeping_outlives_a_failing_database(
    app: FastAPI, jobs: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0

    async def failing_once(_connection: object) -> int:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise ConnectionError("gone")
        return 0

    monkeypatch.setattr(worker, "return_lapsed", failing_once)
    monkeypatch.setattr(worker, "HOUSEKEEPING_SECONDS", 0.01)
    stopping = asyncio.Event()
    keeping = asyncio.create_task(housekeeping(app.state.engine, jobs, stopping))
    await until(lambda: calls > 2)
    stopping.set()
    await asyncio.wait_for(keeping, 30)


async def test_a_replay_and_a_test_message_are_sent_by_the_worker_as_any_other(
    app: FastAPI,
    jobs: App,
    platform: httpx.AsyncClient,
    receiver: Receiver,
    endpoint: Body,
    decision: Body,
    database: str,
) -> None:
    query(database, "UPDATE outbox SET attempts = %s", app.state.settings.webhook_attempts - 1)
    receiver.answers = [500, 503, 200]
    await run_what_is_due(jobs)
    [dead] = (await platform.get("/v1/webhooks/dead-letters")).json()["dead_letters"]
    assert row_counts(database)["procrastinate_jobs"] == 0
    assert (await platform.post(f"/v1/webhooks/dead-letters/{dead['message']}/replay")).status_code == 202
    assert (await platform.post(f"/v1/webhooks/{endpoint['id']}/test")).status_code == 202
    for _ in range(3):
        query(database, "UPDATE procrastinate_jobs SET scheduled_at = now()")
        await run_what_is_due(jobs)
    assert query(database, "SELECT DISTINCT state FROM outbox") == [("delivered",)]
    # Every attempt is signed: the one that was the last, one that was refused again, and one success for each message.
    told = [Webhook(endpoint["secret"]).verify(body, headers)["type"] for _, headers, body in receiver.seen]
    assert len(told) == 4
    assert set(told) == {"decision.made", "webhook.test"}
    assert set(receiver.ids) == {str(one) for (one,) in query(database, "SELECT id FROM outbox")}
    assert row_counts(database)["procrastinate_jobs"] == 0
