"""One statement, many times, over a few connections: what PostgreSQL itself gives through psycopg."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

import psycopg

from bench.measure import BenchError
from service.db import driver_sql, libpq_url

# What all others are taking at this moment is no row for this one; it asks again, as any caller would.
TRIES = 20


async def execute_all(url: str, statement: str, calls: Sequence[Sequence[Mapping[str, Any]]], *, warm: int) -> float:
    """Execute a statement with each list of parameters over a connection of its own, all lists at once.

    Every execution commits by itself. Returns the seconds until the last commit; the first `warm` of each list come
    before and do not count.
    """
    marked = driver_sql(statement)
    async with AsyncExitStack() as stack:
        connections = [
            await stack.enter_async_context(await psycopg.AsyncConnection.connect(libpq_url(url), autocommit=True))
            for _ in calls
        ]
        await _phase(connections, marked, [mine[:warm] for mine in calls])
        started = time.perf_counter()
        await _phase(connections, marked, [mine[warm:] for mine in calls])
        return time.perf_counter() - started


async def _phase(
    connections: Sequence[psycopg.AsyncConnection[Any]],
    statement: str,
    calls: Sequence[Sequence[Mapping[str, Any]]],
) -> None:
    pairs = zip(connections, calls, strict=True)
    await asyncio.gather(*(_execute(connection, statement, mine) for connection, mine in pairs))


async def _execute(
    connection: psycopg.AsyncConnection[Any], statement: str, calls: Sequence[Mapping[str, Any]]
) -> None:
    for parameters in calls:
        for _ in range(TRIES):
            cursor = await connection.execute(statement, parameters)
            if await cursor.fetchone() is not None:
                break
        else:
            raise BenchError(f"the statement gave no row in {TRIES} tries")
