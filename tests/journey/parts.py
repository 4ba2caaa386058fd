"""The parts of the running service as processes that a test starts, kills and starts again."""

import asyncio
import contextlib
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import httpx
import psutil

from service.settings import REPOSITORY, Settings
from tests.journey.killable import Plan, start

# Far above what anything here takes, so that a slow machine does not fail a test.
PATIENCE_SECONDS = 60.0
# Made once: without it each caller reads all certificates of the machine, which takes longer than its calls.
TRUSTED = ssl.create_default_context()


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def pause_after(waited: float) -> float:
    """Seconds to the next look, the longer the wait has been: each look costs time that what is waited for could use."""
    return min(0.02 + waited / 20, 0.2)


async def until(happened: Callable[[], bool], what: str, *, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait for something to become true; fails with `what` when it does not."""
    begun = time.monotonic()
    while not happened():
        waited = time.monotonic() - begun
        assert waited < seconds, f"not within {seconds:.0f} s: {what}"
        await asyncio.sleep(pause_after(waited))


class Part(ABC):
    """The API or a worker. `starts` counts its processes, `generation` those that came up, `deaths` those it survived."""

    def __init__(self, name: str, *, port: int | None) -> None:
        self.name = name
        self.port = port
        self.starts = 0
        self.generation = 0
        self.deaths: list[int] = []
        self._reviving = asyncio.Lock()

    @abstractmethod
    def _launch(self) -> None: ...

    @abstractmethod
    def status(self) -> int | None:
        """None while the process lives, else how it ended, -9 for a kill."""

    @abstractmethod
    def pid(self) -> int:
        """The process that runs now or ran last."""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @abstractmethod
    def log(self) -> str:
        """What the part wrote so far."""

    def begin(self) -> None:
        """Start the process."""
        self.starts += 1
        self._launch()

    async def start(self) -> None:
        """Start the process and, for the API, wait until it answers."""
        self.begin()
        if self.port is not None:
            await self._answers()
        # Only now: a call that failed while it came up has met the process before it.
        self.generation = self.starts

    async def _answers(self) -> None:
        async with httpx.AsyncClient(trust_env=False, verify=TRUSTED) as client:
            begun = time.monotonic()
            while True:
                with contextlib.suppress(httpx.TransportError):
                    if (await client.get(f"{self.address}/livez")).is_success:
                        return
                waited = time.monotonic() - begun
                assert self.status() is None, f"{self.name} ended with {self.status()} at its start:\n{self.log()}"
                assert waited < PATIENCE_SECONDS, f"{self.name} does not answer:\n{self.log()}"
                await asyncio.sleep(pause_after(waited))

    async def died(self, *, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until the process is gone, and check that it was killed rather than ended by itself."""
        await until(lambda: self.status() is not None, f"{self.name} is killed\n{self.log()}", seconds=seconds)
        assert self.status() == -signal.SIGKILL, f"{self.name} ended with {self.status()}:\n{self.log()}"

    async def revive(self, generation: int) -> None:
        """Start the process again after the kill of its nth start; the first of several callers does it."""
        async with self._reviving:
            if self.generation != generation:
                return
            await self.died()
            self.deaths.append(-signal.SIGKILL)
            await self.start()

    async def kill(self) -> None:
        """`kill -9`, and wait for the end of it."""
        starts = self.starts
        if self.status() is None:
            os.kill(self.pid(), signal.SIGKILL)
        # Somebody who noticed may have started the next one already.
        await until(lambda: self.starts != starts or self.status() is not None, f"{self.name} is gone")


class Killable(Part):
    """A part that dies by plan in its first life and lives on in the next ones."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan.part, port=plan.settings.port if plan.part == "serve" else None)
        self.plan = plan

    def _launch(self) -> None:
        trace = self.plan.trace.with_suffix(f".{self.starts}")
        die_at = self.plan.die_at if self.starts == 1 else None
        self._process = start(replace(self.plan, trace=trace, die_at=die_at))

    def status(self) -> int | None:
        return self._process.exitcode

    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def log(self) -> str:
        return self.plan.log.read_text(encoding="utf-8") if self.plan.log.exists() else ""

    def steps(self) -> list[str]:
        """Every step of the first life, in order."""
        return self.plan.trace.with_suffix(".1").read_text(encoding="utf-8").splitlines()


class Command(Part):
    """A part as people start it: `python -m service NAME`."""

    def __init__(self, name: str, *, environment: Mapping[str, str], log: Path, port: int | None = None) -> None:
        super().__init__(name, port=port)
        self._environment = clean_environment() | dict(environment)
        self._log = log

    def _launch(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "service", self.name],
                cwd=REPOSITORY,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def status(self) -> int | None:
        return self._process.poll()

    def pid(self) -> int:
        return self._process.pid

    def log(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""


def clean_environment() -> dict[str, str]:
    """This process's environment without settings of the service, which would leak into the test."""
    ours = ("TRIAGE_", "PORT", "HOST", "DATA_DIR")
    return {name: value for name, value in os.environ.items() if name not in ours and not name.startswith(ours[0])}


def environment_of(settings: Settings) -> dict[str, str]:
    """The settings that a test varies, as the environment of a command."""
    chosen = {
        "TRIAGE_DATA_DIR": str(settings.data_dir),
        "TRIAGE_PORT": str(settings.port),
        "TRIAGE_UNDO_SECONDS": str(settings.undo_seconds),
        "TRIAGE_LEASE_SECONDS": str(settings.lease_seconds),
        "TRIAGE_LEASE_HOURS": str(settings.lease_hours),
        "TRIAGE_SCORE_TIMEOUT_SECONDS": str(settings.score_timeout_seconds),
        "TRIAGE_WEBHOOK_TIMEOUT_SECONDS": str(settings.webhook_timeout_seconds),
    }
    if settings.ranking:
        chosen["TRIAGE_RANKING"] = str(settings.ranking)
    if settings.database_url:
        chosen["TRIAGE_DATABASE_URL"] = settings.database_url
    return chosen


def is_alive(pid: int) -> bool:
    """Whether a process, of whoever's, runs; a zombie does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
