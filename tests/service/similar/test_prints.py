"""Fingerprints are made once for every text, by whoever comes first, and none is forgotten."""

import asyncio

import httpx
import pytest
from fastapi import FastAPI

from service.db import create_engine
from service.similar import prints, store, workflow
from service.similar.prints import TextPrints
from tests.service.media.pictures import jpeg
from tests.service.similar.conftest import TEXT, spread
from tests.service.similar.test_similar import upload
from tests.service.steps import query, report, until, value

WAITING = "SELECT count(*) FROM text_prints WHERE made_at IS NULL"


async def test_every_text_waits_for_its_fingerprint_once(platform: httpx.AsyncClient, database: str) -> None:
    await report(platform, "a", text=TEXT)
    await report(platform, "a", text=TEXT)
    await report(platform, "a", text=f"{TEXT} and more")
    await report(platform, "b", text="", media=[await upload(platform, jpeg())])
    assert value(database, WAITING) == 2


async def test_a_batch_that_dies_is_done_again(
    app: FastAPI, platform: httpx.AsyncClient, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await spread(platform, 3)

    def broken(texts: list[str]) -> list[str | None]:
        raise RuntimeError("the process ends here")

    with monkeypatch.context() as patch:
        patch.setattr(workflow, "_fingerprints", broken)
        with pytest.raises(RuntimeError):
            await TextPrints(app.state.engine).step()
    assert value(database, WAITING) == 3
    assert await TextPrints(app.state.engine).step() == 3
    assert await TextPrints(app.state.engine).step() == 0
    assert query(database, "SELECT count(DISTINCT simhash), count(*) FROM text_prints WHERE made_at IS NOT NULL") == [
        (1, 3)
    ]


async def test_two_workers_share_what_waits(
    platform: httpx.AsyncClient, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflow, "BATCH", 5)
    await spread(platform, 20)
    engine = create_engine(database, pool=4)
    workers = [TextPrints(engine) for _ in range(4)]
    done = await asyncio.gather(*(worker.step() for worker in workers))
    assert sum(done) == 20
    async with engine.connect() as connection:
        assert await store.waiting(connection) == 0
    await engine.dispose()


async def test_the_loop_outlives_a_database_that_goes_away(
    app: FastAPI, platform: httpx.AsyncClient, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prints, "PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(prints, "IDLE_SECONDS", 0.05)
    stopping = asyncio.Event()
    running = asyncio.create_task(TextPrints(app.state.engine).run(stopping))
    await asyncio.sleep(0.1)
    query(
        database,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    await spread_again(platform)
    await until(lambda: value(database, WAITING) == 0)
    stopping.set()
    await asyncio.wait_for(running, 10)


async def spread_again(platform: httpx.AsyncClient) -> None:
    """Report until it works: the connections of the API were ended as well."""
    for _ in range(30):
        answer = await platform.post(
            "/v1/reports",
            json={"channel": "user", "reason": "spam", "subject": {"id": "late", "kind": "post", "text": TEXT}},
        )
        if answer.status_code == 201:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("no report was taken")
