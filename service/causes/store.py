"""SQL of root causes, of improvements, and of the named queries."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

# What is confidential or restricted is not there for everybody who may read a figure.
_ALIKE = """
    SELECT count(*) AS n, count(*)::double precision AS part FROM escalations e
    WHERE e.trigger = :trigger AND e.policy_area IS NOT DISTINCT FROM CAST(:area AS text)
      AND e.confidentiality = 'normal' AND e.id <> :escalation
      AND e.received_at >= :since AND e.received_at < :until
"""
_FOR_EVERYBODY = "NOT EXISTS (SELECT FROM queues q WHERE q.name = c.queue AND q.restricted)"
NAMED = {
    "escalations_alike": text(_ALIKE),
    "escalations_alike_per_week": text(_ALIKE),
    "escalations_of_cause_per_week": text("""
        SELECT count(*) AS n, count(*)::double precision AS part FROM escalations e
        JOIN root_cause_records r ON r.escalation_id = e.id AND r.ended_at IS NULL
        JOIN root_causes c ON c.id = r.cause_id
        WHERE c.code = :code AND c.subcode = :subcode AND e.confidentiality = 'normal' AND e.id <> :escalation
          AND e.received_at >= :since AND e.received_at < :until
    """),
    "reports_in_area_per_week": text("""
        SELECT count(*) AS n, count(*)::double precision AS part FROM reports
        WHERE reason = :area AND received_at >= :since AND received_at < :until
    """),
    "reports_on_cases": text(f"""
        SELECT count(*) AS n, count(*)::double precision AS part FROM reports r
        JOIN cases c ON c.id = r.case_id JOIN escalation_links l ON l.case_id = c.id AND l.ended_at IS NULL
        WHERE l.escalation_id = :escalation AND r.received_at <= :at AND {_FOR_EVERYBODY}
    """),  # noqa: S608 - put together from constants
    "cases_decided": text(f"""
        SELECT count(*) AS n, count(*) FILTER (WHERE c.status = 'decided')::double precision AS part FROM cases c
        JOIN escalation_links l ON l.case_id = c.id AND l.ended_at IS NULL
        WHERE l.escalation_id = :escalation AND {_FOR_EVERYBODY}
    """),  # noqa: S608 - put together from constants
    "first_answer_minutes": text("""
        SELECT count(d.at) AS n, extract(epoch FROM min(d.at) - e.received_at)::double precision / 60 AS part
        FROM escalations e
        LEFT JOIN LATERAL (SELECT min(delivered_at) AS at FROM reply_deliveries
                           WHERE escalation_id = e.id AND state = 'delivered' AND NOT automatic) d ON true
        WHERE e.id = :escalation GROUP BY e.received_at
    """),
    "decisions_taken_back": text("""
        SELECT count(*) AS n, count(u.decision_id)::double precision AS part FROM decisions d
        LEFT JOIN decision_undos u ON u.decision_id = d.id
        WHERE d.policy_area = :area AND d.decided_at >= :since AND d.decided_at < :until
    """),
}

_VISIBLE = "may_see_escalation({}, :viewer, CAST(:overseeing AS text[]))"
_LOCK = text("SELECT id FROM escalations WHERE id = ANY(:records) ORDER BY id FOR NO KEY UPDATE")
_NUMBERED = text(f"SELECT id, number FROM escalations e WHERE number = ANY(:numbers) AND {_VISIBLE.format('e.id')}")  # noqa: S608 - put together from constants
_CAUSED = text(
    "SELECT escalation_id, cause_id FROM root_cause_records WHERE escalation_id = ANY(:records) AND ended_at IS NULL"
)
_END = text("UPDATE root_cause_records SET ended_at = now() WHERE escalation_id = ANY(:records) AND ended_at IS NULL")
_ADD_CAUSE = text("""
    INSERT INTO root_causes (id, code, subcode, whys, factors, found_by)
    VALUES (:id, :code, :subcode, CAST(:whys AS jsonb), :factors, :found_by)
""")
_ATTACH = text("INSERT INTO root_cause_records (cause_id, escalation_id) SELECT :id, unnest(CAST(:records AS uuid[]))")
_CAUSE = text(f"""
    SELECT c.id, c.code, c.subcode, c.whys, c.factors, c.found_at, p.username AS found_by,
           ARRAY(SELECT e.number FROM root_cause_records o JOIN escalations e ON e.id = o.escalation_id
                 WHERE o.cause_id = c.id AND o.ended_at IS NULL AND {_VISIBLE.format("e.id")} ORDER BY e.number) AS numbers
    FROM root_cause_records r JOIN root_causes c ON c.id = r.cause_id JOIN principals p ON p.id = c.found_by
    WHERE r.escalation_id = :escalation AND r.ended_at IS NULL
""")  # noqa: S608 - put together from constants

_PERSON = text("SELECT id FROM principals WHERE username = :username AND active")
_ADD = text("""
    INSERT INTO improvements (id, escalation_id, direction, title, team, owner, due_on, measure, added_by)
    VALUES (:id, :escalation_id, :direction, :title, :team, :owner, :due_on, :measure, :added_by)
