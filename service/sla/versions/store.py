"""SQL of the versions of the matrix."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_SEED = text("""
    INSERT INTO sla_matrices (version, body, owner, reason, effective_at)
    VALUES (1, :body, 'content-triage', 'The matrix that comes with the product.', '2000-01-01Z') ON CONFLICT DO NOTHING
""")
_AT_WORK = text("""
    SELECT version, body FROM sla_matrices WHERE effective_at <= :now ORDER BY version DESC LIMIT 1
""")
_BODY = text("SELECT body FROM sla_matrices WHERE version = :version")
_NEWEST = text("SELECT coalesce(max(version), 0) FROM sla_matrices")
_ONE_AFTER_THE_OTHER = text("SELECT pg_advisory_xact_lock(hashtext('sla_matrices'))")
_VERSIONS = text("""
    SELECT m.version, m.owner, m.reason, p.username AS made_by, m.made_at, m.effective_at
    FROM sla_matrices m LEFT JOIN principals p ON p.id = m.made_by ORDER BY m.version DESC LIMIT :limit
""")
_SAVE = text("""
    INSERT INTO sla_matrices (version, body, owner, reason, made_by, effective_at)
    VALUES (:version, :body, :owner, :reason, :made_by, coalesce(CAST(:effective_at AS timestamptz), now()))
""")
_HANDS = text("""
    SELECT username FROM principals WHERE active AND role = ANY (:roles) AND (username = :name OR role = :name) LIMIT 1
""")


async def seed(connection: AsyncConnection, body: str) -> None:
    """Add the matrix that comes with the product as version 1, where there is none."""
    await connection.execute(_SEED, {"body": body})


async def at_work(connection: AsyncConnection, now: datetime) -> Row[Any] | None:
    """The version of the matrix that counts at a moment, with its body."""
    return (await connection.execute(_AT_WORK, {"now": now})).one_or_none()


async def body(connection: AsyncConnection, version: int) -> str | None:
    """The text of a version."""
    return (await connection.execute(_BODY, {"version": version})).scalar_one_or_none()


async def newest(connection: AsyncConnection) -> int:
    """The newest version, whether it is at work yet or not; others wait to add the next until the transaction ends."""
    await connection.execute(_ONE_AFTER_THE_OTHER)
    return int((await connection.execute(_NEWEST)).scalar_one())


async def versions(connection: AsyncConnection, *, limit: int) -> Sequence[Row[Any]]:
    """Every version without its text, the newest first."""
    return (await connection.execute(_VERSIONS, {"limit": limit})).all()


async def save(connection: AsyncConnection, values: Mapping[str, Any]) -> None:
    """Add a version."""
    await connection.execute(_SAVE, dict(values))


async def has_hands(connection: AsyncConnection, name: str, *, roles: Sequence[str]) -> bool:
    """Whether that is an active person of one of these roles, or such a role with an active person."""
    values = {"name": name, "roles": list(roles)}
    return (await connection.execute(_HANDS, values)).scalar_one_or_none() is not None
