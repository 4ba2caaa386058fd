"""SQL of filing appeals: what may be appealed, addresses for it, and what was filed."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

# What a decision comes to now: an appeal that was carried out may have changed it.
_STANDING = """
    SELECT d.id AS decision_id, d.case_id, d.evidence_id, d.decided_at, s.kind AS subject_kind, s.external_id AS subject_id,
           CASE WHEN o.id IS NULL THEN d.actions WHEN o.side = 'reporter' THEN o.taken ELSE o.standing END AS actions,
           coalesce(o.right_area, d.policy_area) AS policy_area, coalesce(o.right_severity, d.severity) AS severity,
           o.id IS NOT NULL AS changed, d.undo_until > now() AS undoable,
           EXISTS (SELECT FROM decision_undos u WHERE u.decision_id = d.id) AS undone,
           appeal_until(d.id, :months) AS until, appeal_until(d.id, :months) <= now() AS late, now() AS now,
           r.id AS report_id, CASE WHEN {side} = 'author' THEN s.author_id ELSE r.reporter_id END AS appellant
    FROM {source} JOIN cases c ON c.id = d.case_id JOIN subjects s ON s.id = c.subject_id
    LEFT JOIN LATERAL (
        SELECT a.* FROM appeals a
        WHERE a.decision_id = d.id AND a.carried_out_at IS NOT NULL AND a.outcome <> 'upheld'
        ORDER BY a.carried_out_at DESC LIMIT 1
    ) AS o ON true
    LEFT JOIN reports r ON r.id = {report} AND r.case_id = d.case_id
"""
_OF_DECISION = text(
    _STANDING.format(side=":side", source="decisions d", report="CAST(:report_id AS uuid)") + " WHERE d.id = :decision_id"
)  # fmt: skip
_OF_LINK = text(
    _STANDING.replace("SELECT d.id", "SELECT l.side, d.id", 1).format(
        side="l.side", source="appeal_links l JOIN decisions d ON d.id = l.decision_id", report="l.report_id"
    )
    + " WHERE l.token_hash = :hash"
)
_ANSWERED = text("""
    SELECT id, number, status, acknowledged_at, due_at, request_hash FROM appeals
    WHERE decision_id = :decision_id AND side = :side AND status <> 'withdrawn'
      AND (carried_out_at IS NULL OR coalesce(appellant, CAST(report_id AS text), '') = coalesce(:appellant, CAST(CAST(:report_id AS uuid) AS text), ''))
    ORDER BY carried_out_at IS NULL DESC LIMIT 1
""")
_ADD_LINK = text("""
    INSERT INTO appeal_links (token_hash, decision_id, side, report_id, made_by, until)
    VALUES (:hash, :decision_id, :side, :report_id, :made_by, :until)
""")
# One open appeal for each side of a decision, and one answer for each appellant: whatever the unique indexes refuse is told apart
# afterwards. Open is what is not carried out: until then it can be taken back.
_FILE = text("""
    INSERT INTO appeals (id, decision_id, case_id, evidence_id, side, report_id, appellant, via, filed_by, reference,
                         idempotency_key, request_hash, reasons, language, contact, target, severity, actions, policy_area, due_at)
    VALUES (:id, :decision_id, :case_id, :evidence_id, :side, :report_id, :appellant, :via, :filed_by, :reference,
            :idempotency_key, :request_hash, :reasons, :language, :contact, :target, :severity, CAST(:actions AS text[]),
            :policy_area, now() + make_interval(hours => :hours))
    ON CONFLICT DO NOTHING
    RETURNING id, number, status, acknowledged_at, due_at
""")
_BY_KEY = text("""
    SELECT id, number, status, acknowledged_at, due_at, request_hash FROM appeals
    WHERE filed_by = :filed_by AND idempotency_key = :key
""")
_STATUS = text("""
    SELECT id AS appeal_id, number, status, acknowledged_at, due_at, decision_id, side, reference, contact,
           CASE WHEN carried_out_at IS NOT NULL THEN 'decided' WHEN status = 'decided' THEN 'open' ELSE status END AS told_status,
           outcome, reason_code, explanation, reversed, standing, taken, decided_at, carried_out_at
    FROM appeals WHERE id = :id
""")
_WITHDRAW = text("""
    WITH open AS (
        SELECT id, case_id, lease_token FROM appeals WHERE id = :id AND status = 'open' FOR NO KEY UPDATE
    ), ended AS (
        UPDATE appeal_claims k SET ended_at = now(), outcome = 'withdrawn' FROM open
        WHERE k.token = open.lease_token AND k.ended_at IS NULL
    )
    UPDATE appeals a SET status = 'withdrawn', withdrawn_at = now(), lease_token = NULL, lease_holder = NULL,
           lease_expires_at = NULL
    FROM open WHERE a.id = open.id AND a.status = 'open' RETURNING a.case_id
""")


async def standing(connection: AsyncConnection, values: Mapping[str, Any]) -> Row[Any] | None:
    """A decision as it stands now, for one side: values are decision_id, side, report_id and months."""
    return (await connection.execute(_OF_DECISION, dict(values))).one_or_none()


async def standing_of_link(connection: AsyncConnection, token_hash: bytes, *, months: int) -> Row[Any] | None:
    """What an address is about, with its side; None where there is no such address."""
    return (await connection.execute(_OF_LINK, {"hash": token_hash, "months": months})).one_or_none()


async def answered(
    connection: AsyncConnection, decision: UUID, *, side: str, appellant: str | None, report: UUID | None
) -> Row[Any] | None:
    """The appeal of that side that is not carried out yet, or the one that this appellant was answered."""
    values = {"decision_id": decision, "side": side, "appellant": appellant, "report_id": report}
    return (await connection.execute(_ANSWERED, values)).one_or_none()


async def add_link(connection: AsyncConnection, values: Mapping[str, Any]) -> None:
    """Keep the hash of an address."""
    await connection.execute(_ADD_LINK, dict(values))


async def file(connection: AsyncConnection, values: Mapping[str, Any]) -> Row[Any] | None:
    """Add an appeal: (id, number, status, acknowledged_at, due_at); None where one is there already."""
    return (await connection.execute(_FILE, dict(values))).one_or_none()


async def by_key(connection: AsyncConnection, filed_by: UUID, key: str) -> Row[Any] | None:
    """The appeal that this caller filed with that key."""
    return (await connection.execute(_BY_KEY, {"filed_by": filed_by, "key": key})).one_or_none()


async def status(connection: AsyncConnection, appeal: UUID) -> Row[Any] | None:
    """How an appeal stands."""
    return (await connection.execute(_STATUS, {"id": appeal})).one_or_none()


async def withdraw(connection: AsyncConnection, appeal: UUID) -> UUID | None:
    """End an open appeal; its case, or None where it was not open."""
    return (await connection.execute(_WITHDRAW, {"id": appeal})).scalar_one_or_none()
