"""SQL of clocks: rows that are only ever added; one that another replaces no longer runs."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_LOCK_CASE = text("SELECT status FROM cases WHERE id = :case_id FOR NO KEY UPDATE")
_RECEIVED_FROM = text("SELECT EXISTS (SELECT FROM reports WHERE case_id = :case_id AND received_from = :caller)")
_CLOCKS = text("""
    SELECT k.id, k.kind, k.basis, k.due_at, k.set_at, k.set_by, k.reason, k.replaces, later.id AS replaced_by, o.ended_at,
           later.id IS NULL AND o.ended_at IS NULL AND c.status <> 'decided' AND k.due_at <= now() AS overdue
    FROM clocks k JOIN cases c ON c.id = k.case_id LEFT JOIN clocks later ON later.replaces = k.id
    LEFT JOIN clock_ends o ON o.clock_id = k.id
    WHERE k.case_id = :case_id ORDER BY k.due_at, k.id
""")
_ADD = text("""
    INSERT INTO clocks (id, case_id, kind, basis, due_at, set_by, replaces, reason)
    VALUES (:id, :case_id, :kind, :basis, :due_at, :set_by, :replaces, :reason)
""")
_BACK_FROM_SHED = text("""
    WITH back AS (
        UPDATE cases SET status = 'open', shed_at = NULL, shed_under = NULL
        WHERE id = :case_id AND status = 'shed' RETURNING id
    )
    INSERT INTO events (kind, case_id, actor, data)
    SELECT 'case.unshed', id, :actor, jsonb_build_object('because', 'clock') FROM back RETURNING case_id
""")
# By way of the cases, of which only those that wait are looked at: clocks of decided cases pile up for ever.
_OVERDUE_LEGAL = text("""
    SELECT count(*) FROM cases c JOIN clocks k ON k.case_id = c.id
    WHERE c.status <> 'decided' AND c.deadline <= now() AND k.kind = 'legal' AND k.due_at <= now()
      AND NOT EXISTS (SELECT FROM clocks later WHERE later.replaces = k.id)
      AND NOT EXISTS (SELECT FROM clock_ends o WHERE o.clock_id = k.id)
""")
# Of one that another has taken the place of nothing is left to end.
_END = text("""
    INSERT INTO clock_ends (clock_id, because)
    SELECT k.id, :because FROM clocks k
    WHERE k.id = :clock AND NOT EXISTS (SELECT FROM clocks later WHERE later.replaces = k.id)
    ON CONFLICT DO NOTHING RETURNING clock_id
""")


async def lock_case(connection: AsyncConnection, case_id: UUID) -> str | None:
    """Lock a case, which holds off other clocks and a decision; returns its status, None where there is no such case."""
    return (await connection.execute(_LOCK_CASE, {"case_id": case_id})).scalar_one_or_none()


async def is_received_from(connection: AsyncConnection, case_id: UUID, *, caller: UUID) -> bool:
    """Whether any report of a case came from this caller."""
    return bool((await connection.execute(_RECEIVED_FROM, {"case_id": case_id, "caller": caller})).scalar_one())


async def clocks(connection: AsyncConnection, case_id: UUID) -> Sequence[Row[Any]]:
    """Every clock of a case, the nearest first."""
    return (await connection.execute(_CLOCKS, {"case_id": case_id})).all()


async def add(connection: AsyncConnection, values: dict[str, Any]) -> None:
    """Add a clock."""
    await connection.execute(_ADD, values)


async def end(connection: AsyncConnection, clock: UUID, *, because: str) -> bool:
    """End a clock; False where it ended before, or another has its place."""
    return (await connection.execute(_END, {"clock": clock, "because": because})).one_or_none() is not None


async def back_from_shed(connection: AsyncConnection, case_id: UUID, *, actor: UUID) -> list[UUID]:
    """Give a case that was shed back to its queue and return it; nothing for any other."""
    return list((await connection.execute(_BACK_FROM_SHED, {"case_id": case_id, "actor": actor})).scalars())


async def overdue_legal(connection: AsyncConnection) -> int:
    """Legal clocks that have run out on cases nobody has decided."""
    return int((await connection.execute(_OVERDUE_LEGAL)).scalar_one())
