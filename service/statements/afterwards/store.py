"""SQL of statements that are missing, and of those made afterwards."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_OPEN = text("""
    INSERT INTO statement_gaps (decision_id, case_id, policy_area, actions, lacks)
    VALUES (:decision_id, :case_id, :policy_area, :actions, :lacks)
    ON CONFLICT (decision_id) DO UPDATE SET policy_area = excluded.policy_area, actions = excluded.actions,
        lacks = excluded.lacks, noticed_at = now(), closed_at = NULL
""")
_CLOSE = text("UPDATE statement_gaps SET closed_at = now() WHERE decision_id = :decision_id AND closed_at IS NULL")
_GAPS = """
    SELECT g.decision_id, g.case_id, g.policy_area, g.actions, g.lacks, g.noticed_at, d.basis,
           s.external_id AS subject_id, s.kind AS subject_kind
    FROM statement_gaps g JOIN decisions d ON d.id = g.decision_id
    JOIN cases c ON c.id = g.case_id JOIN subjects s ON s.id = c.subject_id
    WHERE g.closed_at IS NULL
"""
_VISIBLE = (
    " AND may_see_case(g.case_id, :viewer, CAST(:overseeing AS text[])) AND NOT is_kept_back(g.decision_id, :viewer)"
)
_ONE = text(f"{_GAPS}{_VISIBLE} AND g.decision_id = :decision_id FOR NO KEY UPDATE OF g")
_LISTED = text(f"{_GAPS} ORDER BY g.noticed_at LIMIT :limit")
_LISTED_FOR = text(f"{_GAPS}{_VISIBLE} ORDER BY g.noticed_at LIMIT :limit")


async def open_gap(connection: AsyncConnection, values: Mapping[str, Any]) -> None:
    """Keep that a decision is without a statement, with what it is by now."""
    await connection.execute(_OPEN, dict(values))


async def close(connection: AsyncConnection, decision_id: UUID) -> None:
    """A decision has its statement, or needs none any more."""
    await connection.execute(_CLOSE, {"decision_id": decision_id})


async def gap(
    connection: AsyncConnection, decision_id: UUID, *, viewer: UUID, overseeing: Sequence[str]
) -> Row[Any] | None:
    """A decision without its statement, locked; None where this person may not see it, or it has one."""
    values = {"decision_id": decision_id, "viewer": viewer, "overseeing": list(overseeing)}
    return (await connection.execute(_ONE, values)).one_or_none()


async def listed(
    connection: AsyncConnection, *, viewer: UUID | None, overseeing: Sequence[str], limit: int
) -> Sequence[Row[Any]]:
    """Decisions without their statement, the oldest first; all of them without a viewer."""
    if viewer is None:
        return (await connection.execute(_LISTED, {"limit": limit})).all()
    values = {"viewer": viewer, "overseeing": list(overseeing), "limit": limit}
    return (await connection.execute(_LISTED_FOR, values)).all()
