"""SQL of leases that are ended for their holder."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

# Lapsed or not: whoever held them is nobody any more who could decide them.
_TAKE_BACK = text("""
    WITH held AS MATERIALIZED (
        SELECT id AS case_id, lease_token AS token FROM cases
        WHERE lease_holder = :holder AND status = 'leased' ORDER BY id FOR NO KEY UPDATE
    ), returned AS (
        UPDATE cases SET status = 'open', lease_token = NULL, lease_holder = NULL, lease_expires_at = NULL
        FROM held WHERE cases.id = held.case_id RETURNING held.case_id, held.token
    ), ended AS (
        UPDATE leases SET ended_at = now(), outcome = 'released' FROM returned WHERE leases.token = returned.token
    )
    INSERT INTO events (kind, case_id, actor, data)
    SELECT 'lease.taken_back', case_id, :actor, jsonb_build_object('principal', CAST(:principal AS text)) FROM returned
    RETURNING case_id
""")


async def take_back(connection: AsyncConnection, holder: UUID, *, actor: UUID | None) -> int:
    """Give back every case that somebody holds; returns how many."""
    values = {"holder": holder, "principal": str(holder), "actor": actor}
    return len((await connection.execute(_TAKE_BACK, values)).all())
