"""Cases from before there was search become findable in the background, newest first."""

import asyncio

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from service.search import workflow
from service.waiting import happens

# Between two batches reports and decisions go first.
PAUSE_SECONDS = 0.2
AFTER_FAILURE_SECONDS = 5.0

log = structlog.get_logger()


class Backfill:
    """Goes on where it stopped, and ends when nothing is left. Of several workers one is at it at a time."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def run(self, stopping: asyncio.Event) -> None:
        """Go on until all is done or `stopping` is set; the batch in hand is finished first."""
        while not stopping.is_set():
            pause = PAUSE_SECONDS
            try:
                if not await self.step():
                    return
            except (SQLAlchemyError, OSError) as error:
                log.error("search.backfill_failed", error=type(error).__name__)
                pause = AFTER_FAILURE_SECONDS
            await happens(stopping, within=pause)

    async def step(self) -> int:
        """Take in one batch; returns how many cases were in it, 0 when none is left."""
        async with self._engine.begin() as connection:
            return await workflow.take_in(connection)
