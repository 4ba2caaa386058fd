"""Stored files that no row names any more are removed, whatever is uploaded or breaks off meanwhile.

A file is named by its content, so that an upload may find it stored already just when its last owner lets it go. Rows are
therefore written under a lock that whoever removes the file must have alone, and only once the file is certainly there.
A file that rows are yet to name is on the list before it is stored, so that an upload that breaks off leaves nothing.
"""

import asyncio
from collections.abc import Mapping, Sequence

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service.errors.media import StorageUnavailableError
from service.media.leftovers import store
from service.media.storage import Source, Storage, name_of

# Of one sweep: each file costs a transaction and a request to the storage.
MOST = 500
# Of one sweep too, for those that are named as they were to be: one statement for all.
MOST_NAMED = 20_000
# Far longer than it takes to name a file that is being stored. One that is named later still is only stored once more.
EXPECTED_SECONDS = 3600.0
# After a file could not be removed.
PAUSE_SECONDS = 3600.0

log = structlog.get_logger()


async def put(storage: Storage, files: Sequence[Source], *, engine: AsyncEngine | None) -> list[str]:
    """Store files that rows are about to name, and return their names; holds no connection meanwhile.

    Those that no row comes to name are removed later, unless there is no engine. Raises StorageUnavailableError.
    """
    if engine and files:
        names = [await asyncio.to_thread(name_of, one) for one in files]
        async with engine.begin() as connection:
            await store.expect(connection, names, seconds=EXPECTED_SECONDS)
    return [await storage.put(one) for one in files]


async def hold(connection: AsyncConnection, storage: Storage, files: Mapping[str, Source]) -> None:
    """Have files, by the names that `put` gave them, in the storage until this transaction has named them in rows.

    What was removed since it was put is put again. Waits for a removal that is under way, so it comes before anything in
    the transaction that others wait for. Raises StorageUnavailableError.
    """
    await store.share(connection, list(files))
    for name in await storage.missing(list(files)):
        await storage.put(files[name])


async def sweep(engine: AsyncEngine, storage: Storage) -> int:
    """Remove files that no row names; returns how many. What is interrupted is done again by the next sweep."""
    await storage.tidy()
    async with engine.begin() as connection:
        await store.forget_named(connection, MOST_NAMED)
        waiting = await store.due(connection, MOST)
    removed = 0
    for leftover in waiting:
        try:
            async with engine.begin() as connection:
                removed += await _deal_with(connection, storage, leftover.id, leftover.stored_as)
        except (StorageUnavailableError, OSError) as error:
            log.warning("media.not_removed", file=leftover.stored_as, error=type(error).__name__)
            async with engine.begin() as connection:
                await store.put_off(connection, leftover.id, seconds=PAUSE_SECONDS)
            # A storage that is down would be asked about each of them.
            break
    if removed:
        log.info("media.removed", files=removed)
    return removed


async def _deal_with(connection: AsyncConnection, storage: Storage, leftover: int, name: str) -> bool:
    """Remove the file unless a row names it; True when it was. Left for the next sweep while somebody is about to name it."""
    if not await store.have_alone(connection, name):
        return False
    unnamed = not await store.named(connection, name)
    if unnamed:
        await storage.remove(name)
    await store.forget(connection, leftover)
    return unnamed