""")
_CHANGE = text("""
    UPDATE improvements SET state = :state, done_on = :done_on, due_on = :due_on, team = :team, owner = :owner,
           note = :note, revision = revision + 1
    WHERE id = :id AND revision = :revision
""")
_FIELDS = """
    i.id, i.number, i.escalation_id, e.number AS record, i.direction, i.title, i.team, p.username AS owner, i.due_on,
    i.state, i.measure, i.done_on, i.note, i.revision, i.added_at, c.code, c.subcode,
    (i.state IN ('proposed', 'agreed', 'doing') AND i.due_on < :today) AS overdue,
    coalesce((SELECT json_agg(json_build_object('days', k.days, 'alike_before', k.alike_before,
                 'alike_after', k.alike_after, 'same_cause_after', k.same_cause_after, 'checked_at', k.checked_at)
                 ORDER BY k.days)
              FROM recurrence_checks k WHERE k.improvement_id = i.id AND k.done_on = i.done_on), '[]') AS checks
"""
_FROM = """
    FROM improvements i JOIN escalations e ON e.id = i.escalation_id LEFT JOIN principals p ON p.id = i.owner
    LEFT JOIN root_cause_records r ON r.escalation_id = e.id AND r.ended_at IS NULL
    LEFT JOIN root_causes c ON c.id = r.cause_id
"""
_ONE = text(f"SELECT {_FIELDS}, i.owner AS owner_id {_FROM} WHERE i.id = :id AND {_VISIBLE.format('e.id')}")
_REGISTER = text(f"""
    SELECT {_FIELDS}, count(*) OVER () AS found {_FROM}
    WHERE {_VISIBLE.format("e.id")}
      AND (CAST(:escalation AS uuid) IS NULL OR e.id = :escalation)
      AND (CAST(:state AS text) IS NULL OR i.state = :state OR (:state = 'open' AND i.state IN ('proposed', 'agreed', 'doing')))
      AND (CAST(:direction AS text) IS NULL OR i.direction = :direction)
      AND (CAST(:code AS text) IS NULL OR c.code = :code)
      AND (CAST(:owner AS text) IS NULL OR p.username = :owner)
      AND (CAST(:team AS text) IS NULL OR i.team = :team)
      AND (NOT :overdue OR (i.state IN ('proposed', 'agreed', 'doing') AND i.due_on < :today))
    ORDER BY i.state IN ('done', 'dropped'), i.due_on, i.number
    LIMIT :most
""")
_TEAMS = text(f"""
    SELECT DISTINCT i.team FROM improvements i WHERE i.team <> '' AND {_VISIBLE.format("i.escalation_id")} ORDER BY 1 LIMIT 200
""")  # noqa: S608 - put together from constants
_PARETO_BY = {
    "cause": "coalesce(c.code || '/' || c.subcode, '')",
    "area": "coalesce(e.policy_area, '')",
    "source": "e.source",
}
_PARETO = {
    by: text(f"""
        SELECT {column} AS name, count(*) AS records FROM escalations e
        LEFT JOIN root_cause_records r ON r.escalation_id = e.id AND r.ended_at IS NULL
        LEFT JOIN root_causes c ON c.id = r.cause_id
        WHERE {_VISIBLE.format("e.id")} AND e.received_at >= :since AND e.received_at < :until
        GROUP BY 1 ORDER BY 2 DESC, 1
    """)  # noqa: S608 - put together from constants
    for by, column in _PARETO_BY.items()
}
# One statement, so that two workers make one check: what is due and was not looked at, with what it found.
_CHECK = text("""
    WITH due AS (
        SELECT i.id, i.number, i.done_on, d.days, e.id AS record, e.trigger, e.policy_area, c.code, c.subcode,
               CAST(i.done_on AS timestamp) AT TIME ZONE 'UTC' AS at, make_interval(days => d.days) AS span
        FROM improvements i JOIN escalations e ON e.id = i.escalation_id
        CROSS JOIN (VALUES (30), (90)) AS d (days)
        LEFT JOIN root_cause_records r ON r.escalation_id = e.id AND r.ended_at IS NULL
        LEFT JOIN root_causes c ON c.id = r.cause_id
        WHERE i.state = 'done' AND i.done_on + d.days <= CAST(:today AS date)
          AND NOT EXISTS (SELECT FROM recurrence_checks k
                          WHERE k.improvement_id = i.id AND k.done_on = i.done_on AND k.days = d.days)
        ORDER BY i.done_on, i.id LIMIT 100
    ), made AS (
        INSERT INTO recurrence_checks (improvement_id, done_on, days, alike_before, alike_after, same_cause_after)
        SELECT due.id, due.done_on, due.days,
               (SELECT count(*) FROM escalations o WHERE o.trigger = due.trigger AND o.confidentiality = 'normal'
                AND o.policy_area IS NOT DISTINCT FROM due.policy_area AND o.id <> due.record
                AND o.received_at >= due.at - due.span AND o.received_at < due.at),
               (SELECT count(*) FROM escalations o WHERE o.trigger = due.trigger AND o.confidentiality = 'normal'
                AND o.policy_area IS NOT DISTINCT FROM due.policy_area AND o.id <> due.record
                AND o.received_at >= due.at AND o.received_at < due.at + due.span),
               (SELECT count(*) FROM escalations o JOIN root_cause_records q ON q.escalation_id = o.id AND q.ended_at IS NULL
                JOIN root_causes w ON w.id = q.cause_id
                WHERE w.code = due.code AND w.subcode = due.subcode AND o.confidentiality = 'normal' AND o.id <> due.record
                AND o.received_at >= due.at AND o.received_at < due.at + due.span)
        FROM due ON CONFLICT DO NOTHING
        RETURNING improvement_id, days, alike_before, alike_after, same_cause_after
    )
    SELECT due.record, due.number, made.* FROM made JOIN due ON due.id = made.improvement_id AND due.days = made.days
    ORDER BY due.number, made.days
