"""SQL of records that nobody has."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.escalations.seeing import Seer

_UNOWNED = text("""
    SELECT e.id, e.severity, e.unowned_since, e.unowned_since <= now() - make_interval(mins => :minutes) AS long
    FROM escalations e
    WHERE e.unowned_since <= now() - make_interval(mins => :urgent) AND e.unowned_told_at IS NULL
    ORDER BY e.unowned_since LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED
""")
_TELL = text("UPDATE escalations SET unowned_told_at = now() WHERE id = ANY(CAST(:ids AS uuid[]))")
# Whose owner has left, does other work now, or may not see it any more: nobody has it any more.
_ORPHANED = text("""
    SELECT e.id, e.status FROM escalations e JOIN principals p ON p.id = e.owner
    WHERE e.status <> 'resolved'
      AND NOT (p.active AND p.role = ANY(CAST(:working AS text[]))
               AND may_see_escalation(e.id, p.id, CAST(:overseeing AS text[])))
    ORDER BY e.opened_at LIMIT :limit FOR NO KEY UPDATE OF e SKIP LOCKED
""")
_COUNT_UNOWNED = text("SELECT count(*) FROM escalations WHERE unowned_told_at IS NOT NULL")
_COUNT_SEEN = text("""
    SELECT count(*) FROM escalations e
    WHERE e.unowned_told_at IS NOT NULL AND may_see_escalation(e.id, :viewer, CAST(:overseeing AS text[]))
""")
_FREE = text("""
    SELECT id FROM escalations WHERE id = :id AND owner IS NULL AND status <> 'resolved' FOR NO KEY UPDATE SKIP LOCKED
""")


async def untold(connection: AsyncConnection, *, minutes: int, urgent: int, limit: int) -> Sequence[Row[Any]]:
    """Records that nobody has had for `urgent` minutes, none of them told yet; `long`: for `minutes`. Locked."""
    values = {"minutes": minutes, "urgent": min(urgent, minutes), "limit": limit}
    return (await connection.execute(_UNOWNED, values)).all()


async def tell(connection: AsyncConnection, ids: Sequence[UUID]) -> None:
    """Remember that the alarm of these was raised."""
    await connection.execute(_TELL, {"ids": list(ids)})


async def orphaned(
    connection: AsyncConnection, *, working: Sequence[str], overseeing: Sequence[str], limit: int
) -> Sequence[Row[Any]]:
    """(id, status) of open records whose owner works on escalations no longer, or may not see them. Locked."""
    values = {"working": list(working), "overseeing": list(overseeing), "limit": limit}
    return (await connection.execute(_ORPHANED, values)).all()


async def count_unowned(connection: AsyncConnection, seer: Seer | None = None) -> int:
    """How many stand in alarm because nobody has them; as far as somebody may see them, where one is named."""
    if seer is None:
        return int((await connection.execute(_COUNT_UNOWNED)).scalar_one())
    return int((await connection.execute(_COUNT_SEEN, seer.values)).scalar_one())


async def free(connection: AsyncConnection, escalation: UUID) -> bool:
    """Lock a record that nobody has; False where somebody was faster or is at it."""
    return (await connection.execute(_FREE, {"id": escalation})).scalar_one_or_none() is not None
