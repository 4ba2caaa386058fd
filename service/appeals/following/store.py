"""SQL of what follows from appeals: carrying them out once, what deciders are told, outcomes, appellants, and where they go on."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

# One at a time, each in a transaction of its own: what was marked and what follows from it are stored together or not at all.
_TAKE_DUE = text("""
    WITH due AS (
        SELECT id FROM appeals WHERE status = 'decided' AND carried_out_at IS NULL AND effect_at <= now()
          AND id <> ALL (CAST(:without AS uuid[]))
        ORDER BY effect_at LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
    ), done AS (
        UPDATE appeals a SET carried_out_at = now() FROM due WHERE a.id = due.id RETURNING a.*
    )
    SELECT done.id, done.number, done.reference, done.decision_id, done.case_id, done.side, done.report_id, done.outcome,
           done.reason_code, done.explanation, done.actions, done.reversed, done.standing, done.taken, done.right_area,
           done.right_severity, done.taxonomy_version, done.decided_at, done.decided_by, done.effect_at,
           s.external_id AS subject_id, s.kind AS subject_kind
    FROM done JOIN cases c ON c.id = done.case_id JOIN subjects s ON s.id = c.subject_id
""")
# Whoever made what did not hold: the decision, or the appeal that it was changed by.
_TELL = text("""
    INSERT INTO appeal_feedback (appeal_id, person)
    SELECT a.id, coalesce(
        (SELECT b.decided_by FROM appeals b WHERE b.decision_id = a.decision_id AND b.id <> a.id AND cardinality(b.taken) > 0
           AND b.carried_out_at IS NOT NULL ORDER BY b.carried_out_at DESC LIMIT 1),
        (SELECT d.decided_by FROM decisions d WHERE d.id = a.decision_id))
    FROM appeals a WHERE a.id = :id ON CONFLICT DO NOTHING
""")
_FEEDBACK = text("""
    SELECT f.appeal_id, CASE WHEN v.visible THEN a.case_id END AS case_id, CASE WHEN v.visible THEN e.text ELSE '' END AS text,
           a.side, a.outcome, a.reason_code, a.actions, a.policy_area, a.severity, a.reversed, a.taken, a.right_area,
           a.right_severity, a.note, f.told_at
    FROM appeal_feedback f JOIN appeals a ON a.id = f.appeal_id JOIN evidence e ON e.id = a.evidence_id
    CROSS JOIN LATERAL (SELECT may_see_case(a.case_id, :person, CAST(:overseeing AS text[])) AS visible) AS v
    WHERE f.person = :person ORDER BY f.told_at DESC, f.appeal_id LIMIT :limit
""")
# The column is one of a fixed few.
_OUTCOMES = """
    SELECT coalesce({by}, 'none') AS name, count(*) AS n, count(*) FILTER (WHERE overturned) AS overturned,
           count(*) FILTER (WHERE in_time) AS in_time, count(DISTINCT person) AS people
    FROM appeal_outcomes WHERE decided_at > now() - interval '365 days'
    GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT :limit
"""
GROUPS = ("area", "source", "vendor", "market", "bundle", "language", "side")
_BY = {name: text(_OUTCOMES.format(by=name)) for name in GROUPS}
_APPELLANTS = text("""
    SELECT appellant, side, count(*) AS filed, count(*) FILTER (WHERE outcome = 'upheld') AS upheld,
           count(*) FILTER (WHERE outcome IN ('overturned', 'partly')) AS overturned,
           count(*) FILTER (WHERE status = 'withdrawn') AS withdrawn,
           count(*) FILTER (WHERE reason_code = 'manifestly_unfounded') AS manifestly_unfounded
    FROM appeals WHERE appellant IS NOT NULL AND filed_at > now() - interval '12 months'
      AND (status <> 'decided' OR carried_out_at IS NOT NULL)
    GROUP BY appellant, side HAVING count(*) FILTER (WHERE reason_code = 'manifestly_unfounded') > 0
    ORDER BY 7 DESC, 1, 2 LIMIT :limit