""")


async def named(connection: AsyncConnection, name: str, values: Mapping[str, Any]) -> Row[Any]:
    """The row of a named query: `part` and `n`. Its parameters are those of `values` that it names."""
    return (await connection.execute(NAMED[name], values)).one()


async def lock(connection: AsyncConnection, records: Sequence[UUID]) -> None:
    """Keep others from filing a cause for these records until the transaction ends."""
    await connection.execute(_LOCK, {"records": list(records)})


async def numbered(
    connection: AsyncConnection, numbers: Sequence[int], *, viewer: UUID, overseeing: Sequence[str]
) -> dict[int, UUID]:
    """Those of the records with these numbers that this person may see."""
    values = {"numbers": list(numbers), "viewer": viewer, "overseeing": list(overseeing)}
    return {row.number: row.id for row in await connection.execute(_NUMBERED, values)}


async def causes_of(connection: AsyncConnection, records: Sequence[UUID]) -> dict[UUID, UUID]:
    """The cause that each of these records has; those without one are left out."""
    return {row.escalation_id: row.cause_id for row in await connection.execute(_CAUSED, {"records": list(records)})}


async def file_cause(connection: AsyncConnection, cause: Mapping[str, Any], *, records: Sequence[UUID]) -> None:
    """Keep a finding for records; those that they had end."""
    await connection.execute(_END, {"records": list(records)})
    await connection.execute(_ADD_CAUSE, {**cause, "whys": json.dumps(cause["whys"])})
    await connection.execute(_ATTACH, {"id": cause["id"], "records": list(records)})


async def cause(
    connection: AsyncConnection, escalation: UUID, *, viewer: UUID, overseeing: Sequence[str]
) -> Row[Any] | None:
    """The cause of a record, with the numbers of those that share it as far as this person may see them."""
    values = {"escalation": escalation, "viewer": viewer, "overseeing": list(overseeing)}
    return (await connection.execute(_CAUSE, values)).one_or_none()


async def person(connection: AsyncConnection, username: str) -> UUID | None:
    """The id of somebody with an account in use."""
    return (await connection.execute(_PERSON, {"username": username})).scalar_one_or_none()


async def add(connection: AsyncConnection, values: Mapping[str, Any]) -> None:
    """Add an action."""
    await connection.execute(_ADD, values)


async def change(connection: AsyncConnection, values: Mapping[str, Any]) -> bool:
    """Change an action that nobody changed since this revision; False where somebody did."""
    return (await connection.execute(_CHANGE, values)).rowcount == 1


async def improvement(connection: AsyncConnection, improvement_id: UUID, values: Mapping[str, Any]) -> Row[Any] | None:
    """An action on a record that this person may see. `values` are `viewer`, `overseeing` and `today`."""
    return (await connection.execute(_ONE, {**values, "id": improvement_id})).one_or_none()


async def register(connection: AsyncConnection, values: Mapping[str, Any]) -> Sequence[Row[Any]]:
    """Actions on records that this person may see, open ones first, the nearest due date before the others."""
    return (await connection.execute(_REGISTER, values)).all()


async def teams(connection: AsyncConnection, *, viewer: UUID, overseeing: Sequence[str]) -> list[str]:
    """Every team that an action names, as far as this person may see it."""
    return list((await connection.execute(_TEAMS, {"viewer": viewer, "overseeing": list(overseeing)})).scalars())


async def pareto(connection: AsyncConnection, by: str, values: Mapping[str, Any]) -> Sequence[Row[Any]]:
    """Records by what they have in common, the most first; the empty name is that of those without.

    `values` are `since`, `until`, `viewer` and `overseeing`.
    """
    return (await connection.execute(_PARETO[by], values)).all()


async def check_recurrence(connection: AsyncConnection, *, today: date) -> Sequence[Row[Any]]:
    """Look whether what was acted on came back, wherever 30 or 90 days have passed; each once."""
    return (await connection.execute(_CHECK, {"today": today})).all()
