"""Whether a claim gets slower with the length of the queue."""

import time
from dataclasses import dataclass
from functools import partial
from uuid import UUID

import uvloop
from sqlalchemy.ext.asyncio import AsyncEngine

from bench.database import empty_database
from bench.filling import fill_cases, limit_reviewers
from bench.measure import BenchError, Result, hardware, ratio, say, sides
from bench.people import add_accounts
from service.cases.workflow import question_of_lease
from service.db import create_engine
from service.exposure.limits import Limits
from service.leases.workflow import ClaimRules, claim_next

NAME = "claim_cost_1e6_vs_1e3"
WARM = 50
# By rank alone; claim_full_cost_1e6_vs_1e3 measures what a claim does beside that.
PLAIN = ClaimRules(seconds=600, limits=Limits(day_seconds=1e9), random_share=0.0)


@dataclass(frozen=True, slots=True)
class _Sizes:
    long: int
    short: int
    leased: int
    claims: int


def run(*, quick: bool) -> Result:
    """Median time of a claim, reading the case and commit included, in a long queue over that in a short one."""
    return measure(NAME, PLAIN, limited=False, quick=quick)


def measure(name: str, rules: ClaimRules, *, limited: bool, quick: bool) -> Result:
    """The same under any rules; `limited` reviewers have languages, consents and exposure on record."""
    sizes = _Sizes(1_500, 400, 50, 20) if quick else _Sizes(1_000_000, 1_000, 5_000, 250)
    with empty_database() as short, empty_database() as long:
        holders = []
        for url, count in ((short, sizes.short), (long, sizes.long)):
            say(f"{name}: filling {count:,} open cases")
            holder = add_accounts(url, "reviewer", 1)[0].id
            fill_cases(url, open_cases=count, leased=sizes.leased, holder=holder)
            if limited:
                limit_reviewers(url, [holder])
            holders.append(holder)
        say(f"{name}: {sizes.claims} claims on each side")
        pairs = uvloop.run(_claim_in_turn((long, holders[1]), (short, holders[0]), rules, claims=sizes.claims))
    detail = sides(pairs, first="long", second="short", unit="ms")
    detail |= {"open_long": sizes.long, "open_short": sizes.short, "live_leases_each": sizes.leased}
    return Result(name, ratio(pairs), "ratio", detail | hardware())


async def _claim_in_turn(
    long: tuple[str, UUID], short: tuple[str, UUID], rules: ClaimRules, *, claims: int
) -> list[tuple[float, float]]:
    engines = [create_engine(url, pool=1) for url, _ in (long, short)]
    try:
        pairs = [
            (await _claim_ms(engines[0], long[1], rules), await _claim_ms(engines[1], short[1], rules))
            for _ in range(WARM + claims)
        ]
    finally:
        for engine in engines:
            await engine.dispose()
    return pairs[WARM:]


async def _claim_ms(engine: AsyncEngine, holder: UUID, rules: ClaimRules) -> float:
    started = time.perf_counter()
    async with engine.begin() as connection:
        look = partial(question_of_lease, viewer=holder)
        found = await claim_next(connection, "default", holder=holder, rules=rules, then=look)
    took = time.perf_counter() - started
    if found is None:
        raise BenchError("the queue ran empty")
    return 1000 * took
