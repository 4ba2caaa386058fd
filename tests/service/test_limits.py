"""Long answers are made two at once, so that they leave connections for reports and reviewers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import psycopg
import pytest

from service.db import libpq_url
from tests.conftest import bearer
from tests.service.steps import Body, assert_error, claim, decided, report


@asynccontextmanager
async def locked(database: str, table: str) -> AsyncIterator[None]:
    """Nobody reads the table while this lasts."""
    async with await psycopg.AsyncConnection.connect(libpq_url(database)) as connection:
        await connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield
        await connection.rollback()


@pytest.mark.parametrize(
    ("method", "path", "table"),
    [
        ("POST", "/v1/routing/preview", "reports"),
        ("GET", "/v1/labels", "decision_undos"),
        ("GET", "/v1/log", "decision_undos"),
    ],
)
async def test_the_third_at_once_is_told_to_come_back(
    client: httpx.AsyncClient,
    keys: dict[str, str],
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    database: str,
    method: str,
    path: str,
    table: str,
) -> None:
    await report(platform)
    await decided(reviewer, await claim(reviewer))

    async def ask() -> httpx.Response:
        body: Body | None = {"rules": []} if method == "POST" else None
        return await client.request(method, path, json=body, headers=bearer(keys["lead"]))

    async with locked(database, table):
        first = [asyncio.create_task(ask()) for _ in range(2)]
        done, _ = await asyncio.wait(first, timeout=1)
        assert not done
        for answer in await asyncio.gather(*(ask() for _ in range(5))):
            assert_error(answer, 429, "overloaded")
            assert int(answer.headers["Retry-After"]) > 0
    assert [(await answer).status_code for answer in first] == [200, 200]
    assert (await ask()).status_code == 200, "a turn that is over is free again"
