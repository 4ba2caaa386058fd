"""What is done to a running service: kills and stops of its parts and of PostgreSQL, at moments drawn from a seed."""

import asyncio
import os
import random
import re
import signal
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from tests.journey.household import REVIVAL_SECONDS, Household, Kept, processes
from tests.journey.parts import Command, Part

SETTLE_SECONDS = 2.0
ENDED = re.compile(r"^(serve|work) ended with status (-?\d+)", re.MULTILINE)
# How a part may end: killed, stopped by a signal before and after it was ready for it, without a database at its start.
EXPECTED = frozenset({-signal.SIGKILL, -signal.SIGTERM, 0, 2})


class Beside(Command):
    """A part next to those of `up`, which is started again whenever it has ended."""

    async def revive(self, generation: int) -> None:
        await asyncio.sleep(REVIVAL_SECONDS)


@dataclass
class Outages:
    """Ends parts of a service. `struck` counts what was done, by kind."""

    home: Household
    apis: list[Part]
    workers: list[Part]
    rng: random.Random
    struck: Counter[str] = field(default_factory=Counter)
    endings: list[tuple[str, int]] = field(default_factory=list)

    @property
    def kinds(self) -> dict[str, tuple[int, Callable[[], bool]]]:
        """Every kind of fault with its weight; the call says whether there was anything to end."""
        return {
            "kill -9 of an API": (4, lambda: self._end(self.apis)),
            "kill -9 of a worker": (4, lambda: self._end(self.workers)),
            "kill -9 of both": (2, self._end_both),
            "kill -9 of PostgreSQL": (3, self._end_postgres),
            "kill -9 of a connection of PostgreSQL": (2, self._end_connection),
            "kill -9 of PostgreSQL, API and worker": (1, lambda: self._end_postgres() and self._end_both()),
            "SIGTERM to an API": (2, lambda: self._end(self.apis, signal.SIGTERM)),
            "SIGTERM to a worker": (2, lambda: self._end(self.workers, signal.SIGTERM)),
        }

    async def strike(self, over: asyncio.Event, *, every: float) -> None:
        """One fault after the other until `over`, first one of each kind, then as drawn."""
        kinds = self.kinds
        first = list(kinds)
        self.rng.shuffle(first)
        while not await _is_set(over, self.rng.uniform(0.4, 1.6) * every):
            weights = [weight for weight, _ in kinds.values()]
            kind = first.pop() if first else self.rng.choices(list(kinds), weights)[0]
            if kinds[kind][1]():
                self.struck[kind] += 1

    async def keep(self) -> None:
        """Start again what is beside `up`, for as long as this runs."""
        while True:
            for part in (*self.apis, *self.workers):
                status = part.status() if isinstance(part, Beside) else None
                if status is not None:
                    self.endings.append((part.name, status))
                    part.begin()
            await asyncio.sleep(SETTLE_SECONDS)

    def collapses(self) -> list[str]:
        """Parts that ended by themselves, which a fault of another part must not make them do."""
        endings = [*self.endings, *((name, int(status)) for name, status in ENDED.findall(self.home.told()))]
        return [f"{name} ended by itself with status {status}" for name, status in endings if status not in EXPECTED]

    def _end(self, parts: list[Part], by: signal.Signals = signal.SIGKILL) -> bool:
        living = [part for part in parts if part.status() is None]
        if not living:
            return False
        return _sent(self.rng.choice(living).pid, by)

    def _end_both(self) -> bool:
        return self._end(self.apis) and self._end(self.workers)

    def _end_postgres(self) -> bool:
        return self.home.postgres.runs() and _sent(self.home.postgres.pid, signal.SIGKILL)

    def _end_connection(self) -> bool:
        if not self.home.postgres.runs():
            return False
        postmaster = self.home.postgres.pid()
        serving = [one.pid for one in processes() if one.parent == postmaster and "[local]" in one.arguments]
        return bool(serving) and _sent(lambda: self.rng.choice(serving), signal.SIGKILL)


def site(home: Household, beside: list[Beside], rng: random.Random) -> Outages:
    """What `up` runs, and what runs beside it."""
    apis: list[Part] = [Kept(home, "serve"), *(part for part in beside if part.name == "serve")]
    workers: list[Part] = [Kept(home, "work"), *(part for part in beside if part.name == "work")]
    return Outages(home, apis, workers, rng)


def _sent(pid: Callable[[], int], by: signal.Signals) -> bool:
    # Between the look and the signal it may have ended, and its file may have gone.
    with suppress(ProcessLookupError, FileNotFoundError, IndexError, AssertionError):
        os.kill(pid(), by)
        return True
    return False


async def _is_set(event: asyncio.Event, seconds: float) -> bool:
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
    return event.is_set()
