"""News of the floor as a stream: told to all who watch, without content, ended for who may no longer look."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.exc import TimeoutError as NoFreeConnectionError

from service.errors.availability import OverloadedError
from service.floor import live
from service.floor.live import ALIVE, NEWS, OVER, RESUME, Watch, stream
from tests.conftest import bearer, client_of
from tests.service.steps import assert_error, query, report


async def always() -> bool:
    return True


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "STEP_SECONDS", 0.01)


async def parts(told: AsyncIterator[bytes], count: int) -> list[bytes]:
    return [await asyncio.wait_for(anext(told), 5) for _ in range(count)]


async def test_everybody_who_watches_is_told_of_one_look() -> None:
    newest, looks = 7, 0

    async def latest() -> int:
        nonlocal looks
        looks += 1
        return newest

    watch = Watch(latest, pause=0.02)
    watch.ending = lambda: False
    streams = [stream(watch, still_allowed=always) for _ in range(3)]
    assert [await anext(one) for one in streams] == [RESUME] * 3
    waiting = [asyncio.create_task(one.asend(None)) for one in streams]
    await asyncio.sleep(0.1)
    assert not any(task.done() for task in waiting), "nothing has changed"
    assert 2 <= looks <= 6
    newest = 8
    assert await asyncio.wait_for(asyncio.gather(*waiting), 5) == [NEWS] * 3
    for one in streams:
        await one.aclose()
    await asyncio.sleep(0.05)
    looked = looks
    await asyncio.sleep(0.06)
    assert looks == looked, "nobody watches any more"


async def test_it_ends_when_the_process_does_and_for_who_may_no_longer_look(monkeypatch: pytest.MonkeyPatch) -> None:
    async def latest() -> int:
        return 1

    watch = Watch(latest, pause=0.02)
    watch.ending = lambda: False
    told = stream(watch, still_allowed=always)
    assert await anext(told) == RESUME
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0.0)
    assert await anext(told) == ALIVE
    watch.ending = lambda: True
    assert [part async for part in told] == []

    watch.ending = lambda: False

    async def no_longer() -> bool:
        return False

    assert [part async for part in stream(watch, still_allowed=no_longer)] == [RESUME, OVER]

    async def nobody_knows() -> bool:
        raise NoFreeConnectionError

    assert [part async for part in stream(watch, still_allowed=nobody_knows)] == [RESUME], "the browser asks again"


async def test_one_too_many_is_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    async def latest() -> int:
        return 1

    monkeypatch.setattr(live, "STREAMS_MOST", 1)
    watch = Watch(latest)
    watch.require_room()
    with watch.watching(), pytest.raises(OverloadedError):
        watch.require_room()
    watch.require_room()


async def test_signing_out_ends_the_stream_and_news_hold_nothing(
    app: FastAPI, client: httpx.AsyncClient, keys: dict[str, str], database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The route itself: the client waits for the whole answer, so the stream has to end by itself."""
    assert_error(await client.get("/v1/floor/events", headers=bearer(keys["reviewer"])), 403, "forbidden")
    app.state.watch.ending = lambda: False
    app.state.watch._pause = 0.02
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0.3)
    async with client_of(app) as lead:
        lead.headers.update(bearer(keys["lead"]))
        answering = asyncio.create_task(lead.get("/v1/floor/events"))
        await asyncio.sleep(0.1)
        async with client_of(app) as platform:
            platform.headers.update(bearer(keys["platform"]))
            await report(platform, "some words")
        await asyncio.sleep(0.1)
        query(
            database,
            "UPDATE api_keys SET revoked_at = now() WHERE principal_id = "
            "(SELECT id FROM principals WHERE role = 'lead')",
        )
        answer = await asyncio.wait_for(answering, 10)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    told = answer.content
    assert told.startswith(RESUME + NEWS)
    assert told.endswith(OVER)
    assert told.replace(RESUME, b"").replace(NEWS, b"").replace(ALIVE, b"") == OVER
