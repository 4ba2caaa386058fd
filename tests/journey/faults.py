"""Fault runs: `python -m tests.journey.faults --minutes 10` runs the whole service under load and keeps ending its parts.

`python -m service up` runs database, API and worker, with another API and worker beside it. Platforms report and count
views, reviewers work with leases that are too short, a receiver of webhooks fails now and then. Meanwhile parts are
killed. In the end everything that was promised to somebody has to be there, and nothing twice.
"""

import argparse
import asyncio
import json
import random
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from service.settings import Settings
from tests.conftest import make_keys
from tests.journey import invariants
from tests.journey.figures import figures, table
from tests.journey.household import Household
from tests.journey.outages import Beside, Outages, site
from tests.journey.parts import environment_of, free_port
from tests.journey.receiver import Inbox, Mood, listening
from tests.journey.shift import Pace, Shift, count_views, report, review
from tests.journey.world import World, subscribe

ROLES = ("reviewer", "specialist", "lead")
MOODS: tuple[Mood, ...] = ("takes", "refuses", "fails", "hangs")
DRAIN_SECONDS = 180.0
HANG_UP_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How long, how much and how often. `beside` is how many APIs and workers run beside those of `up`."""

    seconds: float
    seed: int = 0
    every: float = 12.0
    beside: int = 1
    platforms: int = 4
    reviewers: int = 6
    lease: int = 6
    undo: int = 4
    pace: dict[str, float] = field(default_factory=dict)
    # Whether webhooks that failed wait out their time before they are sent again.
    waits: bool = True


@dataclass(frozen=True)
class Outcome:
    """The figures of a run, and everything that was not as it must be."""

    figures: dict[str, dict[str, Any]]
    broken: list[str]


async def run(plan: Plan, folder: Path) -> Outcome:
    """Run everything in an empty folder; returns what came of it."""
    rng = random.Random(plan.seed)
    async with running(plan, folder) as (world, home, beside):
        outages = site(home, beside, random.Random(rng.random()))
        shift = Shift(Pace(lease=plan.lease, undo=plan.undo, **plan.pace))
        people = _people(plan, world, outages, shift, rng)
        keeping = asyncio.create_task(outages.keep())
        try:
            world.inbox.mood = _moody(random.Random(rng.random()))
            await _under_load(plan, shift, outages, people)
            world.inbox.mood = lambda: "takes"
            shift.problems += await _brought_to_its_end(world, home, waits=plan.waits)
        finally:
            keeping.cancel()
            for task in people:
                task.cancel()
        broken = [*shift.problems, *outages.collapses(), *invariants.broken(world.database, world.ledger, world.inbox)]
        return Outcome(figures(world, shift, outages), broken)


async def _under_load(plan: Plan, shift: Shift, outages: Outages, people: list[asyncio.Task[None]]) -> None:
    striking = asyncio.create_task(outages.strike(shift.over, every=plan.every))
    await asyncio.wait([striking, *people], timeout=plan.seconds, return_when=asyncio.FIRST_EXCEPTION)
    shift.over.set()
    # Whoever waits for an answer gets it once all parts are back.
    done, waiting = await asyncio.wait([striking, *people], timeout=HANG_UP_SECONDS)
    if waiting:
        shift.problems.append(f"{len(waiting)} callers had no answer {HANG_UP_SECONDS:.0f} s after the last fault")
    for task in done:
        task.result()


async def _brought_to_its_end(world: World, home: Household, *, waits: bool) -> list[str]:
    """Wait for everything that is under way, then send every report again; returns what did not come to its end."""
    deadline = time.monotonic() + DRAIN_SECONDS
    while not (home.is_ready() and invariants.is_quiet(world.database)):
        if time.monotonic() > deadline:
            return [f"scores, webhooks or jobs were left {DRAIN_SECONDS:.0f} s after the last fault"]
        if not waits and home.is_ready():
            invariants.end_undo_windows(world.database)
        await asyncio.sleep(0.5)
    platform = world.platform(world.callers[0].api)
    keys = list(world.ledger.reports)
    for start in range(0, len(keys), 4):
        await asyncio.gather(*(platform.send(key) for key in keys[start : start + 4]))
    return []


def _people(plan: Plan, world: World, outages: Outages, shift: Shift, rng: random.Random) -> list[asyncio.Task[None]]:
    apis = outages.apis
    colleagues = tuple(f"test-{role}" for role in ROLES)
    work = []
    for number in range(plan.platforms):
        platform = world.platform(apis[number % len(apis)])
        work.append(report(platform, shift, f"p{number}", random.Random(rng.random())))
    work.append(count_views(world.platform(apis[-1]), shift, random.Random(rng.random())))
    for number in range(plan.reviewers):
        reviewer = world.reviewer(apis[number % len(apis)], ROLES[number % len(ROLES)])
        reviewer.hurried = True
        work.append(review(reviewer, shift, colleagues, random.Random(rng.random())))
    return [asyncio.create_task(one) for one in work]


def _moody(rng: random.Random) -> Any:
    return lambda: rng.choices(MOODS, weights=(88, 6, 4, 2))[0]


@asynccontextmanager
async def running(plan: Plan, folder: Path) -> AsyncIterator[tuple[World, Household, list[Beside]]]:
    """`up` in that folder with its samples, accounts of our own, a receiver, and parts beside it."""
    settings = Settings(
        data_dir=folder / "data",
        port=free_port(),
        lease_seconds=plan.lease,
        undo_seconds=plan.undo,
        score_timeout_seconds=5,
        webhook_timeout_seconds=2,
    )
    home = Household(folder, settings)
    beside: list[Beside] = []
    with listening() as inbox:
        try:
            await home.running()
            world = await _world(home, settings, inbox)
            beside += _beside(plan, world)
            for part in beside:
                part.begin()
            yield world, home, beside
        finally:
            for part in beside:
                await part.kill()
            if home.command.status() is None:
                await home.stopped(signal.SIGTERM)


async def _world(home: Household, settings: Settings, inbox: Inbox) -> World:
    database = home.postgres.address()
    world = World(database, settings, home.data_dir.parent, inbox, await make_keys(database), patient=True)
    await subscribe(database, inbox)
    with invariants.reading(database) as cursor:
        world.ledger.before = frozenset(str(row["id"]) for row in cursor.execute("SELECT id FROM reports"))
    return world


def _beside(plan: Plan, world: World) -> list[Beside]:
    parts = []
    for number in range(plan.beside):
        settings = world.settings.model_copy(update={"database_url": world.database, "port": free_port()})
        for name in ("serve", "work"):
            log = world.folder / f"{name}-{number}.log"
            port = settings.port if name == "serve" else None
            parts.append(Beside(name, environment=environment_of(settings), log=log, port=port))
    return parts


def main() -> int:
    """Run, print the figures as JSON and as a table. 1 when anything is not as it must be."""
    options = _parser().parse_args()
    plan = Plan(seconds=options.minutes * 60, seed=options.seed, every=options.every, beside=options.beside)
    folder = Path(tempfile.mkdtemp(prefix="triage-faults-"))
    print(f"{options.minutes:g} minutes, seed {options.seed}; data and logs are in {folder}", file=sys.stderr)
    outcome = asyncio.run(run(plan, folder))
    found = {"minutes": options.minutes, "seed": options.seed, **outcome.figures, "broken": outcome.broken}
    print(json.dumps(found))
    print(f"\n{table(outcome.figures)}\n")
    if options.out:
        options.out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    for problem in outcome.broken:
        print(f"BROKEN: {problem}", file=sys.stderr)
    return int(bool(outcome.broken))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.journey.faults", description="Run the service under faults.")
    parser.add_argument("--minutes", type=float, default=10, help="how long the faults go on")
    parser.add_argument("--seed", type=int, default=0, help="what people do and which faults come")
    parser.add_argument("--every", type=float, default=12, metavar="SECONDS", help="between two faults, on average")
    parser.add_argument("--beside", type=int, default=1, metavar="N", help="APIs and workers beside those of `up`")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the figures there as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
