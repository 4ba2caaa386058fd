"""SQL of notes on cases."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

# Whoever judges for themselves reads nothing by others first: while a second opinion is wanted, nothing by whom asked; in
# a blind check, nothing at all.
_NOTES = text("""
    SELECT n.id, n.body, n.written_by = :viewer AS mine, n.written_at
    FROM case_notes n JOIN cases c ON c.id = n.case_id
    WHERE n.case_id = :case_id AND (n.written_by = :viewer OR (
        NOT is_checking(c.subject_id, NULL, :viewer)
        AND NOT EXISTS (
            SELECT FROM second_opinions o WHERE o.case_id = n.case_id AND o.asked_by = n.written_by
              AND o.answered_at IS NULL AND o.withdrawn_at IS NULL)))
    ORDER BY n.written_at, n.id
""")
_ADD = text("""
    INSERT INTO case_notes (id, case_id, written_by, body)
    SELECT :id, :case_id, :person, :body
    WHERE (SELECT count(*) FROM case_notes WHERE case_id = :case_id) < :most
    RETURNING id, body, true AS mine, written_at
""")


async def notes(connection: AsyncConnection, case_id: UUID, *, viewer: UUID) -> Sequence[Row[Any]]:
    """Notes on a case that this person may read, oldest first."""
    return (await connection.execute(_NOTES, {"case_id": case_id, "viewer": viewer})).all()


async def add(connection: AsyncConnection, values: dict[str, Any]) -> Row[Any] | None:
    """Add a note; None where the case has as many as it may have."""
    return (await connection.execute(_ADD, values)).one_or_none()
