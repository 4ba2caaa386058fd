"""Media and hashes are brought together: media as they come in, hashes and changes of banks in the background."""

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service.banks.matching import store

# Hashes looked for in one transaction, and cases placed anew in one.
HASHES = 100
CASES = 500

# Ranks and routes the locked cases anew.
Rerank = Callable[[AsyncConnection, Sequence[UUID]], Awaitable[None]]


async def match(connection: AsyncConnection, media_ids: Sequence[UUID]) -> bool:
    """Look for these media and their frames among the hashes of all banks, in the transaction that adds them.

    Whether any new match acts. May be called again. Cases that show the media already are then to be placed anew.
    """
    await store.hold_back_the_worker(connection)
    acts = False
    for one in await store.prints(connection, media_ids):
        found = await store.near(connection, one.pdq)
        if found:
            acts = await store.add_matches(connection, one, found) or acts
    return acts


async def place(connection: AsyncConnection, media_ids: Sequence[UUID], rerank: Rerank) -> None:
    """Place the undecided cases that show these media anew, by what is known of them now."""
    await rerank(connection, await store.lock_cases_of(connection, media_ids))


class Matching:
    """What waits is a row: a hash beyond those that its bank was looked through for, or a bank that was changed.

    Any number may run beside each other; what dies half-way is done again.
    """

    def __init__(self, engine: AsyncEngine, rerank: Rerank) -> None:
        self._engine = engine
        self._rerank = rerank
        self._changed: tuple[UUID, str] | None = None
        self._cases: list[UUID] = []

    async def step(self) -> int:
        """Do one batch; returns how much was in it, 0 when nothing waits."""
        return await self._look_for_hashes() or await self._settle()

    async def _look_for_hashes(self) -> int:
        async with self._engine.begin() as connection:
            bank = await store.waiting_bank(connection, limit=HASHES)
            if bank is None:
                return 0
            hashes = await store.waiting_hashes(connection, bank, limit=HASHES)
            await store.wait_for_media(connection)
            media: set[UUID] = set()
            for one in hashes:
                if not one.removed:
                    media.update(await store.add_media(connection, bank, one))
            await store.looked_for(connection, bank.id, hashes[-1].id)
            if media:
                await place(connection, sorted(media), self._rerank)
        return len(hashes)

    async def _settle(self) -> int:
        if self._changed is None:
            async with self._engine.begin() as connection:
                bank = await store.unsettled(connection)
                if bank is None:
                    return 0
                # An upload under way may have matched by what the bank was before.
                await store.wait_for_media(connection)
                self._cases = await store.settle(connection, bank.id)
                self._changed = (bank.id, bank.since)
        batch = self._cases[:CASES]
        async with self._engine.begin() as connection:
            if batch:
                await self._rerank(connection, await store.lock_cases(connection, batch))
            else:
                await store.settled(connection, *self._changed)
        self._cases = self._cases[len(batch) :]
        if not batch:
            self._changed = None
        return len(batch) or 1
