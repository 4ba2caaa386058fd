"""SQL of checklists of escalations."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_CHECKS = text("""
    SELECT c.item, p.username AS ticked_by, c.ticked_at FROM intake_checks c JOIN principals p ON p.id = c.ticked_by
    WHERE c.escalation_id = :id
""")
_TICK = text("""
    INSERT INTO intake_checks (escalation_id, item, ticked_by) VALUES (:escalation_id, :item, :ticked_by)
    ON CONFLICT DO NOTHING RETURNING item
""")
_UNTICK = text("DELETE FROM intake_checks WHERE escalation_id = :escalation_id AND item = :item RETURNING item")


async def checks(connection: AsyncConnection, escalation: UUID) -> dict[str, Row[Any]]:
    """What was ticked, by item."""
    return {row.item: row for row in (await connection.execute(_CHECKS, {"id": escalation})).all()}


async def tick(connection: AsyncConnection, values: dict[str, Any]) -> bool:
    """Tick an item; whether it was open."""
    return (await connection.execute(_TICK, values)).one_or_none() is not None


async def untick(connection: AsyncConnection, values: dict[str, Any]) -> bool:
    """Open an item again; whether it was ticked."""
    return (await connection.execute(_UNTICK, values)).one_or_none() is not None
