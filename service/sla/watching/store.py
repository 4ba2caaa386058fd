"""SQL of the watch over clocks: what is to be brought up, warned of, and has run out."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

# Whoever opens a record, changes it, closes it or takes it up again need not know of clocks: this finds it.
_STALE = text("""
    SELECT e.id FROM escalations e LEFT JOIN sla_applied a ON a.escalation_id = e.id
    WHERE e.status <> 'resolved'
      AND (a.escalation_id IS NULL OR a.resolved OR a.version <> :version
           OR (a.source, a.trigger, a.severity, a.area, a.jurisdiction)
               IS DISTINCT FROM (e.source, e.trigger, e.severity, e.policy_area, e.jurisdiction))
    UNION ALL
    SELECT e.id FROM sla_applied a JOIN escalations e ON e.id = a.escalation_id
    WHERE NOT a.resolved AND e.status = 'resolved'
    LIMIT :limit
""")
# Both rows are locked without waiting, so that a person who works on the record is never in each other's way with this.
_WARN = text("""
    WITH near AS (
        SELECT k.id FROM sla_clocks k JOIN escalations e ON e.id = k.escalation_id
        WHERE k.met_at IS NULL AND k.ended_at IS NULL AND NOT k.paused AND k.warned_at IS NULL AND k.breached_at IS NULL
          AND k.warn_at <= :now AND e.status <> 'resolved'
        ORDER BY k.warn_at LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED
    ), marked AS (
        UPDATE sla_clocks k SET warned_at = :now FROM near WHERE k.id = near.id
        RETURNING k.id, k.escalation_id, k.target, k.kind, k.due_at
    )
    INSERT INTO events (kind, escalation_id, data)
    SELECT 'sla.warned', m.escalation_id,
           jsonb_build_object('clock', m.id, 'target', m.target, 'kind', m.kind, 'due_at', m.due_at)
    FROM marked m RETURNING id
""")
_BREACH = text("""
    WITH late AS (
        SELECT k.id FROM sla_clocks k JOIN escalations e ON e.id = k.escalation_id
        WHERE k.met_at IS NULL AND k.ended_at IS NULL AND NOT k.paused AND k.breached_at IS NULL
          AND k.due_at < :now AND e.status <> 'resolved'
        ORDER BY k.due_at LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
    ), marked AS (
        UPDATE sla_clocks k SET breached_at = :now, fronted = k.on_breach = 'front_queue' FROM late WHERE k.id = late.id
        RETURNING k.id, k.escalation_id, k.target, k.kind, k.due_at, k.on_breach, k.hand_to
    ), told AS (
        INSERT INTO events (kind, escalation_id, data)
        SELECT 'sla.breached', m.escalation_id,
               jsonb_build_object('clock', m.id, 'target', m.target, 'kind', m.kind, 'due_at', m.due_at)
        FROM marked m
    )
    SELECT * FROM marked
""")
_NOTIFY = text("""
    INSERT INTO sla_notices (clock_id, principal_id)
    SELECT :clock, p.id FROM principals p, escalations e
    WHERE e.id = :escalation AND p.active AND p.role = ANY (:working)
      AND (p.id = e.owner OR p.role = ANY (:leading)
           OR EXISTS (SELECT FROM escalation_watchers w WHERE w.escalation_id = e.id AND w.principal_id = p.id)
           OR EXISTS (SELECT FROM path_members m WHERE m.path = e.path AND m.principal_id = p.id))
      AND may_see_escalation(e.id, p.id, CAST(:overseeing AS text[]))
    ON CONFLICT DO NOTHING RETURNING principal_id
""")
_RAISE = text("""
    UPDATE escalations e SET severity = least(4, coalesce(e.severity, 1) + 1) FROM escalations before
    WHERE e.id = :escalation AND before.id = e.id AND coalesce(e.severity, 1) < 4
    RETURNING before.severity AS old, e.severity AS new
