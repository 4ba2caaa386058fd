"""The re-rank of one subject against the bare UPDATE of its case.

Both ways in which a case moves are measured, each as a whole transaction with its commit: news of views, as
`POST /v1/subjects/{id}/views` applies them, and the full re-rank that a new report, clock or score asks for (lock, what
the rank is made of, routing, ranking, update). The figure is the larger of the two. The bare UPDATE runs on a connection
from a like pool, in a transaction of its own, and sets two of the columns.
"""

import random
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import uvloop
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bench.database import connect, empty_database
from bench.filling import fill_cases, settle
from bench.measure import BenchError, Result, hardware, ratio, say, sides
from bench.people import add_accounts
from labeling.taxonomy import load_taxonomy
from models.rank import RankConfig
from service.cases.workflow import rerank_evidence
from service.db import create_engine, driver_connection
from service.telemetry.schemas import ViewsIn
from service.telemetry.workflow import take_one

NAME = "rerank_vs_update"
WARM = 50
VIEWS = 777_777.0

_UPDATE = "UPDATE cases SET rank_value = %(value)s, views_per_hour = %(views)s WHERE id = %(id)s"
# What the full re-rank takes up: a second report on every case, for another reason, of somebody else.
_SECOND_REPORT = """
    INSERT INTO reports (id, case_id, evidence_id, channel, reason, note, reporter_id, received_from, case_status)
    SELECT gen_random_uuid(), case_id, evidence_id, channel, 'spam', note, 'second-' || reporter_id, received_from,
           case_status
    FROM reports
"""


@dataclass(frozen=True, slots=True)
class _Case:
    id: UUID
    evidence: UUID
    subject: str


def run(*, quick: bool) -> Result:
    """Median time of the slower re-rank over that of the bare UPDATE, each on cases of its own."""
    open_cases, calls = (400, 15) if quick else (10_000, 500)
    with empty_database() as url:
        fill_cases(url, open_cases=open_cases, leased=0, holder=add_accounts(url, "reviewer", 1)[0].id)
        cases = _drawn(url, 3 * (WARM + calls))
        say(f"{NAME}: {calls} calls of each of three")
        taken = uvloop.run(_in_turn(url, cases))[WARM:]
    by_views, full = [(one, bare) for one, _, bare in taken], [(one, bare) for _, one, bare in taken]
    slower = max(by_views, full, key=ratio)
    detail = sides(slower, first="rerank", second="update", unit="ms") | {
        "views_vs_update": round(ratio(by_views), 2),
        "full_rerank_vs_update": round(ratio(full), 2),
        "views_ms": round(statistics.median(one for one, _ in by_views), 3),
        "full_rerank_ms": round(statistics.median(one for one, _ in full), 3),
        "open_cases": open_cases,
    }
    return Result(NAME, ratio(slower), "ratio", detail | hardware())


def _drawn(url: str, count: int) -> list[_Case]:
    with connect(url) as connection:
        connection.execute(_SECOND_REPORT)
        connection.execute("UPDATE cases SET report_count = 2")
        settle(connection)
        rows = connection.execute(
            "SELECT c.id, c.evidence_id, s.external_id FROM cases c JOIN subjects s ON s.id = c.subject_id ORDER BY c.id"
        ).fetchall()
    cases = [_Case(*row) for row in rows]
    random.Random(1).shuffle(cases)
    return cases[:count]


async def _in_turn(url: str, cases: list[_Case]) -> list[tuple[float, float, float]]:
    engines = [create_engine(url, pool=1) for _ in range(3)]
    config, taxonomy = RankConfig(), load_taxonomy()

    async def by_views(connection: AsyncConnection, case: _Case) -> None:
        views = ViewsIn(kind="post", views_per_hour=VIEWS)
        if (await take_one(connection, case.subject, views, kind=None, config=config)).applied != 1:
            raise BenchError("the views changed nothing")

    async def full(connection: AsyncConnection, case: _Case) -> None:
        await rerank_evidence(connection, [case.evidence], taxonomy=taxonomy, config=config)

    async def bare(connection: AsyncConnection, case: _Case) -> None:
        cursor: psycopg.AsyncCursor[Any] = await driver_connection(connection).execute(
            _UPDATE, {"value": 1.0, "views": VIEWS, "id": case.id}
        )
        if cursor.rowcount != 1:
            raise BenchError("the case is not there")

    try:
        return [
            (
                await _ms(engines[0], by_views, one),
                await _ms(engines[1], full, two),
                await _ms(engines[2], bare, three),
            )
            for one, two, three in zip(cases[::3], cases[1::3], cases[2::3], strict=True)
        ]
    finally:
        for engine in engines:
            await engine.dispose()


async def _ms(engine: AsyncEngine, work: Callable[[AsyncConnection, _Case], Awaitable[None]], case: _Case) -> float:
    started = time.perf_counter()
    async with engine.begin() as connection:
        await work(connection, case)
    return 1000 * (time.perf_counter() - started)
