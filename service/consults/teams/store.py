"""SQL of the teams that are asked: what was set about them, and who is in them."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_SET = text("""
    INSERT INTO consult_teams (name, title, minutes, closed, set_by) VALUES (:name, :title, :minutes, :closed, :actor)
    ON CONFLICT (name) DO UPDATE SET title = EXCLUDED.title, minutes = EXCLUDED.minutes, closed = EXCLUDED.closed,
        set_by = EXCLUDED.set_by, set_at = now()
""")
_SETTINGS = text("SELECT name, title, minutes, closed FROM consult_teams ORDER BY title, name")
_MEMBERS = text("""
    SELECT m.team, p.username, p.active AND p.role = ANY (CAST(:answering AS text[])) AS answers, p.privileged, m.added_at
    FROM consult_members m JOIN principals p ON p.id = m.principal_id ORDER BY m.team, p.username
""")
_PERSON = text("SELECT id, role FROM principals WHERE username = :username AND active")
_ADD = text("""
    INSERT INTO consult_members (team, principal_id, added_by) VALUES (:team, :person, :actor)
    ON CONFLICT DO NOTHING RETURNING principal_id
""")
_REMOVE = text("""
    DELETE FROM consult_members m USING principals p
    WHERE m.team = :team AND p.id = m.principal_id AND p.username = :username RETURNING m.principal_id
""")
_TEAMS_OF = text("SELECT team FROM consult_members WHERE principal_id = :person ORDER BY team")
_WAITING = text("""
    SELECT c.team, count(*) AS waiting FROM consults c
    WHERE c.status IN ('waiting', 'taken', 'asked_back')
      AND may_read_consult(c.id, :person, CAST(:working AS text[]), CAST(:overseeing AS text[]), CAST(:answering AS text[]))
    GROUP BY c.team
""")
# Who could answer a question of this person about a record on this path; any path where it takes none.
_READERS = text("""
    SELECT count(*) FROM consult_members m JOIN principals p ON p.id = m.principal_id
    WHERE m.team = :team AND p.active AND p.role = ANY (CAST(:answering AS text[])) AND p.id <> :asker
      AND (CAST(:path AS text) IS NULL
           OR EXISTS (SELECT FROM path_members n WHERE n.path = :path AND n.principal_id = p.id))
""")


async def set_team(connection: AsyncConnection, values: dict[str, Any]) -> None:
    """Keep what is set about a team."""
    await connection.execute(_SET, values)


async def settings(connection: AsyncConnection) -> Sequence[Row[Any]]:
    """What was set about teams, by title."""
    return (await connection.execute(_SETTINGS)).all()


async def members(connection: AsyncConnection, *, answering: Sequence[str]) -> Sequence[Row[Any]]:
    """Everybody who is in a team."""
    return (await connection.execute(_MEMBERS, {"answering": list(answering)})).all()


async def person(connection: AsyncConnection, username: str) -> Row[Any] | None:
    """(id, role) of an active account."""
    return (await connection.execute(_PERSON, {"username": username})).one_or_none()


async def add(connection: AsyncConnection, team: str, person: UUID, *, actor: UUID) -> bool:
    """Put somebody into a team; False when they are in it."""
    values = {"team": team, "person": person, "actor": actor}
    return (await connection.execute(_ADD, values)).one_or_none() is not None


async def remove(connection: AsyncConnection, team: str, username: str) -> UUID | None:
    """Take somebody out of a team; None when they are not in it."""
    return (await connection.execute(_REMOVE, {"team": team, "username": username})).scalar_one_or_none()


async def teams_of(connection: AsyncConnection, person: UUID) -> list[str]:
    """The teams that somebody is in."""
    return list((await connection.execute(_TEAMS_OF, {"person": person})).scalars())


async def waiting(connection: AsyncConnection, rights: dict[str, Any]) -> dict[str, int]:
    """How many questions wait for each team, of those that this person may read."""
    return {row.team: row.waiting for row in await connection.execute(_WAITING, rights)}


async def readers(connection: AsyncConnection, values: Mapping[str, Any]) -> int:
    """How many people of a team could answer a question; values are team, asker, path and answering."""
    return int((await connection.execute(_READERS, dict(values))).scalar_one())
