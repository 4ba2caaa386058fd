"""SQL of who read a restricted record."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_RESTRICTED = text("SELECT true FROM escalations WHERE id = :id AND path IS NOT NULL")
_NOTE = text("""
    INSERT INTO events (kind, escalation_id, actor, data)
    SELECT 'restricted.read', e.id, :person, jsonb_build_object('path', e.path) FROM escalations e
    WHERE e.id = :id AND may_see_escalation(e.id, :person, '{}')
      AND NOT EXISTS (SELECT FROM events r WHERE r.escalation_id = e.id AND r.kind = 'restricted.read' AND r.actor = :person
                      AND r.at > now() - make_interval(mins => :minutes))
""")
_READS = text("""
    SELECT r.at, p.username FROM events r JOIN principals p ON p.id = r.actor
    WHERE r.escalation_id = :id AND r.kind = 'restricted.read' ORDER BY r.id DESC LIMIT :limit
""")


async def is_restricted(connection: AsyncConnection, escalation: UUID) -> bool:
    """Whether a record takes a path of named people."""
    return (await connection.execute(_RESTRICTED, {"id": escalation})).one_or_none() is not None


async def note(connection: AsyncConnection, escalation: UUID, *, person: UUID, minutes: int) -> None:
    """Write down that somebody who may see it reads a record, unless that was written down so many minutes ago."""
    await connection.execute(_NOTE, {"id": escalation, "person": person, "minutes": minutes})


async def reads(connection: AsyncConnection, escalation: UUID, *, limit: int) -> Sequence[Row[Any]]:
    """Who read a record, newest first."""
    return (await connection.execute(_READS, {"id": escalation, "limit": limit})).all()
