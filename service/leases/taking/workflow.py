"""Rules of leases that are ended for their holder."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from service.leases.taking import store


async def take_back(connection: AsyncConnection, holder: UUID, *, actor: UUID | None) -> int:
    """Give back every case that somebody holds who may no longer decide it; returns how many."""
    return await store.take_back(connection, holder, actor=actor)
