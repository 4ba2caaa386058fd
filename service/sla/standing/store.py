"""SQL of how clocks stand: what has run out, and how targets were kept."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_OVERDUE = """
    FROM sla_clocks k JOIN escalations e ON e.id = k.escalation_id
    WHERE k.met_at IS NULL AND k.ended_at IS NULL AND k.breached_at IS NOT NULL AND e.status <> 'resolved'
"""
_OVERDUES = text(f"""
    SELECT k.escalation_id, e.number, e.title, k.target, k.kind, k.due_at,
           EXISTS (SELECT FROM sla_notices n JOIN sla_clocks one ON one.id = n.clock_id
                   WHERE one.escalation_id = k.escalation_id AND n.principal_id = :viewer AND n.seen_at IS NULL) AS told,
           count(*) OVER () AS total, count(*) FILTER (WHERE k.kind = 'legal') OVER () AS legal
    {_OVERDUE} AND may_see_escalation(e.id, :viewer, CAST(:overseeing AS text[]))
    ORDER BY k.kind DESC, k.due_at, k.id LIMIT :limit
""")  # noqa: S608 - put together from constants
_OVERDUE_COUNTS = text(f"SELECT k.kind, count(*) AS clocks {_OVERDUE} GROUP BY k.kind")
_SEE = text("""
    UPDATE sla_notices SET seen_at = now() WHERE principal_id = :person AND seen_at IS NULL
      AND clock_id IN (SELECT id FROM sla_clocks WHERE escalation_id = :escalation_id)
""")
_ATTAINED = text("""
    SELECT month, source, target, kind, clocks, met, missed, running FROM sla_attainment
    WHERE month >= :since ORDER BY month DESC, source, target, kind DESC
""")


async def overdues(
    connection: AsyncConnection, *, viewer: UUID, overseeing: Sequence[str], limit: int
) -> Sequence[Row[Any]]:
    """Clocks that have run out on records that this person may see, legal ones and the longest overdue first."""
    values = {"viewer": viewer, "overseeing": list(overseeing), "limit": limit}
    return (await connection.execute(_OVERDUES, values)).all()


async def overdue_counts(connection: AsyncConnection) -> dict[str, int]:
    """How many clocks have run out on open records, by kind."""
    return {row.kind: row.clocks for row in (await connection.execute(_OVERDUE_COUNTS)).all()}


async def see(connection: AsyncConnection, escalation: UUID, *, person: UUID) -> None:
    """Keep that somebody knows of what has run out on a record."""
    await connection.execute(_SEE, {"escalation_id": escalation, "person": person})


async def attained(connection: AsyncConnection, since: datetime) -> Sequence[Row[Any]]:
    """How targets were kept in each month from that of a moment on."""
    return (await connection.execute(_ATTAINED, {"since": since.date()})).all()
