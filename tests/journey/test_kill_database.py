"""`kill -9` of PostgreSQL itself under load: what was accepted is there when it is back."""

import asyncio
import random
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.journey.parts import PATIENCE_SECONDS, Command, environment_of, until
from tests.journey.postgres import Postgres
from tests.journey.test_kill_crowd import REPORTERS, REPORTS_EACH, report
from tests.journey.world import World, new_world, settings_for

pytestmark = pytest.mark.kill


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A service that started its own database."""
    settings = settings_for(tmp_path, database=None)
    log = tmp_path / "serve.log"
    api = Command("serve", environment=environment_of(settings), log=log, port=settings.port)
    await api.start()
    postgres = Postgres(settings.data_dir)
    try:
        async with new_world(postgres.address(), tmp_path, settings=settings) as made:
            made.parts.append(api)
            made.patient = True
            yield made
    finally:
        await api.kill()
        await postgres.end(signal.SIGINT)


async def test_reports_survive_a_kill_of_the_database(world: World) -> None:
    api, postgres = world.parts[0], Postgres(world.settings.data_dir)
    worker = world.command("work")
    await worker.start()
    reporters = [
        asyncio.create_task(report(world.platform(api), number, random.Random(number))) for number in range(REPORTERS)
    ]
    enough = REPORTERS * REPORTS_EACH // 3
    await until(lambda: len(world.ledger.accepted) >= enough, f"{enough} reports are accepted\n{api.log()}")
    await postgres.end(signal.SIGKILL)
    await until(lambda: world.ledger.outages >= REPORTERS, f"the outage is told to callers\n{api.log()}")
    accepted = len(world.ledger.accepted)
    await api.kill()
    await asyncio.wait_for(asyncio.gather(*reporters), PATIENCE_SECONDS)
    assert accepted < len(world.ledger.accepted) == REPORTERS * REPORTS_EACH
    assert worker.status() is None, worker.log()
    await world.finish(api, worker)
