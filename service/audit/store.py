"""SQL of the log of events: read by number, newest first; written by `service.events` alone."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

# Only the conditions that are asked for become part of a statement, so that each has a plan of its own.
_CONDITIONS = {
    "kind": "e.kind = :kind",
    "group": "e.kind LIKE :group",
    "actor": "e.actor = (SELECT id FROM principals WHERE username = :actor) AND e.kind <> ALL(CAST(:unnamed AS text[]))",
    "case_id": "e.case_id = :case_id",
    "subject": """e.case_id IN (SELECT c.id FROM cases c JOIN subjects s ON s.id = c.subject_id
                                WHERE s.external_id = :subject)""",
    "since": "e.at >= CAST(:since AS timestamp) AT TIME ZONE 'UTC'",
    "until": "e.at < (CAST(:until AS timestamp) + interval '1 day') AT TIME ZONE 'UTC'",
    "before": "e.id < :before",
    # Cases of queues that this person may not see, and what is nobody's business but that of those who run the service.
    "overseeing": """(e.case_id IS NULL OR EXISTS (
                         SELECT FROM cases c WHERE c.id = e.case_id AND c.queue IN (SELECT name FROM seen)))""",
    # Escalations are there for whoever may see them, whatever else they may read here; what is privileged by name alone.
    "seer": """(e.escalation_id IS NULL OR may_see_escalation(e.escalation_id, :seer, CAST(:overseers AS text[])))
               AND (NOT e.data @> '{"privileged": true}' OR (SELECT v.privileged FROM principals v WHERE v.id = :seer))""",
    "hidden": "split_part(e.kind, '.', 1) <> ALL(CAST(:hidden AS text[]))",
}
_SEEN = """
    WITH seen AS MATERIALIZED (
        SELECT name FROM queues WHERE may_use_queue(name, :viewer, CAST(:overseeing AS text[]))
    )
"""
# What was decided is kept back here, too, from those who are to check it without knowing.
_KEPT_BACK = """
    CASE WHEN is_kept_back(CAST(e.data ->> 'decision' AS uuid), :viewer) THEN CAST('{}' AS jsonb) ELSE e.data END
"""
_EVENTS = """
    {seen} SELECT e.id, e.at, e.kind, e.case_id, e.escalation_id,
           CASE WHEN e.kind <> ALL(CAST(:unnamed AS text[])) THEN p.username END AS actor,
           e.actor IS NOT NULL AND e.kind = ANY(CAST(:unnamed AS text[])) AS withheld,
           {data} || jsonb_strip_nulls(jsonb_build_object('username', about.username)) AS data
    FROM (SELECT e.* FROM events e {where} ORDER BY e.id DESC LIMIT :limit) AS e
    LEFT JOIN principals p ON p.id = e.actor
    LEFT JOIN principals about ON CAST(about.id AS text) = e.data ->> 'principal'
    ORDER BY e.id DESC
"""


async def events(connection: AsyncConnection, values: Mapping[str, Any]) -> Sequence[Row[Any]]:
    """The newest `limit` events that fulfil every condition that `values` names, as `viewer` may see them.

    `unnamed` are kinds whose actor is kept back; `overseeing` and `hidden` restrict what is seen at all.
    """
    asked = [condition for name, condition in _CONDITIONS.items() if values.get(name) is not None]
    where = f"WHERE {' AND '.join(asked)}" if asked else ""
    restricted = values.get("overseeing") is not None
    parts = {"seen": _SEEN, "data": _KEPT_BACK} if restricted else {"seen": "", "data": "e.data"}
    statement = _EVENTS.format(**parts, where=where)
    return (await connection.execute(text(statement), dict(values))).all()
