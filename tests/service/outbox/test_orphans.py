"""Messages whose job was lost get a new one; those that have one do not."""

import httpx
from fastapi import FastAPI
from sqlalchemy import text

from service.outbox.workflow import enqueue_orphans
from tests.service.steps import claim, decided, query, report

_JOBS = text("SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')")
_AGE = text("UPDATE outbox SET deliver_after = now() - interval '2 minutes'")
_LOSE = text("UPDATE procrastinate_jobs SET status = 'failed'")


async def test_a_message_without_a_job_gets_one_and_only_one(
    app: FastAPI, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient
) -> None:
    await platform.post("/v1/webhooks", json={"url": "http://127.0.0.1:9/hook"})
    await report(platform)
    await decided(reviewer, await claim(reviewer))
    engine, jobs = app.state.engine, app.state.jobs
    async with engine.begin() as connection:
        await connection.execute(_AGE)
    assert await enqueue_orphans(engine, jobs) == 0
    async with engine.begin() as connection:
        await connection.execute(_LOSE)
    assert await enqueue_orphans(engine, jobs) == 1
    assert await enqueue_orphans(engine, jobs) == 0
    async with engine.connect() as connection:
        assert (await connection.execute(_JOBS)).scalar_one() == 1


async def test_a_replayed_message_whose_job_was_lost_gets_another(
    app: FastAPI, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    await platform.post("/v1/webhooks", json={"url": "http://127.0.0.1:9/hook"})
    await report(platform)
    await decided(reviewer, await claim(reviewer))
    query(database, "UPDATE outbox SET state = 'failed'")
    query(database, "UPDATE procrastinate_jobs SET status = 'failed'")
    engine, jobs = app.state.engine, app.state.jobs
    assert await enqueue_orphans(engine, jobs) == 0
    [dead] = (await platform.get("/v1/webhooks/dead-letters")).json()["dead_letters"]
    await platform.post(f"/v1/webhooks/dead-letters/{dead['message']}/replay")
    assert query(database, "SELECT deliver_after <= now() FROM outbox") == [(True,)]
    query(database, "UPDATE procrastinate_jobs SET status = 'failed'")
    query(database, "UPDATE outbox SET deliver_after = now() - interval '2 minutes'")
    assert await enqueue_orphans(engine, jobs) == 1
