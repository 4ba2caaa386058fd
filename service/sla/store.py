"""SQL of clocks of escalations."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_LOCK = text("""
    SELECT id, number, source, trigger, severity, policy_area AS area, jurisdiction, status = 'resolved' AS resolved,
           received_at, resolved_at, confidentiality, opened_by
    FROM escalations WHERE id = :id FOR NO KEY UPDATE
""")
_FACTS = text("""
    SELECT e.id, e.number, e.source, e.trigger, e.severity, e.policy_area AS area, e.jurisdiction, e.received_at, a.answered_at
    FROM escalations e JOIN sla_applied a ON a.escalation_id = e.id
    WHERE NOT a.resolved AND e.status <> 'resolved' AND may_see_escalation(e.id, :viewer, CAST(:overseeing AS text[]))
    ORDER BY e.number DESC LIMIT :limit
""")
_APPLIED = text("SELECT version, resolved, answered_at FROM sla_applied WHERE escalation_id = :id")
_ANSWERED = text("UPDATE sla_applied SET answered_at = greatest(answered_at, :now) WHERE escalation_id = :id")
_APPLY = text("""
    INSERT INTO sla_applied (escalation_id, version, source, trigger, severity, area, jurisdiction, resolved)
    VALUES (:id, :version, :source, :trigger, :severity, :area, :jurisdiction, :resolved)
    ON CONFLICT (escalation_id) DO UPDATE SET (version, source, trigger, severity, area, jurisdiction, resolved) =
        (excluded.version, excluded.source, excluded.trigger, excluded.severity, excluded.area, excluded.jurisdiction,
         excluded.resolved)
""")
_CLOCKS = text("""
    SELECT k.*, later.id AS replaced_by, m.body
    FROM sla_clocks k LEFT JOIN sla_clocks later ON later.replaces = k.id LEFT JOIN sla_matrices m ON m.version = k.version
    WHERE k.escalation_id = ANY (:ids) ORDER BY k.due_at, k.id
""")
_PAUSES = text("""
    SELECT s.escalation_id, s.reason, s.paused_at, p.username AS paused_by, s.resumed_at
    FROM sla_pauses s LEFT JOIN principals p ON p.id = s.paused_by
    WHERE s.escalation_id = ANY (:ids) ORDER BY s.paused_at, s.id
""")
_ADD = text("""
    INSERT INTO sla_clocks (id, escalation_id, target, kind, basis, row_name, version, warn_seconds, on_breach, hand_to,
                            started_at, due_at, warn_at, paused, replaces, reason, set_by, warned_at, breached_at, fronted)
    VALUES (:id, :escalation_id, :target, :kind, :basis, :row_name, :version, :warn_seconds, :on_breach, :hand_to,
            :started_at, :due_at, CAST(:due_at AS timestamptz) - make_interval(secs => :warn_seconds), :paused, :replaces,
            :reason, :set_by, :warned_at, :breached_at, :fronted)
""")
_END = text("UPDATE sla_clocks SET ended_at = :now WHERE id = ANY (:ids) AND met_at IS NULL AND ended_at IS NULL")
_MEET = text("""
    UPDATE sla_clocks SET met_at = :now, paused = false
    WHERE id = ANY (:ids) AND met_at IS NULL AND ended_at IS NULL
""")
_PLACE = text("""
    UPDATE sla_clocks SET due_at = :due_at, warn_at = CAST(:due_at AS timestamptz) - make_interval(secs => warn_seconds),
           paused = :paused
    WHERE id = :id AND kind = 'internal'
""")
_PAUSE = text("""
    INSERT INTO sla_pauses (id, escalation_id, reason, paused_at, paused_by)
    VALUES (:id, :escalation_id, :reason, :now, :actor) ON CONFLICT DO NOTHING RETURNING id
""")
_RESUME = text("""
    UPDATE sla_pauses SET resumed_at = greatest(:now, paused_at), resumed_by = :actor
    WHERE escalation_id = :escalation_id AND resumed_at IS NULL
      AND (CAST(:reason AS text) IS NULL OR reason = :reason)
    RETURNING id
