"""`kill -9` of the worker between any two steps of its work: another one takes over all that it had in hand."""

import os
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from models.bundle import load_bundle
from tests.journey import invariants
from tests.journey.parts import Part, until
from tests.journey.world import World, fresh_database, new_world

pytestmark = pytest.mark.kill

SEEDS = int(os.environ.get("KILL_SEEDS", "12"))
DECISIONS = 2
OPEN_CASES = 5


@pytest.fixture
async def world(database: str, tmp_path: Path) -> AsyncIterator[World]:
    async with new_world(database, tmp_path) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def quiet_work(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The steps of a worker that nobody kills, up to the end of its work."""
    folder = tmp_path_factory.mktemp("quiet-work")
    with fresh_database(server_url, template, "triage_quiet_work") as database:
        async with new_world(database, folder) as world:
            await work_piles_up(world)
            worker = world.part("work")
            await worker.start()
            await until(lambda: invariants.is_quiet(database), "the worker is done")
            return worker.steps()


async def work_piles_up(world: World) -> Part:
    """Reports without scores and decisions without webhooks; returns the API."""
    api = world.part("serve")
    await api.start()
    platform, reviewer = world.platform(api), world.reviewer(api)
    for number in range(DECISIONS + OPEN_CASES):
        await platform.report(f"k{number}", f"post-{number}", f"text number {number}")
    for _ in range(DECISIONS):
        held = await reviewer.claim()
        assert held is not None
        await reviewer.decide(held)
    invariants.end_undo_windows(world.database)
    return api


async def test_work_without_a_kill(quiet_work: list[str]) -> None:
    # The hooks still see all kinds of steps; a kill test that counts nothing would pass whatever the worker did.
    for expected in (
        "after: WITH new AS MATERIALIZED ( SELECT found.id, given.score",
        "before: webhook",
        "after: webhook",
    ):
        assert any(step.startswith(expected) for step in quiet_work), expected
    assert any("UPDATE outbox SET state = 'delivered'" in step for step in quiet_work)


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_worker_killed_between_two_steps(world: World, quiet_work: list[str], seed: int) -> None:
    die_at = 1 + int((seed + random.Random(seed).random()) * len(quiet_work) / SEEDS)
    await kill_worker_at(world, die_at)


@pytest.mark.parametrize("step", ["after: webhook", "before: UPDATE outbox SET state = 'delivered'"])
async def test_worker_killed_after_a_delivery_that_it_has_not_noted(world: World, step: str) -> None:
    await kill_worker_at(world, step)
    # Sent once before the kill and once after it, under the same id; `finish` has counted ids and decisions.
    assert len(world.inbox.deliveries) > len(world.inbox.ids) == DECISIONS + OPEN_CASES


@pytest.mark.parametrize("real_model", [False, True], ids=["constant scores", "shipped model"])
async def test_worker_killed_with_a_scored_batch_that_it_has_not_stored(world: World, real_model: bool) -> None:
    # `finish` finds every score: the batch was given to the next worker.
    await kill_worker_at(
        world, "before: WITH new AS MATERIALIZED ( SELECT found.id, given.score", real_model=real_model
    )
    with invariants.reading(world.database) as cursor:
        bundles = {row["bundle"] for row in cursor.execute("SELECT bundle FROM evidence").fetchall()}
    assert bundles == {load_bundle(world.settings.bundle).hash if real_model else "constant"}


async def kill_worker_at(world: World, die_at: int | str, *, real_model: bool = False) -> None:
    """Let a worker die at that step, start another one, and check that all is done in the end."""
    api = await work_piles_up(world)
    worker = world.part("work", die_at=die_at, real_model=real_model)
    await worker.start()
    await worker.died()
    steps = worker.steps()
    print(f"died at step {die_at}: {steps[-1]}")
    assert die_at in {len(steps), steps[-1][: len(str(die_at))]}
    await worker.revive(1)
    await world.work_off(worker)
    await world.finish(api, worker)
