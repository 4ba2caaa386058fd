"""Fingerprints of texts in the background: the row that nobody has looked at is the job."""

import asyncio

import structlog
from anyio import to_thread
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from models.hamming import bits
from models.simhash import BITS, simhash
from service.similar import store

# A batch takes some hundredths of a second, for which its rows are locked.
BATCH = 200
IDLE_SECONDS = 0.5
PAUSE_SECONDS = 5.0

log = structlog.get_logger()


class TextPrints:
    """Looks at every text once, newest first. Any number may run beside each other; what dies half-way is done again."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def run(self, stopping: asyncio.Event) -> None:
        """Go on until `stopping` is set; the batch in hand is finished first."""
        while not stopping.is_set():
            pause = IDLE_SECONDS
            try:
                pause = 0.0 if await self.step() else IDLE_SECONDS
            except (SQLAlchemyError, OSError) as error:
                log.error("similar.failed", error=type(error).__name__)
                pause = PAUSE_SECONDS
            if pause:
                try:
                    await asyncio.wait_for(stopping.wait(), pause)
                except TimeoutError:
                    continue

    async def step(self) -> int:
        """Look at one batch; returns how many texts were in it, 0 when none waits."""
        async with self._engine.begin() as connection:
            rows = await store.take_texts(connection, limit=BATCH)
            if rows:
                found = await to_thread.run_sync(_fingerprints, [row.text for row in rows])
                await store.save_prints(connection, [row.id for row in rows], found)
        return len(rows)


def _fingerprints(texts: list[str]) -> list[str | None]:
    return [None if one is None else bits(one, BITS) for one in map(simhash, texts)]
