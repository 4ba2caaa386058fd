"""How clocks stand: what has run out, for whom that is news, and how targets were kept."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from service.escalations.workflow import require
from service.security import ESCALATION_OVERSEERS
from service.sla.schemas import AttainedOut, AttainmentOut, OverdueOut, OverduesOut
from service.sla.standing import store

OVERDUE_LISTED = 100


async def overdues(connection: AsyncConnection, *, viewer: UUID, limit: int = OVERDUE_LISTED) -> OverduesOut:
    """What has run out on records that this person may see."""
    rows = await store.overdues(connection, viewer=viewer, overseeing=ESCALATION_OVERSEERS, limit=limit)
    return OverduesOut(
        total=rows[0].total if rows else 0,
        legal=rows[0].legal if rows else 0,
        clocks=[OverdueOut.model_validate(row, from_attributes=True) for row in rows],
    )


async def overdue_counts(connection: AsyncConnection) -> dict[str, int]:
    """How many clocks have run out on open records, by kind: any legal one is an alert."""
    return {"legal": 0, "internal": 0} | await store.overdue_counts(connection)


async def see(connection: AsyncConnection, escalation: UUID, *, person: UUID) -> None:
    """Keep that somebody knows of what has run out on a record. Raises NotFoundError."""
    await require(connection, escalation, viewer=person)
    await store.see(connection, escalation, person=person)


async def attainment(connection: AsyncConnection, *, months: int) -> AttainmentOut:
    """How targets were kept in this month and those before it, by source."""
    since = datetime.now(UTC).replace(day=1)
    for _ in range(months - 1):
        since = (since - timedelta(days=1)).replace(day=1)
    rows = await store.attained(connection, since)
    return AttainmentOut(rows=[AttainedOut.model_validate(row, from_attributes=True) for row in rows])
