"""SQL of what is known of an author."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_AUTHOR = text("SELECT s.author_id FROM cases c JOIN subjects s ON s.id = c.subject_id WHERE c.id = :case_id")
# The newest are taken before any of them is asked about: an author may have a hundred thousand.
_OTHERS = text("""
    WITH newest AS MATERIALIZED (
        SELECT c.id, c.queue, c.status, c.opened_at, c.decided_at, s.kind
        FROM subjects s JOIN cases c ON c.subject_id = s.id
        WHERE s.author_id = :author AND c.id <> :case_id ORDER BY c.opened_at DESC, c.id DESC LIMIT :most
    ), usable AS MATERIALIZED (
        SELECT q.name FROM queues q WHERE may_use_queue(q.name, :viewer, CAST(:overseeing AS text[]))
    ), seen AS MATERIALIZED (
        SELECT n.*, count(*) OVER () AS others, count(*) FILTER (WHERE n.status = 'decided') OVER () AS decided_others
        FROM newest n
        WHERE n.queue IN (SELECT name FROM usable) OR may_see_case(n.id, :viewer, CAST(:overseeing AS text[]))
        ORDER BY n.status = 'decided' DESC, coalesce(n.decided_at, n.opened_at) DESC, n.id LIMIT :listed
    )
    SELECT seen.id, seen.kind, seen.status, seen.opened_at, seen.others, seen.decided_others, to_jsonb(d) AS decided,
           (SELECT r.reason FROM reports r WHERE r.case_id = seen.id ORDER BY r.received_at LIMIT 1) AS reason
    FROM seen LEFT JOIN LATERAL (
        SELECT made.actions, made.policy_area, made.severity, made.decided_at FROM decisions made
        WHERE made.case_id = seen.id AND seen.status = 'decided'
          AND NOT EXISTS (SELECT FROM decision_undos u WHERE u.decision_id = made.id)
          AND NOT is_kept_back(made.id, :viewer)
        ORDER BY made.decided_at DESC LIMIT 1
    ) AS d ON true
    ORDER BY seen.status = 'decided' DESC, coalesce(seen.decided_at, seen.opened_at) DESC, seen.id
""")


async def author_of(connection: AsyncConnection, case_id: UUID) -> str | None:
    """The platform's id of the author, where one was named."""
    author: str | None = (await connection.execute(_AUTHOR, {"case_id": case_id})).scalar_one_or_none()
    return author


async def others(connection: AsyncConnection, values: dict[str, Any]) -> Sequence[Row[Any]]:
    """Other cases of an author that this person may see, decided ones first."""
    return (await connection.execute(_OTHERS, values)).all()
