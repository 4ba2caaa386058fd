"""Whether a large batch of view telemetry holds up those who claim.

One API process serves both. Reviewers claim in an open loop: at fixed moments, 40 a second in all, however long the last
claims took, as people do who do not know of each other; a claim counts from the moment at which it was due. In each round
first without anything else, then while batches of views for every subject are being applied, one call after the other
until there are claims enough. The database is put in order (VACUUM, CHECKPOINT) before both.
"""

import asyncio
import itertools
import json
import random
import statistics
import time
from dataclasses import dataclass, field

import uvloop

from bench.database import connect, empty_database
from bench.filling import fill_cases, settle
from bench.http_load import open_loop, request, send_all
from bench.measure import BenchError, Result, hardware, ratio, say, sides
from bench.people import Account, add_accounts
from bench.served import served

NAME = "claim_p99_during_view_batch_vs_quiet"
REVIEWERS = 8
EVERY_SECONDS = 1 / 40
WARM = 80


@dataclass(slots=True)
class _Measured:
    """Seconds of claims for each round, and of every batch."""

    during: list[list[float]] = field(default_factory=list)
    quiet: list[list[float]] = field(default_factory=list)
    batches: list[float] = field(default_factory=list)


def run(*, quick: bool) -> Result:
    """The median over the rounds of the 99th percentile during the batch, over that of the quiet one."""
    cases, claims, rounds = (1_500, 20, 1) if quick else (100_000, 400, 5)
    with empty_database() as url:
        reviewers = add_accounts(url, "reviewer", REVIEWERS)
        [platform] = add_accounts(url, "platform", 1)
        fill_cases(url, open_cases=cases, leased=10, holder=reviewers[0].id)
        calls = [request("/v1/queues/default/claim", key=one.key) for one in reviewers]
        measured = _Measured()
        with served(url) as port:
            uvloop.run(_quiet(port, calls, WARM))
            for number in range(rounds):
                say(f"{NAME}: round {number + 1} of {rounds}")
                _settle(url)
                measured.quiet.append(uvloop.run(_quiet(port, calls, claims)))
                batches = [_batch(platform, cases, turn=2 * number + part) for part in range(2)]
                _settle(url)
                taken, seconds = uvloop.run(_during(port, calls, batches, claims))
                measured.during.append(taken)
                measured.batches += seconds
                _require_applied(url, cases, within=sum(seconds))
    return _result(measured, cases)


def _result(measured: _Measured, cases: int) -> Result:
    during, quiet, batch = measured.during, measured.quiet, statistics.median(measured.batches)
    pairs = [(_ms(one, 0.99), _ms(other, 0.99)) for one, other in zip(during, quiet, strict=True)]
    detail = sides(pairs, first="during_p99", second="quiet_p99", unit="ms") | {
        "during_p50_ms": round(statistics.median(_ms(one, 0.5) for one in during), 2),
        "quiet_p50_ms": round(statistics.median(_ms(one, 0.5) for one in quiet), 2),
        "claims_during": sum(map(len, during)),
        "claims_quiet": sum(map(len, quiet)),
        "claims_per_second": round(1 / EVERY_SECONDS),
        "batches": len(measured.batches),
        "batch_seconds": round(batch, 2),
        "updates_per_second": round(cases / batch),
        "updates_in_a_batch": cases,
        "open_cases": cases,
    }
    return Result(NAME, ratio(pairs), "ratio", detail | hardware())


def _batch(platform: Account, subjects: int, *, turn: int) -> bytes:
    """A call that gives every subject a rate other than that of the turn before, in an order of its own."""
    updates = [
        {"id": f"post-{number}", "kind": "post", "views_per_hour": 1 + (7919 * number + 977 * turn) % 100_000}
        for number in range(1, subjects + 1)
    ]
    random.Random(turn).shuffle(updates)
    return request("/v1/subjects/views", key=platform.key, body=json.dumps({"updates": updates}).encode())


async def _quiet(port: int, calls: list[bytes], claims: int) -> list[float]:
    return await open_loop(port, calls, every=EVERY_SECONDS, going=lambda sent: sent < claims)


async def _during(port: int, calls: list[bytes], batches: list[bytes], claims: int) -> tuple[list[float], list[float]]:
    """Claims for as long as batches are being applied, and the seconds that each batch took."""
    done = asyncio.Event()
    sent = 0
    seconds: list[float] = []

    def going(number: int) -> bool:
        nonlocal sent
        sent = max(sent, number)
        return not done.is_set()

    async def apply() -> None:
        try:
            for batch in itertools.cycle(batches):
                started = time.perf_counter()
                await send_all(port, [[batch]], status=200, warm=0)
                seconds.append(time.perf_counter() - started)
                if sent >= claims:
                    return
        finally:
            done.set()

    applying = asyncio.create_task(apply())
    taken = await open_loop(port, calls, every=EVERY_SECONDS, going=going)
    await applying
    return taken, seconds


def _require_applied(url: str, cases: int, *, within: float) -> None:
    with connect(url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM subjects WHERE views_at > now() - make_interval(secs => %s)", [within + 5]
        ).fetchone()
    if row is None or row[0] != cases:
        raise BenchError(f"of {cases:,} subjects {row and row[0]:,} have the rate of the batch")


def _settle(url: str) -> None:
    with connect(url) as connection:
        settle(connection)


def _ms(seconds: list[float], share: float) -> float:
    return 1000 * sorted(seconds)[int(share * (len(seconds) - 1))]