""")
_NEAREST = text("""
    SELECT DISTINCT ON (k.escalation_id) k.escalation_id, k.target, k.due_at, k.kind = 'legal' AS hard, k.paused,
           min(k.due_at) FILTER (WHERE k.kind = 'legal') OVER (PARTITION BY k.escalation_id) AS hard_due_at
    FROM sla_clocks k WHERE k.escalation_id = ANY (:ids) AND k.met_at IS NULL AND k.ended_at IS NULL
    ORDER BY k.escalation_id, k.paused, k.due_at, k.kind DESC
""")


async def lock(connection: AsyncConnection, escalation: UUID) -> Row[Any] | None:
    """Lock a record against other changes of its clocks; returns what the matrix goes by."""
    return (await connection.execute(_LOCK, {"id": escalation})).one_or_none()


async def open_facts(
    connection: AsyncConnection, *, viewer: UUID, overseeing: Sequence[str], limit: int
) -> Sequence[Row[Any]]:
    """What the matrix goes by, of records that are open, have clocks and may be seen by this person, the newest first."""
    values = {"viewer": viewer, "overseeing": list(overseeing), "limit": limit}
    return (await connection.execute(_FACTS, values)).all()


async def applied(connection: AsyncConnection, escalation: UUID) -> Row[Any] | None:
    """By which version the clocks of a record were set last, whether it was resolved then, and its last answer."""
    return (await connection.execute(_APPLIED, {"id": escalation})).one_or_none()


async def answered(connection: AsyncConnection, escalation: UUID, now: datetime) -> None:
    """Keep that whoever raised a record has heard of it, whether a clock asked for that or not."""
    await connection.execute(_ANSWERED, {"id": escalation, "now": now})


async def apply(connection: AsyncConnection, facts: Row[Any], *, version: int) -> None:
    """Keep by which version and which facts the clocks of a record are set."""
    names = ("id", "source", "trigger", "severity", "area", "jurisdiction", "resolved")
    values = {name: getattr(facts, name) for name in names} | {"version": version}
    await connection.execute(_APPLY, values)


async def clocks(connection: AsyncConnection, escalations: Sequence[UUID]) -> Sequence[Row[Any]]:
    """Every clock of these records with the matrix that it is of, the nearest first."""
    return (await connection.execute(_CLOCKS, {"ids": list(escalations)})).all()


async def pauses(connection: AsyncConnection, escalations: Sequence[UUID]) -> Sequence[Row[Any]]:
    """Every pause of these records, in order."""
    return (await connection.execute(_PAUSES, {"ids": list(escalations)})).all()


async def add(connection: AsyncConnection, values: Mapping[str, Any]) -> None:
    """Add a clock."""
    await connection.execute(_ADD, dict(values))


async def end(connection: AsyncConnection, ids: Sequence[UUID], now: datetime) -> None:
    """Let clocks end with nothing done."""
    await connection.execute(_END, {"ids": list(ids), "now": now})


async def meet(connection: AsyncConnection, ids: Sequence[UUID], now: datetime) -> None:
    """Keep that what clocks ask for was done."""
    await connection.execute(_MEET, {"ids": list(ids), "now": now})


async def place(connection: AsyncConnection, clock: UUID, due_at: datetime, *, paused: bool) -> None:
    """Let an internal clock be due at another time, because of a pause."""
    await connection.execute(_PLACE, {"id": clock, "due_at": due_at, "paused": paused})


async def pause(connection: AsyncConnection, values: Mapping[str, Any]) -> bool:
    """Add a pause; False where one for that reason lasts already."""
    return (await connection.execute(_PAUSE, dict(values))).scalar_one_or_none() is not None


async def resume(connection: AsyncConnection, values: Mapping[str, Any]) -> bool:
    """End the pauses that last, or that for one reason; False where there is none."""
    return bool((await connection.execute(_RESUME, dict(values))).all())


async def nearest(connection: AsyncConnection, escalations: Sequence[UUID]) -> Sequence[Row[Any]]:
    """Of each record the clock that runs out first; a paused one only where no other runs."""
    return (await connection.execute(_NEAREST, {"ids": list(escalations)})).all()
