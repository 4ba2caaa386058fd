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
    WHERE status <> 'decided' AND ranked_under IS DISTINCT FROM :under
    ORDER BY rank_value DESC LIMIT :limit
""")
# One word for the crises at work at this moment; see 0009_crisis.sql.
_OVERLAY_KEY = text("SELECT crises_key()")
_LOCK = text("""
    SELECT id FROM cases WHERE id = ANY(CAST(:cases AS uuid[])) AND status <> 'decided' ORDER BY id FOR NO KEY UPDATE
""")
# In three lots, each by its own index: deadlines that the guard serves, latest starts that it serves, and by rank.
_AHEAD = text("""
    WITH this AS (
        SELECT id, queue, start_by, rank_value, deadline,
               CASE WHEN start_by > now() THEN 3 WHEN deadline IS NULL THEN 2 ELSE 1 END AS lane
        FROM cases WHERE id = :case_id
    )
    SELECT count(*) FROM (
        (SELECT o.id FROM this, cases o
         WHERE o.queue = this.queue AND o.status = 'open' AND o.start_by <= now()
           AND (CASE WHEN o.deadline IS NULL THEN 2 ELSE 1 END < this.lane
                OR (CASE WHEN o.deadline IS NULL THEN 2 ELSE 1 END = this.lane
                    AND (o.start_by, o.id) < (this.start_by, this.id)))
         LIMIT :most)
        UNION ALL
        (SELECT o.id FROM this, cases o
         WHERE this.lane = 3 AND o.queue = this.queue AND o.status = 'open' AND o.start_by > now()
           AND (o.rank_value > this.rank_value OR (o.rank_value = this.rank_value AND o.id < this.id))
         LIMIT :most)
        LIMIT :most
    ) AS ahead
""")
_CLAIMS = text("""
    SELECT granted_at, ended_at, outcome, lane, propensity, rank AS parts FROM leases
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


async def stale(connection: AsyncConnection, *, under: str, limit: int) -> list[UUID]:
    """Undecided cases ranked under another configuration or taxonomy, those in front first."""
    return list((await connection.execute(_STALE, {"under": under, "limit": limit})).scalars())


async def overlay_key(connection: AsyncConnection) -> str:
    """The key of the crises that are at work now, by the clock of the database; "" where there are none."""
    return str((await connection.execute(_OVERLAY_KEY)).scalar_one())


async def lock(connection: AsyncConnection, cases: Sequence[UUID]) -> list[UUID]:
    """Lock those of the cases that are undecided, in one order for all callers."""
    return list((await connection.execute(_LOCK, {"cases": list(cases)})).scalars())


async def ahead(connection: AsyncConnection, case_id: UUID, *, most: int) -> int:
    """How many open cases of its queue come before this one; counted up to `most`."""
    return int((await connection.execute(_AHEAD, {"case_id": case_id, "most": most})).scalar_one())


async def claims(connection: AsyncConnection, case_id: UUID, *, most: int) -> Sequence[Row[Any]]:
    """The latest times the case was handed out, with the rank it had then."""
    return (await connection.execute(_CLAIMS, {"case_id": case_id, "most": most})).all()
