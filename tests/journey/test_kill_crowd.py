"""Kills from outside at random moments, while many people call at once."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.journey.parts import Part, until
from tests.journey.people import Platform, Reviewer
from tests.journey.world import World, new_world

pytestmark = pytest.mark.kill

REPORTERS = 4
REPORTS_EACH = 12
SUBJECTS = 9
REVIEWERS = ("reviewer", "specialist", "lead")
KILLS = ("serve", "work", "serve", "work")


@pytest.fixture
async def world(database: str, tmp_path: Path) -> AsyncIterator[World]:
    async with new_world(database, tmp_path) as made:
        yield made


@pytest.mark.parametrize("seed", range(2))
async def test_api_and_worker_killed_at_random_moments_under_load(world: World, seed: int) -> None:
    await a_busy_hour(world, world.part("serve"), world.part("work"), random.Random(seed))


async def test_commands_that_people_start_killed_under_load(world: World) -> None:
    await a_busy_hour(world, world.command("serve"), world.command("work"), random.Random(99))


async def a_busy_hour(world: World, api: Part, worker: Part, rng: random.Random) -> None:
    """Everybody works at once while both processes are killed twice, then everything is brought to its end."""
    await asyncio.gather(api.start(), worker.start())
    busy = asyncio.Event()
    busy.set()
    reviewers = [asyncio.create_task(review(world.reviewer(api, role), busy, rng)) for role in REVIEWERS]
    reporters = [asyncio.create_task(report(world.platform(api), number, rng)) for number in range(REPORTERS)]
    try:
        for number, name in enumerate(KILLS, 1):
            part = api if name == "serve" else worker
            # At about even steps of the work, so that each kill meets calls under way; the moment itself is left open.
            enough = number * REPORTERS * REPORTS_EACH // (len(KILLS) + 2)
            await until(lambda: len(world.ledger.accepted) >= enough, f"{enough} reports are accepted\n{api.log()}")  # noqa: B023
            await asyncio.sleep(rng.random() * 0.05)
            generation = part.generation
            await part.kill()
            await part.revive(generation)
        await asyncio.gather(*reporters)
        busy.clear()
        await asyncio.gather(*reviewers)
    finally:
        for task in (*reporters, *reviewers):
            task.cancel()
    assert (api.deaths, worker.deaths) == ([-9, -9], [-9, -9])
    assert len(world.ledger.accepted) == REPORTERS * REPORTS_EACH
    await world.finish(api, worker)


async def report(platform: Platform, number: int, rng: random.Random) -> None:
    """Report the same few posts as the others, with texts that sometimes differ."""
    for turn in range(REPORTS_EACH):
        subject = rng.randrange(SUBJECTS)
        await platform.report(f"reporter-{number}-{turn}", f"post-{subject}", f"text {subject} {rng.randrange(2)}")


async def review(reviewer: Reviewer, busy: asyncio.Event, rng: random.Random) -> None:
    """Claim, decide and now and then think better of it, for as long as reports come in."""
    while busy.is_set():
        held = await reviewer.claim()
        if held is None:
            await asyncio.sleep(0.02)
            continue
        decision = await reviewer.decide(held)
        if decision and rng.random() < 0.3:
            await reviewer.undo(decision)
