"""SQL of queues: how much waits, what comes next, and what they are."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_COUNTS = text("""
    SELECT queue AS name, count(*) FILTER (WHERE status = 'open') AS open,
           extract(epoch FROM now() - min(opened_at) FILTER (WHERE status = 'open'))::float AS oldest_seconds,
           coalesce((SELECT q.restricted FROM queues q WHERE q.name = cases.queue), false) AS restricted
    FROM cases WHERE status <> 'decided' GROUP BY queue
    UNION ALL
    SELECT 'default', 0, NULL, false WHERE NOT EXISTS (SELECT FROM cases WHERE queue = 'default' AND status <> 'decided')
""")
# Whatever the guard serves now, then by rank: the first of each by its own index.
_UPCOMING = text("""
    WITH front AS (
        (SELECT id, 1 AS lane, start_by, rank_value FROM cases
         WHERE queue = :queue AND status = 'open' AND start_by <= now() AND deadline IS NOT NULL
         ORDER BY start_by, id LIMIT :limit)
        UNION ALL
        (SELECT id, 2, start_by, rank_value FROM cases
         WHERE queue = :queue AND status = 'open' AND start_by <= now() AND deadline IS NULL
         ORDER BY start_by, id LIMIT :limit)
        UNION ALL
        (SELECT id, 3, NULL, rank_value FROM cases WHERE queue = :queue AND status = 'open' AND start_by > now()
         ORDER BY rank_value DESC, id LIMIT :limit)
    )
    SELECT c.id, c.rank, c.special, c.views_per_hour AS live_views, c.report_count, s.kind, s.views_per_hour,
           e.score ->> 'primary_area' AS primary_area, e.language,
           (SELECT count(*) FROM evidence_media m WHERE m.evidence_id = c.evidence_id) AS pictures,
           (SELECT r.reason FROM reports r WHERE r.case_id = c.id ORDER BY r.received_at LIMIT 1) AS reason
    FROM front JOIN cases c ON c.id = front.id
    JOIN subjects s ON s.id = c.subject_id JOIN evidence e ON e.id = c.evidence_id
    ORDER BY front.lane, front.start_by, front.rank_value DESC, c.id LIMIT :limit
""")

_COUNT_QUEUES = text("SELECT count(*) FROM queues WHERE closed_at IS NULL")
_ADD_QUEUE = text("""
    INSERT INTO queues (name, title, description, skills, roles, restricted, special, hidden_actions)
    VALUES (:name, :title, :description, :skills, CAST(:roles AS text[]), :restricted, :special, :hidden_actions)
    ON CONFLICT DO NOTHING RETURNING name
""")
_CHANGE_QUEUE = text("""
    UPDATE queues SET title = :title, description = :description, skills = :skills, roles = CAST(:roles AS text[]),
           restricted = :restricted, special = :special, hidden_actions = :hidden_actions
    WHERE name = :name AND closed_at IS NULL
      AND NOT EXISTS (SELECT FROM queues o WHERE o.special = :special AND o.name <> :name)
    RETURNING name
""")
_CLOSE_QUEUE = text("""
    UPDATE queues SET closed_at = now(), special = NULL
    WHERE name = :name AND closed_at IS NULL
      AND NOT EXISTS (SELECT FROM cases WHERE queue = :name AND status <> 'decided')
    RETURNING name
""")
_UNDECIDED = text("""
    SELECT status, count(*) AS cases FROM cases WHERE queue = :name AND status <> 'decided' GROUP BY status ORDER BY status
""")
_ADD_MEMBER = text("""
    INSERT INTO queue_members (queue, principal_id, added_by)
    SELECT :queue, id, :added_by FROM principals
    WHERE username = :username AND active AND role = ANY (CAST(:reviewing AS text[]))
    ON CONFLICT (queue, principal_id) DO UPDATE SET added_by = queue_members.added_by
    RETURNING principal_id
""")
_REMOVE_MEMBER = text("""
    DELETE FROM queue_members m USING principals p
    WHERE p.id = m.principal_id AND m.queue = :queue AND p.username = :username RETURNING m.principal_id
""")
_DENIED = text("SELECT role, array_agg(action ORDER BY action) AS actions FROM role_actions_denied GROUP BY role")
_FORGET_DENIED = text("DELETE FROM role_actions_denied")
_DENY = text("""
    INSERT INTO role_actions_denied (role, action, denied_by)
    SELECT role, action, :denied_by FROM unnest(CAST(:roles AS text[]), CAST(:actions AS text[])) AS new (role, action)
""")


async def counts(connection: AsyncConnection) -> Sequence[Row[Any]]:
    """(name, open, oldest_seconds) of every queue that holds undecided cases, and of the default one."""
    return (await connection.execute(_COUNTS)).all()


async def upcoming(connection: AsyncConnection, queue: str, *, limit: int) -> Sequence[Row[Any]]:
    """The next cases in order, without their content."""
    return (await connection.execute(_UPCOMING, {"queue": queue, "limit": limit})).all()


async def count_queues(connection: AsyncConnection) -> int:
    """How many queues are open."""
    return int((await connection.execute(_COUNT_QUEUES)).scalar_one())


async def add_queue(connection: AsyncConnection, values: dict[str, Any]) -> bool:
    """Add a queue; False when its name or its special route is taken."""
    return (await connection.execute(_ADD_QUEUE, values)).one_or_none() is not None


async def change_queue(connection: AsyncConnection, values: dict[str, Any]) -> bool:
    """Change an open queue; False when there is none or another serves that special route."""
    return (await connection.execute(_CHANGE_QUEUE, values)).one_or_none() is not None


async def undecided(connection: AsyncConnection, name: str) -> dict[str, int]:
    """How many undecided cases lie in a queue, by status."""
    return {row.status: row.cases for row in await connection.execute(_UNDECIDED, {"name": name})}


async def close_queue(connection: AsyncConnection, name: str) -> bool:
    """Close an open queue in which nothing undecided lies."""
    return (await connection.execute(_CLOSE_QUEUE, {"name": name})).one_or_none() is not None


async def add_member(
    connection: AsyncConnection, queue: str, username: str, *, added_by: UUID, reviewing: Sequence[str]
) -> UUID | None:
    """Let a person who reviews into a queue; None when there is nobody active of that name who does."""
    values = {"queue": queue, "username": username, "added_by": added_by, "reviewing": list(reviewing)}
    return (await connection.execute(_ADD_MEMBER, values)).scalar_one_or_none()


async def remove_member(connection: AsyncConnection, queue: str, username: str) -> UUID | None:
    """Take a person out of a queue; None when they were not in it."""
    return (await connection.execute(_REMOVE_MEMBER, {"queue": queue, "username": username})).scalar_one_or_none()


async def denied(connection: AsyncConnection) -> Sequence[Row[Any]]:
    """(role, actions) that are denied."""
    return (await connection.execute(_DENIED)).all()


async def replace_denied(
    connection: AsyncConnection, *, roles: Sequence[str], actions: Sequence[str], denied_by: UUID
) -> None:
    """Deny these pairs of role and action, and no others."""
    await connection.execute(_FORGET_DENIED)
    await connection.execute(_DENY, {"roles": list(roles), "actions": list(actions), "denied_by": denied_by})
