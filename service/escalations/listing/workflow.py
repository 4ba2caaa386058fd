"""Which records nobody has: those that wait to be taken, and those of people who have left."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service import events
from service.escalations.listing import store
from service.escalations.schemas import MoveIn
from service.escalations.seeing import Seer
from service.escalations.workflow import move
from service.security import ESCALATION_OVERSEERS, ESCALATION_WORKERS

# Of one round of the worker.
AT_ONCE = 200


async def free(connection: AsyncConnection, escalation: UUID) -> bool:
    """Lock a record that nobody has until the transaction ends; False where somebody was faster."""
    return await store.free(connection, escalation)


async def untold(connection: AsyncConnection, *, minutes: int, urgent: int) -> Sequence[Row[Any]]:
    """Records that nobody has had for `urgent` minutes and that no alarm was raised for; `long`: for `minutes`. Locked."""
    return await store.untold(connection, minutes=minutes, urgent=urgent, limit=AT_ONCE)


async def tell(connection: AsyncConnection, rows: Sequence[Row[Any]]) -> None:
    """Raise the alarm for records that nobody has."""
    await store.tell(connection, [row.id for row in rows])
    for row in rows:
        data = {"severity": row.severity}
        await events.record_on(connection, "escalation.unowned", row.id, data=data)


async def free_orphans(connection: AsyncConnection) -> None:
    """Records of people who have left, do other work now, or may not see them any more, are nobody's and wait to be taken."""
    for row in await store.orphaned(
        connection, working=ESCALATION_WORKERS, overseeing=ESCALATION_OVERSEERS, limit=AT_ONCE
    ):
        await move(connection, row.id, MoveIn(verb="release"), person=None)


async def unowned(connection: AsyncConnection, *, viewer: UUID | None = None) -> int:
    """How many stand in alarm because nobody has them: all, or those that this person may see."""
    seer = None if viewer is None else Seer(viewer)
    return await store.count_unowned(connection, seer)
