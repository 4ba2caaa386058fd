"""SQL of notices to those who lead."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

# Of a crisis that is long over nobody needs to be told any more.
_UNSEEN = text("""
    SELECT c.id AS crisis, c.kind AS crisis_kind, c.name, m.id AS moment, m.kind, m.at, a.username AS actor, m.reason, m.until
    FROM crisis_moments m JOIN crises c ON c.id = m.crisis_id JOIN principals p ON p.id = :person
    LEFT JOIN principals a ON a.id = m.actor
    WHERE m.told AND crisis_end(c) > now() - make_interval(days => :days) AND crisis_unseen(m, p)
    ORDER BY m.id LIMIT :most
""")
_SEE = text("""
    INSERT INTO crisis_seen (moment_id, principal_id)
    SELECT m.id, p.id FROM crisis_moments m JOIN principals p ON p.id = :person
    WHERE m.crisis_id = :crisis AND m.id <= :moment AND crisis_unseen(m, p)
    ON CONFLICT DO NOTHING RETURNING moment_id
""")
_TOLD = text("SELECT EXISTS (SELECT FROM crisis_moments WHERE crisis_id = :crisis AND told AND id <= :moment)")
_CONFIRMED = text("""
    SELECT m.kind, m.at,
           ARRAY(SELECT p.username FROM crisis_seen s JOIN principals p ON p.id = s.principal_id
                 WHERE s.moment_id = m.id ORDER BY p.username) AS seen,
           ARRAY(SELECT p.username FROM principals p
                 WHERE p.active AND p.role = ANY (CAST(:roles AS text[])) AND crisis_unseen(m, p)
                 ORDER BY p.username LIMIT :most) AS unseen
    FROM crisis_moments m WHERE m.crisis_id = :crisis AND m.told ORDER BY m.id DESC LIMIT 1
""")
_STATE = text("""
    SELECT c.kind, crisis_end(c) AS ends_at, c.approved_at IS NOT NULL AS approved FROM crises c WHERE c.id = :crisis
""")


async def unseen(connection: AsyncConnection, person: UUID, *, days: int, most: int) -> Sequence[Row[Any]]:
    """What somebody has still to confirm, of crises that were not over that long ago."""
    return (await connection.execute(_UNSEEN, {"person": person, "days": days, "most": most})).all()


async def see(connection: AsyncConnection, crisis: UUID, moment: int, *, person: UUID) -> int:
    """Confirm what was told up to a moment; returns how much that was."""
    values = {"crisis": crisis, "moment": moment, "person": person}
    return len((await connection.execute(_SEE, values)).all())


async def was_told(connection: AsyncConnection, crisis: UUID, moment: int) -> bool:
    """Whether anything was told of this crisis up to that moment."""
    return bool((await connection.execute(_TOLD, {"crisis": crisis, "moment": moment})).scalar_one())


async def confirmed(connection: AsyncConnection, crisis: UUID, roles: Sequence[str], *, most: int) -> Row[Any] | None:
    """(kind, at, seen, unseen) of what was told last."""
    values = {"crisis": crisis, "roles": list(roles), "most": most}
    return (await connection.execute(_CONFIRMED, values)).one_or_none()


async def state(connection: AsyncConnection, crisis: UUID) -> Row[Any]:
    """(kind, ends_at, approved) of a crisis."""
    return (await connection.execute(_STATE, {"crisis": crisis})).one()
