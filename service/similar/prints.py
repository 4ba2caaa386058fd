"""Fingerprints of texts in the background: the row that nobody has looked at is the job."""

import asyncio

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from service.similar import workflow
from service.waiting import happens

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
                await happens(stopping, within=pause)

    async def step(self) -> int:
        """Look at one batch; returns how many texts were in it, 0 when none waits."""
        async with self._engine.begin() as connection:
            return await workflow.look_at_texts(connection)
