"""`kill -9` of the API between any two steps of a day: what it answered stands, and nothing is there twice."""

import os
import random
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from service.settings import Settings
from tests.journey.parts import Part
from tests.journey.people import Ledger, Platform, Reviewer
from tests.journey.world import World, by_rank_alone, fresh_database, new_world, settings_for

pytestmark = pytest.mark.kill

EDGE = re.compile("before: commit|after: commit|before answer")
# More seeds try more moments: KILL_SEEDS=700 goes through nearly every one of them.
SEEDS = int(os.environ.get("KILL_SEEDS", "24"))


def settings_of(folder: Path, database: str) -> Settings:
    """Of a day whose first case is the one with the picture: nothing is drawn by chance."""
    return settings_for(folder, database).model_copy(update={"ranking": by_rank_alone(folder)})


@pytest.fixture
async def world(database: str, tmp_path: Path) -> AsyncIterator[World]:
    async with new_world(database, tmp_path, settings=settings_of(tmp_path, database)) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def quiet_day(
    server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Ledger, list[str]]:
    """A day without a kill: what was promised on it, and every moment at which the others can die."""
    folder = tmp_path_factory.mktemp("quiet-day")
    with fresh_database(server_url, template, "triage_quiet_day") as database:
        async with new_world(database, folder, settings=settings_of(folder, database)) as world:
            api = world.part("serve")
            await api.start()
            await a_day(world, api)
            steps = api.steps()
            await world.finish(api)
            return world.ledger, steps


async def a_day(world: World, api: Part) -> None:
    """One of everything that changes something, by a platform and a reviewer who repeat what went unanswered."""
    platform, reviewer = world.platform(api), world.reviewer(api)
    await morning(platform)
    await afternoon(platform, reviewer)


async def morning(platform: Platform) -> None:
    """Reports: a first one, another on the same post, one with changed text, one with a picture."""
    await platform.report("k1", "post-1", "you are all vermin")
    await platform.report("k2", "post-1", "you are all vermin")
    await platform.report("k3", "post-1", "you are all vermin, and I know where you live")
    picture = await platform.upload()
    await platform.report("k4", "post-2", "look at this", media=[picture], views_per_hour=90_000)
    await platform.report("k5", "post-3", "buy followers now", views_per_hour=3)


async def afternoon(platform: Platform, reviewer: Reviewer) -> None:
    """Reviews: a reveal, decisions, one undone, one undone after a new report had opened a new case, a case given back."""
    if held := await reviewer.claim():
        await reviewer.keep_draft(held)
        if held["case"]["media"]:
            await reviewer.reveal(held)
        await reviewer.renew(held)
        if decision := await reviewer.decide(held):
            await reviewer.undo(decision)
    if held := await reviewer.claim():
        decision = await reviewer.decide(held)
        await platform.report("k6", held["case"]["subject"]["id"], "the same thing once more")
        if decision:
            await reviewer.undo(decision)
    if held := await reviewer.claim():
        await reviewer.release(held)
    if held := await reviewer.claim():
        await reviewer.decide(held)


async def test_day_without_a_kill(quiet_day: tuple[Ledger, list[str]]) -> None:
    ledger, steps = quiet_day
    assert len(ledger.accepted) == 6
    assert len(ledger.undone) == 2
    assert len(ledger.exposures) == 1
    # The hooks still see all kinds of steps; a kill test that counts nothing would pass whatever the service did.
    assert steps.count("before: commit") >= 15
    assert steps.count("before: os.rename") >= 5
    assert len([step for step in steps if "procrastinate_defer" in step]) == 6
    assert len([step for step in steps if step.startswith("after answer")]) >= 15


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_api_killed_between_two_steps(world: World, quiet_day: tuple[Ledger, list[str]], seed: int) -> None:
    _, steps = quiet_day
    die_at = moment(steps, seed)
    print(f"dies at step {die_at} of {len(steps)}: {steps[die_at - 1]}")
    api = world.part("serve", die_at=die_at)
    await api.start()
    await a_day(world, api)
    if not api.deaths:
        # It died after its very last answer, which then needed no repetition.
        await api.revive(1)
    assert api.deaths == [-9]
    assert len(api.steps()) == die_at
    await world.finish(api)


def moment(steps: list[str], seed: int) -> int:
    """The number of the step at which this seed dies. Seeds share the day evenly, each has its own part of it.

    Every other seed dies right before or after a commit or before an answer: there is most to be lost.
    """
    edges = [number for number, step in enumerate(steps, 1) if EDGE.match(step)]
    choice = edges if seed % 2 else range(1, len(steps) + 1)
    return choice[int((seed + random.Random(seed).random()) * len(choice) / SEEDS)]
