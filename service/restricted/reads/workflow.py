"""Rules of who read a restricted record: it is written down before anything of the record leaves."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service.escalations.workflow import require
from service.restricted.reads import store
from service.restricted.reads.schemas import ReadOut, ReadsOut
from service.security import Principal

# A page asks several times for what it shows.
AGAIN_MINUTES = 5
SHOWN = 100

Finding = Callable[[AsyncConnection], Awaitable[Principal | None]]


async def note(engine: AsyncEngine, escalation: UUID, find: Finding) -> None:
    """Write down who is about to read a record, if it takes a restricted path and they may see it.

    In a transaction of its own: the trace stays even where the answer breaks off.
    """
    async with engine.begin() as connection:
        if not await store.is_restricted(connection, escalation):
            return
        person = await find(connection)
        if person is not None:
            await store.note(connection, escalation, person=person.id, minutes=AGAIN_MINUTES)


async def reads_of(connection: AsyncConnection, escalation: UUID, *, viewer: UUID) -> ReadsOut:
    """Who read a restricted record. Raises NotFoundError."""
    await require(connection, escalation, viewer=viewer)
    rows = await store.reads(connection, escalation, limit=SHOWN)
    return ReadsOut(reads=[ReadOut(**row._mapping) for row in rows])
