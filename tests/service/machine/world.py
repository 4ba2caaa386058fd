"""A service that a state machine drives step by step: people, calls, and what was said to them so far."""

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from labeling.taxonomy import load_taxonomy
from models.inference import ConstantScorer
from service.scoring.live_model import LiveModel
from service.scoring.workflow import ScoringLoop
from service.settings import Settings
from tests.conftest import bearer, client_of, running_app
from tests.service.conftest import Accounts, empty
from tests.service.steps import Body, connected

REVIEWERS = ("reviewer", "specialist")
PEOPLE = ("platform", *REVIEWERS, "lead", "admin")


@dataclass(frozen=True, slots=True)
class Held:
    """A lease that was handed to somebody, live or not."""

    person: str
    case: str
    token: str


@dataclass
class Ledger:
    """What the service has promised: every accepted report, every decision, every lease, every clock."""

    accepted: dict[str, str] = field(default_factory=dict)
    decisions: list[tuple[str, str, str]] = field(default_factory=list)
    undone: list[str] = field(default_factory=list)
    leases: list[Held] = field(default_factory=list)
    clocks: list[tuple[str, str]] = field(default_factory=list)


class World:
    """One running application with an event loop of its own; `begin` empties its database."""

    def __init__(self, database: str, accounts: Accounts, folder: Path) -> None:
        self.database = database
        self.accounts = accounts
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.ledger = Ledger()
        self.clients: dict[str, httpx.AsyncClient] = {}
        # Decisions stay within their undo window for as long as a run takes.
        settings = Settings(data_dir=folder, database_url=database, undo_seconds=3600)
        self.app: FastAPI = self.do(self.stack.enter_async_context(running_app(settings, load_taxonomy())))
        self.scoring = self._scoring(settings)

    def begin(self) -> None:
        """Nobody has said anything yet: an empty database, fresh accounts, one webhook."""
        empty(self.database)
        self.ledger = Ledger()
        self.do(self._people())

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run something of the service to its end."""
        return self.runner.run(work)

    def call(self, person: str, method: str, path: str, body: Body | None = None) -> httpx.Response:
        """One call of one person."""
        answer: httpx.Response = self.do(self.clients[person].request(method, path, json=body))
        assert answer.status_code < 500, answer.text
        return answer

    def score(self) -> None:
        """Let the worker score what waits."""
        self.do(self.scoring.step())

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Ask the database."""
        with connected(self.database) as connection:
            # The same few are asked after every step: to plan them takes longer than to answer them.
            return connection.execute(statement, values, prepare=True).fetchall()

    def close(self) -> None:
        """Stop the application and its event loop."""
        self.do(self.stack.aclose())
        self.runner.close()

    async def _people(self) -> None:
        for person, key in self.accounts.copied(self.database).items():
            if person not in self.clients:
                self.clients[person] = await self.stack.enter_async_context(client_of(self.app))
            self.clients[person].headers.update(bearer(key))
        answer = await self.clients["admin"].post("/v1/webhooks", json={"url": "https://platform.test/hook"})
        assert answer.status_code == 201, answer.text

    def _scoring(self, settings: Settings) -> ScoringLoop:
        taxonomy, state = self.app.state.taxonomy, self.app.state
        model = LiveModel(lambda: ConstantScorer(taxonomy.area_ids), concurrency=1)
        self.do(model.keep_loading())
        return ScoringLoop(state.engine, model, taxonomy=taxonomy, config=state.rank_config, settings=settings)
