"""SQL of decisions: made once for each lease, never changed."""

import json
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

# First the lock, then, in a statement of its own, the rest: only so does it see the reports and the evidence that came
# in while it waited. Else a report in the same moment could make a live lease look stale, or be left out of the message.
_LOCK = text("SELECT evidence_id FROM cases WHERE id = :case_id FOR NO KEY UPDATE")
_SHOW_CHANGED = text("""
    WITH shown AS (
        UPDATE leases SET evidence_id = :evidence_id
        WHERE token = :token AND case_id = :case_id AND holder = :holder AND evidence_id <> :evidence_id
          AND ended_at IS NULL
        RETURNING case_id
    )
    INSERT INTO events (kind, case_id, actor) SELECT 'case.content_changed', case_id, :holder FROM shown
    RETURNING case_id
""")
# The case is locked by now, so what the lease and the queue are stays so until the transaction ends.
_FACTS = text("""
    SELECT c.queue, s.author_id, s.author_id IS NOT NULL AS has_author, e.score,
           (SELECT role FROM principals WHERE id = CAST(:person AS uuid)) AS role,
           c.status = 'leased' AND c.lease_token = CAST(:token AS uuid) AND c.lease_holder = CAST(:person AS uuid)
               AND c.lease_expires_at > now() AS live
    FROM cases c JOIN subjects s ON s.id = c.subject_id JOIN evidence e ON e.id = c.evidence_id
    WHERE c.id = :case_id
""")
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
                               taxonomy_version, bundle, shown, undo_until, basis, cluster_id, policy_id)
        SELECT :decision_id, decided.id, decided.evidence_id, :token, :holder, CAST(:actions AS text[]), :policy_area,
               :severity, :note, :taxonomy_version, evidence.bundle,
               jsonb_build_object(
                   'rank_value', decided.rank_value,
                   'revealed', (SELECT count(DISTINCT media_id) FROM exposures x
                                WHERE x.case_id = decided.id AND x.lease_token = :token),
                   'revealed_seconds', (
                       SELECT coalesce(jsonb_object_agg(looked.kind, looked.seconds), '{}') FROM (
                           SELECT x.kind, round(sum(greatest(0, extract(epoch FROM least(x.expires_at, e.at, now()) - x.at))), 1) AS seconds
                           FROM exposures x LEFT JOIN exposure_ends e ON e.exposure_id = x.id
                           WHERE x.case_id = decided.id AND x.lease_token = :token GROUP BY x.kind
                       ) AS looked),
                   'primary_area', evidence.score ->> 'primary_area'
               ),
               now() + make_interval(secs => :undo_seconds), :basis, :cluster_id,
               (SELECT i.id FROM policies_in_force i WHERE i.area = :policy_area)
        FROM decided JOIN evidence ON evidence.id = decided.evidence_id
        RETURNING id, decided_at, undo_until, policy_id
    ), cleared AS (
        DELETE FROM drafts USING decided WHERE drafts.case_id = decided.id AND drafts.principal_id = :holder
    ), logged AS (
        INSERT INTO events (kind, case_id, actor, data)
        SELECT 'case.decided', id, :holder, CAST(:event AS jsonb) FROM decided
    )
    SELECT made.id, decided.id AS case_id, made.decided_at, made.undo_until,
           (SELECT number FROM policy_versions WHERE id = made.policy_id) AS policy, subjects.external_id AS subject_id, subjects.kind AS subject_kind,
           (SELECT coalesce(jsonb_agg(reports.id ORDER BY received_at), '[]') FROM reports
            WHERE reports.case_id = decided.id) AS reports
    FROM made, decided JOIN subjects ON subjects.id = decided.subject_id
""")
_UNDO = text("""
    INSERT INTO decision_undos (decision_id, undone_by)
    SELECT id, :person FROM decisions WHERE id = :decision_id AND decided_by = :person AND undo_until > now()
    ON CONFLICT DO NOTHING RETURNING decision_id
""")
# Which stand, were made in the last day, and of which no message was ever stored for anybody.
_UNTOLD = text("""
    SELECT count(*) FROM decisions d
    WHERE d.decided_at > now() - interval '24 hours'
      AND NOT EXISTS (SELECT FROM decision_undos u WHERE u.decision_id = d.id)
      AND NOT EXISTS (SELECT FROM outbox o WHERE o.decision_id = d.id)
""")
_CASE_OF = text("SELECT case_id FROM decisions WHERE id = :decision_id AND decided_by = :person")


async def lock_case(connection: AsyncConnection, case_id: UUID) -> UUID | None:
    """Lock a case against reports and other decisions; returns the evidence it shows now."""
    return (await connection.execute(_LOCK, {"case_id": case_id})).scalar_one_or_none()


async def show_changed(
    connection: AsyncConnection, *, case_id: UUID, token: UUID, holder: UUID, evidence_id: UUID
) -> bool:
    """Note that the holder is told of changed content; False when they were shown this evidence already."""
    values = {"case_id": case_id, "token": token, "holder": holder, "evidence_id": evidence_id}
    return (await connection.execute(_SHOW_CHANGED, values)).one_or_none() is not None


async def facts(
    connection: AsyncConnection, case_id: UUID, *, person: UUID, token: UUID | None = None
) -> Row[Any] | None:
    """(queue, author_id, has_author, score, role, live): where a case is, who asks, and whether their lease is live."""
    values = {"case_id": case_id, "token": token, "person": person}
    return (await connection.execute(_FACTS, values)).one_or_none()


async def decide(connection: AsyncConnection, values: dict[str, Any]) -> Row[Any] | None:
    """Close the leased case with a decision; None when that lease is not live."""
    event = {key: values[key] for key in ("actions", "policy_area", "severity")}
    event |= {"decision": str(values["decision_id"]), "basis": values["basis"]}
    if values["cluster_id"] is not None:
        event["cluster"] = str(values["cluster_id"])
    return (await connection.execute(_DECIDE, {**values, "event": json.dumps(event)})).one_or_none()


async def undo(connection: AsyncConnection, decision_id: UUID, *, person: UUID) -> bool:
    """Mark a decision as taken back; False when it is too late or was done before."""
    return (await connection.execute(_UNDO, {"decision_id": decision_id, "person": person})).one_or_none() is not None


async def untold(connection: AsyncConnection) -> int:
    """How many standing decisions of the last day were told to nobody."""
    return int((await connection.execute(_UNTOLD)).scalar_one())


async def case_of(connection: AsyncConnection, decision_id: UUID, *, person: UUID) -> UUID | None:
    """The case that this person decided so, or None."""
    values = {"decision_id": decision_id, "person": person}
    return (await connection.execute(_CASE_OF, values)).scalar_one_or_none()
