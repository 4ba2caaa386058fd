"""SQL of lists of records, and of those that nobody has."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.escalations.seeing import Seer

_UNOWNED = text("""
    SELECT e.id, e.severity, e.unowned_since, e.unowned_since <= now() - make_interval(mins => :minutes) AS long
    FROM escalations e
    WHERE e.unowned_since <= now() - make_interval(mins => :urgent) AND e.unowned_told_at IS NULL
    ORDER BY e.unowned_since LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED
""")
_TELL = text("UPDATE escalations SET unowned_told_at = now() WHERE id = ANY(CAST(:ids AS uuid[]))")
# Whose owner has left, does other work now, or may not see it any more: nobody has it any more.
_ORPHANED = text("""
    SELECT e.id, e.status FROM escalations e JOIN principals p ON p.id = e.owner
    WHERE e.status <> 'resolved'
      AND NOT (p.active AND p.role = ANY(CAST(:working AS text[]))
               AND may_see_escalation(e.id, p.id, CAST(:overseeing AS text[])))
    ORDER BY e.opened_at LIMIT :limit FOR NO KEY UPDATE OF e SKIP LOCKED
""")
_COUNT_UNOWNED = text("SELECT count(*) FROM escalations WHERE unowned_told_at IS NOT NULL")
_COUNT_SEEN = text("""
    SELECT count(*) FROM escalations e
    WHERE e.unowned_told_at IS NOT NULL AND may_see_escalation(e.id, :viewer, CAST(:overseeing AS text[]))
""")
_FREE = text("""
    SELECT id FROM escalations WHERE id = :id AND owner IS NULL AND status <> 'resolved' FOR NO KEY UPDATE SKIP LOCKED
""")
# Each becomes part of a statement only where it is asked for.
_ASKED = {
    "mine": "e.owner = :viewer",
    "unowned": "e.unowned_since IS NOT NULL",
    "watching": "EXISTS (SELECT FROM escalation_watchers w WHERE w.escalation_id = e.id AND w.principal_id = :viewer)",
    "open": "e.status <> 'resolved'",
    "status": "e.status = :status",
    "source": "e.source = :source",
    "severity": "e.severity >= :severity",
    "high_profile": "e.high_profile",
    "grey_area": "e.grey_area",
    "number": "e.number = :number",
    "words": "to_tsvector('simple', e.title || ' ' || e.summary) @@ websearch_to_tsquery('simple', :words)",
}
_LISTED = """
    SELECT e.id, e.number, e.title, e.language, e.source, e.trigger, e.jurisdiction, e.policy_area, e.severity, e.confidentiality,
           e.high_profile, e.at_risk, e.grey_area, e.status, e.waiting_for, e.version, p.username AS owner, e.received_at,
           e.resolved_at, e.resolution, e.unowned_since, e.unowned_told_at IS NOT NULL AS alarm
    FROM escalations e LEFT JOIN principals p ON p.id = e.owner
    WHERE may_see_escalation(e.id, :viewer, CAST(:overseeing AS text[])) {asked}
    ORDER BY {order} LIMIT :limit
"""


async def untold(connection: AsyncConnection, *, minutes: int, urgent: int, limit: int) -> Sequence[Row[Any]]:
    """Records that nobody has had for `urgent` minutes, none of them told yet; `long`: for `minutes`. Locked."""
    values = {"minutes": minutes, "urgent": min(urgent, minutes), "limit": limit}
    return (await connection.execute(_UNOWNED, values)).all()


async def tell(connection: AsyncConnection, ids: Sequence[UUID]) -> None:
    """Remember that the alarm of these was raised."""
    await connection.execute(_TELL, {"ids": list(ids)})


async def orphaned(
    connection: AsyncConnection, *, working: Sequence[str], overseeing: Sequence[str], limit: int
) -> Sequence[Row[Any]]:
    """(id, status) of open records whose owner works on escalations no longer, or may not see them. Locked."""
    values = {"working": list(working), "overseeing": list(overseeing), "limit": limit}
    return (await connection.execute(_ORPHANED, values)).all()


async def count_unowned(connection: AsyncConnection, seer: Seer | None = None) -> int:
    """How many stand in alarm because nobody has them; as far as somebody may see them, where one is named."""
    if seer is None:
        return int((await connection.execute(_COUNT_UNOWNED)).scalar_one())
    return int((await connection.execute(_COUNT_SEEN, seer.values)).scalar_one())


async def free(connection: AsyncConnection, escalation: UUID) -> bool:
    """Lock a record that nobody has; False where somebody was faster or is at it."""
    return (await connection.execute(_FREE, {"id": escalation})).scalar_one_or_none() is not None


async def listed(connection: AsyncConnection, values: dict[str, Any], seer: Seer, *, limit: int) -> Sequence[Row[Any]]:
    """Records that fulfil every condition that `values` names: the gravest first, resolved ones newest first."""
    asked = "".join(f" AND {condition}" for name, condition in _ASKED.items() if values.get(name) not in (None, False))
    resolved = values.get("status") == "resolved"
    order = "e.resolved_at DESC, e.id" if resolved else "e.severity DESC NULLS LAST, e.received_at, e.id"
    given = {name: one for name, one in values.items() if name in ("status", "source", "severity", "number", "words")}
    statement = text(_LISTED.format(asked=asked, order=order))
    return (await connection.execute(statement, {**given, **seer.values, "limit": limit})).all()