""")
# To whoever has the fewest open records, where a role is named.
_HAND_OVER = text("""
    WITH chosen AS (
        SELECT p.id FROM principals p, escalations e
        WHERE e.id = :escalation AND p.active AND p.role = ANY (:working) AND (p.username = :to OR p.role = :to)
          AND p.id IS DISTINCT FROM e.owner
          AND (e.path IS NULL OR EXISTS (SELECT FROM path_members m WHERE m.path = e.path AND m.principal_id = p.id))
        ORDER BY (SELECT count(*) FROM escalations o WHERE o.owner = p.id AND o.status <> 'resolved'), p.username LIMIT 1
    ), watching AS (
        INSERT INTO escalation_watchers (escalation_id, principal_id)
        SELECT e.id, e.owner FROM escalations e, chosen WHERE e.id = :escalation AND e.owner IS NOT NULL
        ON CONFLICT DO NOTHING
    )
    UPDATE escalations SET owner = chosen.id FROM chosen WHERE escalations.id = :escalation RETURNING owner
""")
_HAS_CASES = text("""
    SELECT EXISTS (SELECT FROM escalation_links l JOIN cases c ON c.id = l.case_id
                   WHERE l.escalation_id = :escalation AND l.ended_at IS NULL AND c.status <> 'decided')
""")
# Clocks that drive the queue guard, for cases that do not have them yet, and the case clock that each takes the place of: that of the
# clock it replaces or, where that one was replaced before any case had it, of an earlier one. An answer is no matter of a case.
_UNMIRRORED = text("""
    SELECT k.id, k.escalation_id, k.kind, k.basis, k.due_at, l.case_id, e.opened_by, e.confidentiality <> 'normal' AS hidden,
           before.clock_id AS replaces
    FROM sla_clocks k JOIN escalations e ON e.id = k.escalation_id
    JOIN escalation_links l ON l.escalation_id = k.escalation_id AND l.case_id IS NOT NULL AND l.ended_at IS NULL
    JOIN cases c ON c.id = l.case_id AND c.status <> 'decided'
    LEFT JOIN LATERAL (
        WITH RECURSIVE earlier AS (
            SELECT k.replaces AS id UNION ALL
            SELECT p.replaces FROM sla_clocks p JOIN earlier ON p.id = earlier.id WHERE p.replaces IS NOT NULL
        )
        SELECT m.clock_id FROM earlier JOIN sla_case_clocks m ON m.sla_clock_id = earlier.id AND m.case_id = l.case_id
        WHERE NOT EXISTS (SELECT FROM clocks later WHERE later.replaces = m.clock_id)
          AND NOT EXISTS (SELECT FROM clock_ends o WHERE o.clock_id = m.clock_id) LIMIT 1
    ) before ON true
    WHERE k.met_at IS NULL AND k.ended_at IS NULL AND (k.kind = 'legal' AND k.target = 'decision' OR k.fronted)
      AND e.status <> 'resolved'
      AND NOT EXISTS (SELECT FROM sla_case_clocks m WHERE m.case_id = l.case_id AND m.sla_clock_id = k.id)
    ORDER BY k.due_at LIMIT :limit
""")
# Clocks of cases whose record's clock is over, and the last that took its place as well. That of a duplicate stays: what it asks
# for goes on with another record.
_OVER = text("""
    WITH RECURSIVE chain AS (
        SELECT m.case_id, m.sla_clock_id, m.clock_id, m.sla_clock_id AS last FROM sla_case_clocks m
        JOIN sla_clocks k ON k.id = m.sla_clock_id AND (k.met_at IS NOT NULL OR k.ended_at IS NOT NULL)
        WHERE NOT m.settled
        UNION ALL
        SELECT chain.case_id, chain.sla_clock_id, chain.clock_id, k.id FROM chain JOIN sla_clocks k ON k.replaces = chain.last
    )
    SELECT chain.case_id, chain.sla_clock_id, chain.clock_id,
           CASE WHEN k.met_at IS NULL THEN 'dropped' ELSE 'met' END AS because
    FROM chain JOIN sla_clocks k ON k.id = chain.last JOIN escalations e ON e.id = k.escalation_id
    WHERE (k.met_at IS NOT NULL OR k.ended_at IS NOT NULL)
      AND NOT EXISTS (SELECT FROM sla_clocks later WHERE later.replaces = k.id)
      AND e.resolution IS DISTINCT FROM 'duplicate'
    LIMIT :limit
