"""SQL of a shift: clocks on what somebody holds, and what became of their decisions."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_NOW = text("SELECT now()")
# A second opinion is asked of nobody in particular: its case waits in the queue and not for this person.
_DUE = text("""
    SELECT c.id AS case_id, c.queue, c.status = 'held' AS kept_back, k.kind, k.basis, k.due_at
    FROM cases c JOIN clocks k ON k.case_id = c.id
    WHERE ((c.status = 'leased' AND c.lease_holder = :person AND c.lease_expires_at > now())
           OR (c.status = 'held' AND c.held_for = :person AND c.held_as <> 'second_opinion'))
      AND k.due_at <= now() + make_interval(hours => :hours)
      AND NOT EXISTS (SELECT FROM clock_ends o WHERE o.clock_id = k.id)
      AND NOT EXISTS (SELECT FROM clocks later WHERE later.replaces = k.id)
    ORDER BY k.due_at, k.id LIMIT :limit
""")
# What a check came to is told with the feedback on it and no earlier.
_MADE = text("""
    SELECT d.id AS decision_id, d.cluster_id, d.actions, d.policy_area, d.severity, d.decided_at, d.undo_until,
           CASE WHEN may_see_case(d.case_id, :person, CAST(:overseeing AS text[])) THEN d.case_id END AS case_id,
           CASE WHEN d.cluster_id IS NULL THEN 1
                ELSE (SELECT count(*) FROM decisions o WHERE o.cluster_id = d.cluster_id) END AS cases,
           CASE WHEN EXISTS (SELECT FROM decision_undos u WHERE u.decision_id = d.id) THEN 'undone'
                WHEN told.id IS NOT NULL THEN 'overturned'
                WHEN EXISTS (SELECT FROM label_suspects s WHERE s.decision_id = d.id AND s.outcome = 'label_wrong')
                     THEN 'corrected'
                WHEN EXISTS (SELECT FROM counted_check(d.id) k WHERE k.error IS NULL) THEN 'holds' END AS outcome
    FROM decisions d LEFT JOIN LATERAL (
        SELECT f.id FROM qa_items i JOIN qa_settlements k ON k.item_id = i.id JOIN qa_feedback f ON f.settlement_id = k.id
        WHERE i.decision_id = d.id AND f.person = :person AND f.told_at <= now()
          AND NOT EXISTS (SELECT FROM qa_settlements later WHERE later.replaces = k.id)
        LIMIT 1
    ) AS told ON true
    WHERE d.decided_by = :person AND d.basis <> 'cluster' ORDER BY d.decided_at DESC, d.id DESC LIMIT :limit
""")
_COUNT = text("""
    SELECT count(*) FROM decisions d WHERE d.decided_by = :person AND d.decided_at > now() - interval '24 hours'
      AND NOT EXISTS (SELECT FROM decision_undos u WHERE u.decision_id = d.id)
""")


async def now(connection: AsyncConnection) -> datetime:
    """The time by which clocks and undo windows run."""
    found: datetime = (await connection.execute(_NOW)).scalar_one()
    return found


async def due(connection: AsyncConnection, person: UUID, *, hours: int, limit: int) -> Sequence[Row[Any]]:
    """Running clocks of the next `hours` on what this person holds or was given, the nearest first."""
    return (await connection.execute(_DUE, {"person": person, "hours": hours, "limit": limit})).all()


async def made(
    connection: AsyncConnection, person: UUID, *, overseeing: Sequence[str], limit: int
) -> Sequence[Row[Any]]:
    """This person's newest decisions with what is known of them; of a cluster only the one that was looked at."""
    values = {"person": person, "overseeing": list(overseeing), "limit": limit}
    return (await connection.execute(_MADE, values)).all()


async def count(connection: AsyncConnection, person: UUID) -> int:
    """Cases that this person decided in the last 24 hours and did not take back."""
    return int((await connection.execute(_COUNT, {"person": person})).scalar_one())
