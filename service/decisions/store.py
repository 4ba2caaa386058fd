"""SQL of decisions: made once for each lease, never changed."""

import json
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_DECIDE = text("""
    WITH decided AS (
        UPDATE cases SET status = 'decided', decided_at = now(),
               lease_token = NULL, lease_holder = NULL, lease_expires_at = NULL
        WHERE id = :case_id AND lease_token = :token AND lease_holder = :holder
          AND status = 'leased' AND lease_expires_at > now()
        RETURNING id, subject_id, evidence_id, rank_value
    ), ended AS (
        UPDATE leases SET ended_at = now(), outcome = 'decided' FROM decided WHERE leases.token = :token
    ), made AS (
        INSERT INTO decisions (id, case_id, evidence_id, lease_token, decided_by, actions, policy_area, severity, note,
                               taxonomy_version, bundle, shown, undo_until)
        SELECT :decision_id, decided.id, decided.evidence_id, :token, :holder, CAST(:actions AS text[]), :policy_area,
               :severity, :note, :taxonomy_version, evidence.bundle,
               jsonb_build_object(
                   'rank_value', decided.rank_value,
                   'revealed', (SELECT count(DISTINCT media_id) FROM exposures WHERE lease_token = :token),
                   'primary_area', evidence.score ->> 'primary_area'
               ),
               now() + make_interval(secs => :undo_seconds)
        FROM decided JOIN evidence ON evidence.id = decided.evidence_id
        RETURNING id, decided_at, undo_until
    ), cleared AS (
        DELETE FROM drafts USING decided WHERE drafts.case_id = decided.id AND drafts.principal_id = :holder
    ), logged AS (
        INSERT INTO events (kind, case_id, actor, data)
        SELECT 'case.decided', id, :holder, CAST(:event AS jsonb) FROM decided
    )
    SELECT made.id, made.decided_at, made.undo_until, subjects.external_id AS subject_id, subjects.kind AS subject_kind,
           (SELECT coalesce(jsonb_agg(reports.id ORDER BY received_at), '[]') FROM reports
            WHERE reports.case_id = decided.id) AS reports
    FROM made, decided JOIN subjects ON subjects.id = decided.subject_id
""")
_UNDO = text("""
    INSERT INTO decision_undos (decision_id, undone_by)
    SELECT id, :person FROM decisions WHERE id = :decision_id AND decided_by = :person AND undo_until > now()
    ON CONFLICT DO NOTHING RETURNING decision_id
""")
_CASE_OF = text("SELECT case_id FROM decisions WHERE id = :decision_id AND decided_by = :person")


async def decide(connection: AsyncConnection, values: dict[str, Any]) -> Row[Any] | None:
    """Close the leased case with a decision; None when that lease is not live."""
    event = {key: values[key] for key in ("actions", "policy_area", "severity")}
    event["decision"] = str(values["decision_id"])
    return (await connection.execute(_DECIDE, {**values, "event": json.dumps(event)})).one_or_none()


async def undo(connection: AsyncConnection, decision_id: UUID, *, person: UUID) -> bool:
    """Mark a decision as taken back; False when it is too late or was done before."""
    return (await connection.execute(_UNDO, {"decision_id": decision_id, "person": person})).one_or_none() is not None


async def case_of(connection: AsyncConnection, decision_id: UUID, *, person: UUID) -> UUID | None:
    """The case that this person decided so, or None."""
    values = {"decision_id": decision_id, "person": person}
    return (await connection.execute(_CASE_OF, values)).scalar_one_or_none()
