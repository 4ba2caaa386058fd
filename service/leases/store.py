"""SQL of leases: who holds which case until when. Each statement decides by itself; nothing is read and then written."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.db import fetch, fetch_one

# A lapsed case goes back to its old place. It stays listed however often that happens, and the count is an alert.
_RETURN_LAPSED = text("""
    WITH late AS MATERIALIZED (
        SELECT id AS case_id, lease_token AS token, lease_holder AS holder FROM cases
        WHERE status = 'leased' AND lease_expires_at <= now()
        ORDER BY lease_expires_at LIMIT 100 FOR NO KEY UPDATE SKIP LOCKED
    ), lapsed AS (
        UPDATE cases SET status = 'open', lapses = lapses + 1,
               lease_token = NULL, lease_holder = NULL, lease_expires_at = NULL
        FROM late WHERE cases.id = late.case_id
        RETURNING late.case_id, late.token, late.holder, cases.lapses
    ), ended AS (
        UPDATE leases SET ended_at = now(), outcome = 'lapsed' FROM lapsed WHERE leases.token = lapsed.token
    )
    INSERT INTO events (kind, case_id, actor, data)
    SELECT 'lease.lapsed', case_id, holder, jsonb_build_object('lapses', lapses) FROM lapsed
    RETURNING case_id
""")

_LEASE_NEXT = """
    WITH next AS MATERIALIZED ({next}
    ), claimed AS (
        UPDATE cases SET status = 'leased', lease_token = :token, lease_holder = :holder,
               lease_expires_at = now() + make_interval(secs => :seconds)
        FROM next WHERE cases.id = next.id
        RETURNING cases.id, cases.evidence_id, cases.lease_expires_at, cases.rank_value, cases.rank
    ), leased AS (
        INSERT INTO leases (token, case_id, holder, evidence_id, rank_value, rank)
        SELECT :token, id, :holder, evidence_id, rank_value, rank FROM claimed
    ), logged AS (
        INSERT INTO events (kind, case_id, actor) SELECT 'case.claimed', id, :holder FROM claimed
    )
    SELECT id, lease_expires_at FROM claimed
"""
CLAIM_NEXT_SQL = _LEASE_NEXT.format(
    next="""
        SELECT id FROM cases WHERE queue = :queue AND status = 'open'
        ORDER BY rank_value DESC, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED"""
)
_CLAIM_NEXT = text(CLAIM_NEXT_SQL)
# While a lapsed case waits to be given back, this one finds nothing: that case may be the riskiest of all.
_CLAIM_NEXT_UNLESS_LAPSED = text(
    _LEASE_NEXT.format(
        next="""
        SELECT id FROM cases WHERE queue = :queue AND status = 'open'
          AND NOT EXISTS (SELECT FROM cases WHERE status = 'leased' AND lease_expires_at <= now())
        ORDER BY rank_value DESC, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED"""
    )
)
_CLAIM_CASE = text(
    _LEASE_NEXT.format(
        next="""
        SELECT id FROM cases WHERE id = :case_id AND status = 'open' FOR NO KEY UPDATE SKIP LOCKED"""
    )
)

_LAPSED_CASES = text("SELECT count(*) FROM cases WHERE status <> 'decided' AND lapses > 0")
_LIVE = text("""
    SELECT id AS case_id, lease_token AS token, lease_holder AS holder, lease_expires_at AS expires_at FROM cases
    WHERE lease_token = :token AND lease_holder = :holder AND status = 'leased' AND lease_expires_at > now()
""")

_HELD_BY = text("""
    SELECT id AS case_id, lease_token AS token, lease_holder AS holder, lease_expires_at AS expires_at FROM cases
    WHERE lease_holder = :holder AND status = 'leased' AND lease_expires_at > now() ORDER BY lease_expires_at
""")

_RENEW = text("""
    UPDATE cases SET lease_expires_at = now() + make_interval(secs => :seconds)
    WHERE id = :case_id AND lease_token = :token AND lease_holder = :holder
      AND status = 'leased' AND lease_expires_at > now()
    RETURNING lease_expires_at
""")

_RELEASE = text("""
    WITH released AS (
        UPDATE cases SET status = 'open', lease_token = NULL, lease_holder = NULL, lease_expires_at = NULL
        WHERE id = :case_id AND lease_token = :token AND lease_holder = :holder
          AND status = 'leased' AND lease_expires_at > now()
        RETURNING id
    ), ended AS (
        UPDATE leases SET ended_at = now(), outcome = 'released' FROM released WHERE leases.token = :token
    )
    INSERT INTO events (kind, case_id, actor) SELECT 'lease.released', id, :holder FROM released RETURNING case_id
""")


async def return_lapsed(connection: AsyncConnection) -> int:
    """Give every lapsed case back to its queue; returns how many."""
    return len(await fetch(connection, _RETURN_LAPSED))


async def lapsed_cases(connection: AsyncConnection) -> int:
    """Undecided cases that came back at least once."""
    return int((await connection.execute(_LAPSED_CASES)).scalar_one())


async def claim_next(connection: AsyncConnection, *, queue: str, token: UUID, holder: UUID, seconds: int) -> Any | None:
    """Lease the first open case of the queue that nobody else is taking right now: (id, lease_expires_at) or None.

    Lapsed cases are given back first, which takes statements of its own only when there are any.
    """
    values = {"queue": queue, "token": token, "holder": holder, "seconds": seconds}
    row = await fetch_one(connection, _CLAIM_NEXT_UNLESS_LAPSED, values)
    if row is None:
        await return_lapsed(connection)
        row = await fetch_one(connection, _CLAIM_NEXT, values)
    return row


async def claim_case(
    connection: AsyncConnection, *, case_id: UUID, token: UUID, holder: UUID, seconds: int
) -> Row[Any] | None:
    """Lease one named case, if it is open: (id, lease_expires_at) or None."""
    values = {"case_id": case_id, "token": token, "holder": holder, "seconds": seconds}
    return (await connection.execute(_CLAIM_CASE, values)).one_or_none()


async def live(connection: AsyncConnection, *, token: UUID, holder: UUID) -> Row[Any] | None:
    """The lease, if that token is live and the holder's."""
    return (await connection.execute(_LIVE, {"token": token, "holder": holder})).one_or_none()


async def held_by(connection: AsyncConnection, holder: UUID) -> Sequence[Row[Any]]:
    """Every live lease of one person, the one that ends first in front."""
    return (await connection.execute(_HELD_BY, {"holder": holder})).all()


async def renew(
    connection: AsyncConnection, *, case_id: UUID, token: UUID, holder: UUID, seconds: int
) -> datetime | None:
    """Extend a live lease; the new end, or None when it is not live."""
    values = {"case_id": case_id, "token": token, "holder": holder, "seconds": seconds}
    return (await connection.execute(_RENEW, values)).scalar_one_or_none()


async def release(connection: AsyncConnection, *, case_id: UUID, token: UUID, holder: UUID) -> bool:
    """Give a case back; False when the lease is not live."""
    values = {"case_id": case_id, "token": token, "holder": holder}
    return (await connection.execute(_RELEASE, values)).one_or_none() is not None
