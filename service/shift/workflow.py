"""What somebody needs at the beginning and at the end of a shift."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from service.routing.workflow import OVERSEEING
from service.shift import store
from service.shift.schemas import DueListOut, DueOut, MadeListOut, MadeOut

# How far ahead is looked: half a shift.
HOURS = 4
LISTED_CLOCKS = 100
LISTED_DECISIONS = 20


async def due(connection: AsyncConnection, person: UUID, *, hours: int = HOURS) -> DueListOut:
    """Clocks that run out soon on what is in this person's hands or kept back for them."""
    rows = await store.due(connection, person, hours=hours, limit=LISTED_CLOCKS)
    return DueListOut(due=[DueOut(**row._mapping) for row in rows], hours=hours, server_now=await store.now(connection))


async def made(connection: AsyncConnection, person: UUID, *, limit: int = LISTED_DECISIONS) -> MadeListOut:
    """What this person decided last, and what became of it."""
    rows = await store.made(connection, person, overseeing=OVERSEEING, limit=limit)
    return MadeListOut(
        decisions=[MadeOut(**row._mapping) for row in rows],
        last_24_hours=await store.count(connection, person),
        server_now=await store.now(connection),
    )