""")
_SETTLE = text("""
    UPDATE sla_case_clocks SET settled = true WHERE case_id = :case_id AND sla_clock_id = :clock AND NOT settled RETURNING case_id
""")
_MIRROR = text("""
    INSERT INTO sla_case_clocks (case_id, sla_clock_id, clock_id) VALUES (:case_id, :clock, :case_clock)
    ON CONFLICT DO NOTHING RETURNING case_id
""")
_MIRRORED = text("UPDATE sla_case_clocks SET clock_id = :case_clock WHERE case_id = :case_id AND sla_clock_id = :clock")


async def stale(connection: AsyncConnection, *, version: int, limit: int) -> list[UUID]:
    """Records whose clocks are not of this version of the matrix, or not of what the record says by now."""
    return list((await connection.execute(_STALE, {"version": version, "limit": limit})).scalars())


async def warn(connection: AsyncConnection, now: datetime, *, limit: int) -> int:
    """Warn of clocks that run out soon, each once; returns of how many."""
    return len((await connection.execute(_WARN, {"now": now, "limit": limit})).all())


async def breach(connection: AsyncConnection, now: datetime) -> Row[Any] | None:
    """Mark one clock that has run out, and say so; None where there is no other."""
    return (await connection.execute(_BREACH, {"now": now})).one_or_none()


async def notify(connection: AsyncConnection, values: Mapping[str, Any]) -> int:
    """Tell owner, watchers and those who lead, as far as they may see the record; returns how many."""
    return len((await connection.execute(_NOTIFY, dict(values))).all())


async def raise_severity(connection: AsyncConnection, escalation: UUID) -> Row[Any] | None:
    """Raise the severity of a record by one; None where it is the highest."""
    return (await connection.execute(_RAISE, {"escalation": escalation})).one_or_none()


async def hand_over(connection: AsyncConnection, escalation: UUID, *, to: str, working: Sequence[str]) -> UUID | None:
    """Give a record to somebody else; whoever had it watches it from now on. None where nobody is there."""
    values = {"escalation": escalation, "to": to, "working": list(working)}
    return (await connection.execute(_HAND_OVER, values)).scalar_one_or_none()


async def has_cases(connection: AsyncConnection, escalation: UUID) -> bool:
    """Whether an undecided case hangs on a record."""
    return bool((await connection.execute(_HAS_CASES, {"escalation": escalation})).scalar_one())


async def unmirrored(connection: AsyncConnection, *, limit: int) -> Sequence[Row[Any]]:
    """Clocks of records that cases of theirs do not have yet, the nearest first."""
    return (await connection.execute(_UNMIRRORED, {"limit": limit})).all()


async def over(connection: AsyncConnection, *, limit: int) -> Sequence[Row[Any]]:
    """Clocks of cases that stand for one of a record which is over."""
    return (await connection.execute(_OVER, {"limit": limit})).all()


async def settle(connection: AsyncConnection, case_id: UUID, clock: UUID) -> bool:
    """Be the one who ends the clock of a case with that of its record; False where another was."""
    return (await connection.execute(_SETTLE, {"case_id": case_id, "clock": clock})).one_or_none() is not None


async def claim_mirror(connection: AsyncConnection, case_id: UUID, clock: UUID) -> bool:
    """Be the one who gives a case the clock of a record; False where another was."""
    values = {"case_id": case_id, "clock": clock, "case_clock": None}
    return (await connection.execute(_MIRROR, values)).one_or_none() is not None


async def mirrored(connection: AsyncConnection, case_id: UUID, clock: UUID, *, case_clock: UUID) -> None:
    """Keep which clock of a case stands for that of a record."""
    await connection.execute(_MIRRORED, {"case_id": case_id, "clock": clock, "case_clock": case_clock})
