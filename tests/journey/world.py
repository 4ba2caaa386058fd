"""A service in a folder and a database of its own, with a platform and reviewers around it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql
from pydantic import AnyHttpUrl

from service.db import create_engine, libpq_url
from service.outbox.schemas import WebhookIn
from service.outbox.workflow import create_endpoint
from service.settings import Settings
from tests.conftest import make_keys, other_database
from tests.journey import invariants
from tests.journey.killable import Plan
from tests.journey.parts import Command, Killable, Part, environment_of, free_port, until
from tests.journey.people import Caller, Ledger, Platform, Reviewer
from tests.journey.receiver import Inbox, listening

# Leases and undo windows end when a test lets time pass, and never by themselves.
LONG_SECONDS = 100_000
LONGEST_LOOK = 4 * 3600


@dataclass
class World:
    """Everything a kill test needs. `database` is the address that this process itself reaches it under."""

    database: str
    settings: Settings
    folder: Path
    inbox: Inbox
    keys: dict[str, str]
    ledger: Ledger = field(default_factory=Ledger)
    patient: bool = False
    parts: list[Part] = field(default_factory=list)
    callers: list[Caller] = field(default_factory=list)

    def part(self, name: str, *, die_at: int | str | None = None, real_model: bool = False) -> Killable:
        """The API ("serve") or a worker ("work"), not started yet."""
        number = len(self.parts)
        plan = Plan(
            part=name,
            settings=self.settings,
            trace=self.folder / f"{name}-{number}.steps",
            log=self.folder / f"{name}-{number}.log",
            die_at=die_at,
            real_model=real_model,
        )
        part = Killable(plan)
        self.parts.append(part)
        return part

    def command(self, name: str) -> Command:
        """A part as people start it, not started yet."""
        log = self.folder / f"{name}-{len(self.parts)}.log"
        port = self.settings.port if name == "serve" else None
        part = Command(name, environment=environment_of(self.settings), log=log, port=port)
        self.parts.append(part)
        return part

    def platform(self, api: Part) -> Platform:
        platform = Platform(api, self.keys["platform"], self.ledger, patient=self.patient)
        self.callers.append(platform)
        return platform

    def reviewer(self, api: Part, role: str = "reviewer") -> Reviewer:
        reviewer = Reviewer(api, self.keys[role], self.ledger, patient=self.patient)
        self.callers.append(reviewer)
        return reviewer

    async def decide_everything(self, api: Part) -> None:
        """Let leases of the dead lapse, then claim and decide until nothing waits."""
        reviewer = self.reviewer(api, "lead")
        invariants.end_leases(self.database)
        while held := await reviewer.claim():
            await reviewer.decide(held)

    async def work_off(self, worker: Part | None = None) -> None:
        """Let a worker do all that is left to do."""
        invariants.end_undo_windows(self.database)
        if worker is None:
            worker = self.part("work")
            await worker.start()
        await until(lambda: invariants.is_quiet(self.database), f"the worker is done\n{worker.log()}")

    async def finish(self, api: Part, worker: Part | None = None) -> None:
        """Bring everything to its end and check that nothing was lost on the way."""
        await self.decide_everything(api)
        await self.work_off(worker)
        platform = self.platform(api)
        for key in self.ledger.reports:
            await platform.send(key)
        invariants.check(self.database, self.ledger, self.inbox)

    async def close(self) -> None:
        for part in self.parts:
            if part.starts:
                await part.kill()
        for caller in self.callers:
            await caller.close()


def settings_for(folder: Path, database: str | None) -> Settings:
    """Settings of a service in that folder; without a database it starts an embedded one there."""
    return Settings(
        data_dir=folder / "data",
        database_url=database,
        port=free_port(),
        undo_seconds=LONG_SECONDS,
        lease_seconds=LONG_SECONDS,
        lease_hours=LONG_SECONDS,
        reveal_seconds=LONGEST_LOOK,
        score_timeout_seconds=1,
    )


def by_rank_alone(folder: Path) -> Path:
    """The shipped order without its random share, for tests that must know which case comes next."""
    path = folder / "by_rank_alone.toml"
    path.write_text(
        'version = "by-rank-alone"\nowner = "tests"\nreason = "which case comes next must be known"\n'
        "decided_on = 2026-11-29\nrandom_share = 0\n",
        encoding="utf-8",
    )
    return path


@asynccontextmanager
async def new_world(database: str, folder: Path, *, settings: Settings | None = None) -> AsyncIterator[World]:
    """A world on a migrated, empty database; everything in it is killed at the end."""
    settings = settings or settings_for(folder, database)
    with listening() as inbox:
        world = World(database, settings, folder, inbox, await make_keys(database))
        await subscribe(database, inbox)
        try:
            yield world
        finally:
            await world.close()


@contextmanager
def fresh_database(server_url: str, template: str, name: str) -> Iterator[str]:
    """A migrated, empty database for more than one test."""
    named = sql.Identifier(name)
    with psycopg.connect(libpq_url(server_url), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(named, sql.Identifier(template)))
        yield other_database(server_url, name)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(named))


async def subscribe(database: str, inbox: Inbox) -> None:
    """Have webhooks sent to an inbox, which knows by their signature that they are ours."""
    with invariants.reading(database) as cursor:
        row = cursor.execute("SELECT id FROM principals WHERE username = 'test-platform'").fetchone()
    assert row is not None
    engine = create_engine(database, pool=1)
    async with engine.begin() as connection:
        made = await create_endpoint(connection, WebhookIn(url=AnyHttpUrl(inbox.url)), actor=row["id"])
    await engine.dispose()
    inbox.secret = made.secret
