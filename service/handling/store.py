"""SQL of lists of records in the order in which they are to be done, which their clocks decide on too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.escalations.seeing import Seer

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
    "due_hours": "c.runs_until <= now() + make_interval(hours => :due_hours)",
}
_GIVEN = ("status", "source", "severity", "number", "words", "due_hours")
# Of each record the clock that runs out first, and the nearest that a law sets. What is sorted by is never null, so that a page
# goes on where the one before it ended by one comparison: without a clock it is at the end of time, without a severity -1.
# Whoever asks has an account and works on escalations: of what is normal nothing has to be looked up, which most records are.
_STANDING = """
    SELECT e.id, c.target, c.due_at, c.hard, c.paused, c.hard_due_at,
           {parts}
    FROM escalations e LEFT JOIN LATERAL (
        SELECT k.target, k.due_at, k.kind = 'legal' AS hard, k.paused, CASE WHEN NOT k.paused THEN k.due_at END AS runs_until,
               min(k.due_at) FILTER (WHERE k.kind = 'legal') OVER () AS hard_due_at
        FROM sla_clocks k WHERE k.escalation_id = e.id AND k.met_at IS NULL AND k.ended_at IS NULL AND e.status <> 'resolved'
        ORDER BY k.paused, k.due_at, k.kind DESC LIMIT 1
    ) c ON true
    WHERE (e.confidentiality = 'normal' OR may_see_escalation(e.id, :viewer, CAST(:overseeing AS text[]))) {asked}
"""
# The parts of a place in an order, each a number that is smaller for what comes sooner.
TO_DO = (
    "coalesce(extract(epoch FROM c.hard_due_at), 'infinity')",
    "- coalesce(e.severity, -1)",
    "coalesce(extract(epoch FROM c.runs_until), 'infinity')",
    "extract(epoch FROM e.received_at)",
)
ENDED = ("- extract(epoch FROM e.resolved_at)",)
_LISTED = """
    WITH standing AS MATERIALIZED ({standing}), page AS (
        SELECT * FROM standing {after} ORDER BY {order}, id LIMIT :limit
    )
    SELECT e.id, e.number, e.title, e.language, e.source, e.trigger, e.jurisdiction, e.policy_area, e.severity, e.confidentiality,
           e.high_profile, e.at_risk, e.grey_area, e.status, e.waiting_for, e.version, o.username AS owner, e.received_at,
           e.resolved_at, e.resolution, e.unowned_told_at IS NOT NULL AS alarm,
           page.target, page.due_at, page.hard, page.paused, page.hard_due_at, coalesce(n.news, 0) AS news,
           {place} AS place, (SELECT count(*) FROM standing) AS total
    FROM page JOIN escalations e ON e.id = page.id LEFT JOIN principals o ON o.id = e.owner
    LEFT JOIN (SELECT record, count(*) AS news FROM escalation_news_of(:viewer, CAST(:overseeing AS text[])) GROUP BY record) n
        ON n.record = e.id
    ORDER BY {order}, id
"""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list in one of the orders: after this place, as the row there says it of itself, so many."""

    order: Sequence[str]
    after: Sequence[str] | None
    limit: int


async def listed(connection: AsyncConnection, values: Mapping[str, Any], seer: Seer, page: Page) -> Sequence[Row[Any]]:
    """Records that fulfil every condition that `values` names, each with how many there are in all and its own place."""
    names = [f"p{number}" for number in range(len(page.order))]
    # By identity: a severity of 0 is asked for too.
    wanted = [name for name, value in values.items() if value is not None and value is not False]
    asked = "".join(f" AND {condition}" for name, condition in _ASKED.items() if name in wanted)
    given = {name: values[name] for name in _GIVEN if values.get(name) is not None}
    after = ""
    if page.after is not None:
        place = ", ".join(f"CAST(:{name} AS numeric)" for name in names)
        after = f"WHERE ({', '.join(names)}, id) > ({place}, CAST(:last AS uuid))"
        given |= dict(zip([*names, "last"], page.after, strict=True))
    parts = ", ".join(f"{part} AS {name}" for part, name in zip(page.order, names, strict=True))
    statement = _LISTED.format(
        standing=_STANDING.format(parts=parts, asked=asked),
        after=after,
        order=", ".join(names),
        place=f"jsonb_build_array({', '.join(f'CAST(page.{name} AS text)' for name in names)}, page.id)",
    )
    return (await connection.execute(text(statement), {**given, **seer.values, "limit": page.limit})).all()
