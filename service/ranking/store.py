"""SQL of ranking configurations, and of cases whose rank is of another one."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_ADD = text("""
    INSERT INTO rank_configs (version, owner, reason, decided_on, policy, constants)
    VALUES (:version, :owner, :reason, :decided_on, :policy, CAST(:constants AS jsonb)) ON CONFLICT (version) DO NOTHING
""")
_CONFIGS = text("""
    SELECT version, owner, reason, decided_on, policy, constants, first_used_at FROM rank_configs
    ORDER BY first_used_at DESC, version DESC
""")
_CONFIG = text("""
    SELECT version, owner, reason, decided_on, policy, constants, first_used_at FROM rank_configs
    WHERE version = :version
""")
# Riskiest first by what is stored: who is waited for longest is who is looked at last.
_STALE = text("""
    SELECT id FROM cases
    WHERE status <> 'decided' AND (rank ->> 'config_version', rank ->> 'taxonomy_version') IS DISTINCT FROM (:config, :taxonomy)
    ORDER BY rank_value DESC LIMIT :limit
""")
_LOCK = text("""
    SELECT id FROM cases WHERE id = ANY(CAST(:cases AS uuid[])) AND status <> 'decided' ORDER BY id FOR NO KEY UPDATE
""")
_AHEAD = text("""
    SELECT count(*) FROM (
        SELECT FROM cases o JOIN cases c ON c.id = :case_id
        WHERE o.queue = c.queue AND o.status = 'open'
          AND (o.rank_value > c.rank_value OR (o.rank_value = c.rank_value AND o.id < c.id))
        LIMIT :most
    ) AS ahead
""")
_CLAIMS = text("""
    SELECT granted_at, ended_at, outcome, rank_value AS value, rank AS parts FROM leases
    WHERE case_id = :case_id ORDER BY granted_at DESC LIMIT :most
""")


async def add_config(connection: AsyncConnection, *, decided_on: date, **texts: str) -> None:
    """Keep a configuration under its version, unless that version is known."""
    await connection.execute(_ADD, {"decided_on": decided_on, **texts})


async def config(connection: AsyncConnection, version: str) -> Row[Any] | None:
    """The configuration of that version."""
    return (await connection.execute(_CONFIG, {"version": version})).one_or_none()


async def configs(connection: AsyncConnection) -> Sequence[Row[Any]]:
    """Every configuration that was ever used, the newest first."""
    return (await connection.execute(_CONFIGS)).all()


async def stale(connection: AsyncConnection, *, config: str, taxonomy: str, limit: int) -> list[UUID]:
    """Undecided cases ranked under another configuration or taxonomy, those in front first."""
    values = {"config": config, "taxonomy": taxonomy, "limit": limit}
    return list((await connection.execute(_STALE, values)).scalars())


async def lock(connection: AsyncConnection, cases: Sequence[UUID]) -> list[UUID]:
    """Lock those of the cases that are undecided, in one order for all callers."""
    return list((await connection.execute(_LOCK, {"cases": list(cases)})).scalars())


async def ahead(connection: AsyncConnection, case_id: UUID, *, most: int) -> int:
    """How many open cases of its queue come before this one; counted up to `most`."""
    return int((await connection.execute(_AHEAD, {"case_id": case_id, "most": most})).scalar_one())


async def claims(connection: AsyncConnection, case_id: UUID, *, most: int) -> Sequence[Row[Any]]:
    """The latest times the case was handed out, with the rank it had then."""
    return (await connection.execute(_CLAIMS, {"case_id": case_id, "most": most})).all()