""")
_ESCALATE = text("UPDATE appeals SET escalation_id = :escalation WHERE id = :id AND escalation_id IS NULL RETURNING id")
_OF_ESCALATION = text("""
    SELECT a.id, a.number, a.side, a.status, a.outcome, a.due_at, a.carried_out_at IS NOT NULL AS carried_out
    FROM appeals a
    WHERE a.escalation_id = :escalation AND may_see_case(a.case_id, :person, CAST(:overseeing AS text[]))
      AND NOT is_checking_decision(a.decision_id, :person)
    ORDER BY a.number
""")
_ADD_DISPUTE = text("""
    INSERT INTO appeal_disputes (id, appeal_id, body, reference, recorded_by)
    VALUES (:id, :appeal_id, :body, :reference, :recorded_by) ON CONFLICT DO NOTHING RETURNING id
""")
_SETTLE = text("""
    UPDATE appeal_disputes SET outcome = :outcome, settled_by = :person, settled_at = now()
    WHERE id = :id AND appeal_id = :appeal_id AND outcome IS NULL RETURNING id
""")
_MARKET = text("SELECT s.market FROM cases c JOIN subjects s ON s.id = c.subject_id WHERE c.id = :case_id")
_DISPUTES = text("""
    SELECT id, body, reference, recorded_at, outcome, settled_at FROM appeal_disputes
    WHERE appeal_id = :appeal_id ORDER BY recorded_at, id
""")


async def take_due(connection: AsyncConnection, *, without: Sequence[UUID]) -> Row[Any] | None:
    """Mark the next appeal whose outcome can no longer be undone as carried out; None where there is none but those."""
    return (await connection.execute(_TAKE_DUE, {"without": list(without)})).one_or_none()


async def tell(connection: AsyncConnection, appeal: UUID) -> None:
    """Keep feedback for whoever made what did not hold."""
    await connection.execute(_TELL, {"id": appeal})


async def feedback(
    connection: AsyncConnection, person: UUID, *, overseeing: Sequence[str], limit: int
) -> Sequence[Row[Any]]:
    """What this person was told, the newest first."""
    values = {"person": person, "overseeing": list(overseeing), "limit": limit}
    return (await connection.execute(_FEEDBACK, values)).all()


async def outcomes(connection: AsyncConnection, by: str, *, limit: int) -> Sequence[Row[Any]]:
    """Outcomes of the last year by one of GROUPS: (name, n, overturned, in_time, people)."""
    return (await connection.execute(_BY[by], {"limit": limit})).all()


async def appellants(connection: AsyncConnection, *, limit: int) -> Sequence[Row[Any]]:
    """Who filed what was manifestly unfounded, with all that they filed in 12 months."""
    return (await connection.execute(_APPELLANTS, {"limit": limit})).all()


async def market(connection: AsyncConnection, case_id: UUID) -> str | None:
    """The country where the content of a case is seen, as far as the platform said."""
    found: str | None = (await connection.execute(_MARKET, {"case_id": case_id})).scalar_one()
    return found


async def escalate(connection: AsyncConnection, appeal: UUID, escalation: UUID) -> bool:
    """Let an appeal go on as a record; False where it does so already."""
    values = {"id": appeal, "escalation": escalation}
    return (await connection.execute(_ESCALATE, values)).one_or_none() is not None


async def of_escalation(
    connection: AsyncConnection, escalation: UUID, *, person: UUID, overseeing: Sequence[str]
) -> Sequence[Row[Any]]:
    """Appeals that go on as this record, on cases that this person may see."""
    values = {"escalation": escalation, "person": person, "overseeing": list(overseeing)}
    return (await connection.execute(_OF_ESCALATION, values)).all()


async def add_dispute(connection: AsyncConnection, values: Mapping[str, Any]) -> bool:
    """Record an out-of-court dispute; False where it is recorded already."""
    return (await connection.execute(_ADD_DISPUTE, dict(values))).one_or_none() is not None


async def settle_dispute(connection: AsyncConnection, values: Mapping[str, Any]) -> bool:
    """Record what it came to; False where there is none of that id without an outcome."""
    return (await connection.execute(_SETTLE, dict(values))).one_or_none() is not None


async def disputes(connection: AsyncConnection, appeal: UUID) -> Sequence[Row[Any]]:
    """Out-of-court disputes about an appeal, oldest first."""
    return (await connection.execute(_DISPUTES, {"appeal_id": appeal})).all()
