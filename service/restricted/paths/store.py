"""SQL of restricted paths: members, changes that wait for a second person, and alarms."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.db import fetch

_MEMBERS = text("""
    SELECT m.path, p.username, p.role, p.active AND p.role = ANY (CAST(:working AS text[])) AS opens, m.added_at,
           a.username AS added_by
    FROM path_members m JOIN principals p ON p.id = m.principal_id LEFT JOIN principals a ON a.id = m.added_by
    ORDER BY m.path, p.username
""")
_PATHS_OF = text("SELECT path FROM path_members WHERE principal_id = :person ORDER BY path")
_CHANGES = text("""
    SELECT c.id, c.path, c.change, p.username, c.reason, a.username AS asked_by, c.asked_at, s.username AS settled_by,
           c.settled_at, c.confirmed, c.asked_by AS asker_id, c.principal_id
    FROM path_changes c JOIN principals p ON p.id = c.principal_id JOIN principals a ON a.id = c.asked_by
    LEFT JOIN principals s ON s.id = c.settled_by
    ORDER BY c.settled_at IS NOT NULL, c.asked_at DESC LIMIT :limit
""")
_PERSON = text("SELECT id, role FROM principals WHERE username = :username AND active FOR NO KEY UPDATE")
_IS_MEMBER = text("SELECT EXISTS (SELECT FROM path_members WHERE path = :path AND principal_id = :person)")
_ASK = text("""
    INSERT INTO path_changes (id, path, principal_id, change, reason, asked_by)
    VALUES (:id, :path, :person, 'add', :reason, :actor)
    ON CONFLICT (path, principal_id) WHERE settled_at IS NULL DO NOTHING RETURNING id
""")
_LOCK = text("""
    SELECT c.id, c.path, c.principal_id, c.asked_by, c.settled_at, p.active, p.role, p.username
    FROM path_changes c JOIN principals p ON p.id = c.principal_id WHERE c.id = :id FOR UPDATE OF c
""")
_SETTLE = text("UPDATE path_changes SET settled_by = :actor, settled_at = now(), confirmed = :confirmed WHERE id = :id")
_ADD = text("""
    INSERT INTO path_members (path, principal_id, added_by) VALUES (:path, :person, :actor) ON CONFLICT DO NOTHING
""")
_REMOVE = text("""
    WITH gone AS (
        DELETE FROM path_members m USING principals p
        WHERE m.path = :path AND p.id = m.principal_id AND p.username = :username RETURNING m.principal_id
    ), told AS (
        INSERT INTO path_changes (id, path, principal_id, change, reason, asked_by, settled_by, settled_at, confirmed)
        SELECT :id, :path, principal_id, 'remove', :reason, :actor, :actor, now(), true FROM gone
    )
    SELECT principal_id FROM gone
""")
_OPEN_RECORDS = text("""
    SELECT path, count(*) AS records FROM escalations WHERE path IS NOT NULL AND status <> 'resolved' GROUP BY path
""")
_STATE = """
    WITH paths AS (SELECT unnest(CAST(:paths AS text[])) AS path), state AS (
        SELECT p.path,
               (SELECT count(*) FROM path_members m JOIN principals w ON w.id = m.principal_id
                WHERE m.path = p.path AND w.active AND w.role = ANY (CAST(:working AS text[]))) AS members,
               (SELECT count(*) FROM escalations e WHERE e.path = p.path AND e.status <> 'resolved') AS records
        FROM paths p
    ), wrong AS (
        SELECT path, 'few_members' AS kind, members AS count FROM state WHERE members < :least
        UNION ALL SELECT path, 'nobody_may_open', records FROM state WHERE members = 0 AND records > 0
    )
"""
_ALARMS = text(f"{_STATE} SELECT path, kind, count FROM wrong ORDER BY kind DESC, path")  # noqa: S608 - constants
# One statement: two workers raise an alarm once between them.
_RAISE = text(f"""
    {_STATE}, passed AS (
        DELETE FROM path_alarms a WHERE NOT EXISTS (SELECT FROM wrong w WHERE w.path = a.path AND w.kind = a.kind)
    ), raised AS (
        INSERT INTO path_alarms (path, kind) SELECT path, kind FROM wrong ON CONFLICT DO NOTHING RETURNING path, kind
    )
    INSERT INTO events (kind, data)
    SELECT 'restricted.alarm', jsonb_build_object('path', path, 'alarm', kind) FROM raised RETURNING id
""")  # noqa: S608 - put together from constants


async def members(connection: AsyncConnection, *, working: Sequence[str]) -> Sequence[Row[Any]]:
    """Everybody who is named on a path."""
    return (await connection.execute(_MEMBERS, {"working": list(working)})).all()


async def paths_of(connection: AsyncConnection, person: UUID) -> list[str]:
    """The paths on which somebody is named."""
    return list((await connection.execute(_PATHS_OF, {"person": person})).scalars())


async def changes(connection: AsyncConnection, *, limit: int) -> Sequence[Row[Any]]:
    """Changes of members: those that wait, then those that are settled, newest first."""
    return (await connection.execute(_CHANGES, {"limit": limit})).all()


async def person(connection: AsyncConnection, username: str) -> Row[Any] | None:
    """(id, role) of an active account, which cannot be closed until the transaction ends."""
    return (await connection.execute(_PERSON, {"username": username})).one_or_none()


async def is_member(connection: AsyncConnection, path: str, person: UUID) -> bool:
    """Whether somebody is named on a path."""
    return bool((await connection.execute(_IS_MEMBER, {"path": path, "person": person})).scalar_one())


async def ask(connection: AsyncConnection, values: dict[str, Any]) -> bool:
    """Let somebody's naming wait for a second person; False where it waits already."""
    return (await connection.execute(_ASK, values)).one_or_none() is not None


async def lock_change(connection: AsyncConnection, change: UUID) -> Row[Any] | None:
    """(id, path, principal_id, asked_by, settled_at, active, role, username) of a change, locked."""
    return (await connection.execute(_LOCK, {"id": change})).one_or_none()


async def settle(connection: AsyncConnection, change: UUID, *, confirmed: bool, actor: UUID) -> None:
    """Settle a locked change."""
    await connection.execute(_SETTLE, {"id": change, "confirmed": confirmed, "actor": actor})


async def add(connection: AsyncConnection, path: str, person: UUID, *, actor: UUID) -> None:
    """Name somebody on a path."""
    await connection.execute(_ADD, {"path": path, "person": person, "actor": actor})


async def remove(connection: AsyncConnection, values: dict[str, Any]) -> UUID | None:
    """Take somebody off a path; None when they are not named there."""
    return (await connection.execute(_REMOVE, values)).scalar_one_or_none()


async def open_records(connection: AsyncConnection) -> dict[str, int]:
    """How many records of each path are not resolved."""
    return {row.path: row.records for row in await connection.execute(_OPEN_RECORDS)}


async def alarms(connection: AsyncConnection, values: dict[str, Any]) -> Sequence[Row[Any]]:
    """What is wrong with the paths now: (path, kind, count)."""
    return (await connection.execute(_ALARMS, values)).all()


async def raise_alarms(connection: AsyncConnection, values: dict[str, Any]) -> int:
    """Write down each alarm that has begun, and forget those that have passed; returns how many began."""
    return len(await fetch(connection, _RAISE, values))
