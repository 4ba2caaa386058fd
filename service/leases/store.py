"""SQL of leases: who holds which case until when. Each statement decides by itself; nothing is read and then written."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.db import fetch, fetch_one

# A lapsed case goes back to its old place. It stays listed however often that happens, and the count is an alert.
# What was fetched ahead and never opened goes back as well, but is nobody's lapse.
_RETURN_LAPSED = text("""
    WITH late AS MATERIALIZED (
        SELECT id AS case_id, lease_token AS token, lease_holder AS holder,
               coalesce((SELECT prefetched FROM leases WHERE token = lease_token), false) AS unopened
        FROM cases WHERE status = 'leased' AND lease_expires_at <= now()
        ORDER BY lease_expires_at LIMIT 100 FOR NO KEY UPDATE SKIP LOCKED
    ), lapsed AS (
        UPDATE cases SET status = 'open', lapses = lapses + CASE WHEN late.unopened THEN 0 ELSE 1 END,
               lease_token = NULL, lease_holder = NULL, lease_expires_at = NULL
        FROM late WHERE cases.id = late.case_id
        RETURNING late.case_id, late.token, late.holder, late.unopened, cases.lapses
    ), ended AS (
        UPDATE leases SET ended_at = now(), outcome = CASE WHEN lapsed.unopened THEN 'unopened' ELSE 'lapsed' END
        FROM lapsed WHERE leases.token = lapsed.token
    )
    INSERT INTO events (kind, case_id, actor, data)
    SELECT CASE WHEN unopened THEN 'lease.unopened' ELSE 'lease.lapsed' END, case_id, holder,
           CASE WHEN unopened THEN '{}' ELSE jsonb_build_object('lapses', lapses) END
    FROM lapsed RETURNING case_id
""")

_LEASE_NEXT = """
    WITH next AS MATERIALIZED ({next}
    ), claimed AS (
        UPDATE cases SET status = 'leased', held_until = NULL, lease_token = :token, lease_holder = :holder,
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
        SELECT id FROM cases
        WHERE id = :case_id AND (status = 'open' OR (status = 'held' AND held_for = :holder))
        FOR NO KEY UPDATE SKIP LOCKED"""
    )
)

_LAPSED_CASES = text("SELECT count(*) FROM cases WHERE status <> 'decided' AND lapses > 0")
_LIVE = text("""
    SELECT id AS case_id, lease_token AS token, lease_holder AS holder, lease_expires_at AS expires_at FROM cases
    WHERE lease_token = :token AND lease_holder = :holder AND status = 'leased' AND lease_expires_at > now()
""")

_HELD_BY = text("""
    SELECT c.id AS case_id, c.lease_token AS token, c.lease_holder AS holder, c.lease_expires_at AS expires_at,
           l.prefetched
    FROM cases c JOIN leases l ON l.token = c.lease_token
    WHERE c.lease_holder = :holder AND c.status = 'leased' AND c.lease_expires_at > now() ORDER BY c.lease_expires_at
""")

# To renew what was fetched ahead is to open it. A lease at its limit stays live to its end, which does not move.
_RENEW = text("""
    WITH renewed AS (
        UPDATE cases SET lease_expires_at = least(
            now() + make_interval(secs => :seconds), leases.granted_at + make_interval(hours => :hours)
        )
        FROM leases
        WHERE cases.id = :case_id AND lease_token = :token AND lease_holder = :holder
          AND status = 'leased' AND lease_expires_at > now()
          AND leases.token = :token AND lease_expires_at < leases.granted_at + make_interval(hours => :hours)
        RETURNING cases.id, lease_expires_at, leases.granted_at + make_interval(hours => :hours) AS renewable_until,
                  leases.prefetched
    ), opened AS (
        UPDATE leases SET prefetched = false FROM renewed WHERE leases.token = :token AND renewed.prefetched
        RETURNING leases.case_id
    ), logged AS (
        INSERT INTO events (kind, case_id, actor) SELECT 'lease.opened', case_id, :holder FROM opened
    )
    SELECT lease_expires_at AS expires_at, renewable_until, now() AS server_now FROM renewed
""")
_NOW = text("SELECT now()")
# First the lock, then, in a statement of its own, the counting: so two calls of one person come one after the other.
_ONE_AT_A_TIME = text("SELECT id FROM principals WHERE id = :person FOR NO KEY UPDATE")
_LIVE_COUNTS = text("""
    SELECT count(*) AS live, count(*) FILTER (WHERE l.prefetched) AS prefetched
    FROM cases c JOIN leases l ON l.token = c.lease_token
    WHERE c.lease_holder = :holder AND c.status = 'leased' AND c.lease_expires_at > now()
""")
_MARK_PREFETCHED = text("UPDATE leases SET prefetched = true WHERE token = :token")

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
    connection: AsyncConnection, *, case_id: UUID, token: UUID, holder: UUID, length: tuple[int, int]
) -> Row[Any] | None:
    """Extend a live lease by (seconds) within (hours) of its grant: (expires_at, renewable_until, server_now).

    None when it is not live, or has been renewed up to its limit.
    """
    seconds, hours = length
    values = {"case_id": case_id, "token": token, "holder": holder, "seconds": seconds, "hours": hours}
    return (await connection.execute(_RENEW, values)).one_or_none()


async def release(connection: AsyncConnection, *, case_id: UUID, token: UUID, holder: UUID) -> bool:
    """Give a case back; False when the lease is not live."""
    values = {"case_id": case_id, "token": token, "holder": holder}
    return (await connection.execute(_RELEASE, values)).one_or_none() is not None


async def server_now(connection: AsyncConnection) -> datetime:
    """The time by the clock that leases end by."""
    now: datetime = (await connection.execute(_NOW)).scalar_one()
    return now


async def one_at_a_time(connection: AsyncConnection, person: UUID) -> None:
    """Make other calls that count what this person has wait until the transaction ends."""
    await connection.execute(_ONE_AT_A_TIME, {"person": person})


async def live_counts(connection: AsyncConnection, holder: UUID) -> Row[Any]:
    """(live, prefetched): live leases of one person, and how many of them were fetched ahead and not opened."""
    return (await connection.execute(_LIVE_COUNTS, {"holder": holder})).one()


async def mark_prefetched(connection: AsyncConnection, token: UUID) -> None:
    """Note that a lease was fetched ahead."""
    await connection.execute(_MARK_PREFETCHED, {"token": token})
