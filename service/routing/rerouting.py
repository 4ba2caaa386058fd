"""Moving what waits already to where the rules at work send it, in the time that the worker has left."""

import json
import time
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service.routing import store
from service.routing.workflow import active

# Cases routed anew in one transaction, cases listed in one look, and the pause after a look that found none.
BATCH = 500
LISTED = 100_000
LOOK_AGAIN_SECONDS = 5.0

# Ranks and routes the locked cases anew.
Rerank = Callable[[AsyncConnection, Sequence[UUID]], Awaitable[None]]


class Rerouting:
    """Routes open cases anew that an older version has routed, where the newer one was saved to apply to them.

    So it does with cases of special routes that lie outside of the queue that serves theirs by now.
    """

    def __init__(self, engine: AsyncEngine, rerank: Rerank) -> None:
        self._engine = engine
        self._rerank = rerank
        self._listed: list[UUID] = []
        self._applied = 0
        self._look_at = 0.0

    async def step(self) -> int:
        """Route one batch anew; returns how many cases it looked at, 0 when every case lies where it should."""
        async with self._engine.begin() as connection:
            if not self._listed and time.monotonic() >= self._look_at:
                self._listed = await self._look(connection)
                self._look_at = 0.0 if self._listed else time.monotonic() + LOOK_AGAIN_SECONDS
            batch = self._listed[:BATCH]
            if batch:
                await self._rerank(connection, await store.lock(connection, batch))
        self._listed = self._listed[len(batch) :]
        return len(batch)

    async def _look(self, connection: AsyncConnection) -> list[UUID]:
        rules = await active(connection)
        found = await store.misrouted(connection, served=json.dumps(dict(rules.special)), limit=LISTED)
        applied = await store.last_applied(connection) or 0
        if applied > self._applied:
            waiting = await store.routed_before(connection, applied, limit=LISTED)
            if not waiting:
                # New cases are routed by this version or a newer one: it need not be looked for again.
                self._applied = applied
            found = list(dict.fromkeys([*found, *waiting]))
        return found
