"""Runs the real API or worker in a process that ends itself by SIGKILL at a chosen step of its work.

A step is a moment between two of which somebody else could see a difference: a statement is about to run or has run, a
transaction is about to commit or has, a file changed its name, an answer or a webhook is about to leave or has left.
The product knows nothing of this: the steps come from hooks that its libraries and the interpreter have anyway.
Every step is written down before it counts, so that a run without an end gives the list of all moments to choose from.
"""

import asyncio
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, ParamSpec, TypeVar
from unittest import mock

import psycopg
import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from labeling.taxonomy import Taxonomy
from models.inference import ConstantScorer, Scorer
from service import worker
from service.app import create_app
from service.observe import configure_logs
from service.outbox import workflow as outbox
from service.scoring.live_model import LiveModel
from service.settings import Settings
from tests.shared_routes import share_routes

# Every part is a fresh process, forked from one that has done what all of them would: it starts in tenths of a second.
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.journey.warmed"])

# How long a dead worker's jobs wait for the next one; the product's own numbers only make the tests slower.
QUICK = {"HEARTBEAT_SECONDS": 0.2, "DEAD_AFTER_SECONDS": 1.0, "HOUSEKEEPING_SECONDS": 0.3}

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One part to run. It dies at step `die_at`, counted from 1, or at the first step that starts with that text."""

    part: str
    settings: Settings
    trace: Path
    log: Path
    die_at: int | str | None = None
    real_model: bool = False


def start(plan: Plan) -> ForkServerProcess:
    """Run the part of a plan in a process of its own."""
    process = CONTEXT.Process(target=_run, args=(plan,), name=f"killable-{plan.part}")
    process.start()
    return process


class Steps:
    """Counts steps once armed, and at the chosen one takes the whole process with it."""

    def __init__(self, trace: Path, die_at: int | str | None) -> None:
        self._trace = trace.open("w", encoding="utf-8", buffering=1)
        self._die_at = die_at
        self._count = 0
        self._lock = threading.Lock()
        self.armed = False

    def reached(self, name: str) -> None:
        """One more step."""
        if not self.armed:
            return
        with self._lock:
            self._count += 1
            name = " ".join(name.split())
            self._trace.write(name[:120] + "\n")
            if self._count == self._die_at or (isinstance(self._die_at, str) and name.startswith(self._die_at)):
                os.kill(os.getpid(), signal.SIGKILL)

    def watch_database(self, patches: ExitStack) -> None:
        """Count statements and commits of whoever uses the driver: the service, SQLAlchemy and the job library."""
        execute = self.wrapped("", psycopg.AsyncCursor.execute, named_by=1)
        patches.enter_context(mock.patch.object(psycopg.AsyncCursor, "execute", execute))
        commit = self.wrapped("commit", psycopg.AsyncConnection.commit)
        patches.enter_context(mock.patch.object(psycopg.AsyncConnection, "commit", commit))

    def watch_files(self, folder: Path) -> None:
        """Count what changes a file's name or makes one, in any thread."""
        inside = str(folder.resolve())

        def heard(name: str, arguments: tuple[Any, ...]) -> None:
            if not self.armed or name not in {"open", "os.rename", "os.link", "os.remove", "os.mkdir"}:
                return
            reads = name == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            if not reads and str(arguments[0]).startswith(inside):
                self.reached(f"before: {name}")

        sys.addaudithook(heard)

    def around(self, app: ASGIApp) -> ASGIApp:
        """Count the moments around every answer; the first request arms the count."""

        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or scope["path"] == "/livez":
                await app(scope, receive, send)
                return
            self.armed = True
            called = f"{scope['method']} {scope['path']}"
            self.reached(f"called: {called}")

            async def watched(message: Message) -> None:
                if message["type"] == "http.response.start":
                    self.reached(f"before answer: {called}")
                await send(message)

            await app(scope, receive, watched)
            self.reached(f"after answer: {called}")

        return counted

    def wrapped(
        self, name: str, call: Callable[P, Awaitable[T]], *, named_by: int | None = None
    ) -> Callable[P, Awaitable[T]]:
        """The same call with a step before and after it; `named_by` is the argument that tells such calls apart."""

        async def counted(*args: P.args, **kwargs: P.kwargs) -> T:
            called = name if named_by is None else str(args[named_by])
            self.reached(f"before: {called}")
            result = await call(*args, **kwargs)
            self.reached(f"after: {called}")
            return result

        return counted


def _run(plan: Plan) -> None:
    with plan.log.open("a", encoding="utf-8") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    configure_logs()
    steps = Steps(plan.trace, plan.die_at)
    steps.watch_files(plan.settings.data_dir)
    with ExitStack() as patches:
        steps.watch_database(patches)
        if plan.part == "serve":
            _serve(plan, steps)
        else:
            _work(plan, steps, patches)


def _serve(plan: Plan, steps: Steps) -> None:
    settings = plan.settings
    app = create_app(settings, database_url=str(settings.database_url))
    share_routes(app)
    if not plan.real_model:
        areas = app.state.taxonomy.area_ids
        app.state.model = LiveModel(lambda: ConstantScorer(areas), concurrency=settings.score_concurrency)
    around = steps.around(app)
    uvicorn.run(around, host=settings.host, port=settings.port, log_level="warning", access_log=False, loop="uvloop")


def _work(plan: Plan, steps: Steps, patches: ExitStack) -> None:
    def constant(_settings: Settings, taxonomy: Taxonomy) -> Scorer:
        return ConstantScorer(taxonomy.area_ids)

    steps.armed = True
    for name, seconds in QUICK.items():
        patches.enter_context(mock.patch.object(worker, name, seconds))
    if not plan.real_model:
        patches.enter_context(mock.patch.object(worker, "load_scorer", constant))
    patches.enter_context(mock.patch.object(outbox, "_send", steps.wrapped("webhook", outbox._send)))
    asyncio.run(worker.work(plan.settings, str(plan.settings.database_url)))
