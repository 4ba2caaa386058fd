"""SQL of replies that are being written."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_ADD = text("""
    INSERT INTO replies (id, escalation_id, purpose, language, template_id, template_version, steps, subject, body, recipients, writers)
    VALUES (:id, :escalation_id, :purpose, :language, :template_id, :template_version, CAST(:steps AS jsonb), :subject, :body,
            :recipients, ARRAY[:person])
    ON CONFLICT (escalation_id) WHERE state IN ('draft', 'waiting', 'approved') DO NOTHING
    RETURNING id
""")
_FIELDS = """
    r.id, r.escalation_id, r.purpose, r.language, r.template_id, r.template_version, r.steps, r.subject, r.body, r.recipients, r.version,
    r.state, r.writers AS writer_ids, r.approved_by AS approver, r.approved_at, r.approved_hash, r.returned_reason, r.made_at,
    r.changed_at, a.username AS approved_by, b.username AS returned_by,
    ARRAY(SELECT p.username FROM principals p WHERE p.id = ANY(r.writers) ORDER BY p.username) AS writers
"""
_FROM = """
    FROM replies r LEFT JOIN principals a ON a.id = r.approved_by LEFT JOIN principals b ON b.id = r.returned_by
"""
_OF = text(f"SELECT {_FIELDS} {_FROM} WHERE r.escalation_id = :id ORDER BY r.made_at DESC, r.id LIMIT :limit")
_ONE = text(f"""
    SELECT {_FIELDS} {_FROM} WHERE r.id = :id AND r.escalation_id = :escalation FOR NO KEY UPDATE OF r
""")
# A change takes an approval back; whoever changes something is a writer from then on.
_CHANGE = text("""
    UPDATE replies SET subject = :subject, body = :body, language = :language, recipients = :recipients, version = version + 1,
        state = 'draft', approved_by = NULL, approved_at = NULL, approved_hash = NULL, changed_at = now(),
        writers = CASE WHEN :person = ANY(writers) THEN writers ELSE writers || CAST(:person AS uuid) END
    WHERE id = :id
""")
_SET_STATE = text("UPDATE replies SET state = :state, changed_at = now() WHERE id = :id")
_APPROVE = text("""
    UPDATE replies SET state = 'approved', approved_by = :person, approved_at = now(), approved_hash = :hash, changed_at = now(),
        returned_by = NULL, returned_reason = NULL
    WHERE id = :id
""")
_REOPEN = text("""
    UPDATE replies SET state = 'draft', changed_at = now(), approved_by = NULL, approved_at = NULL, approved_hash = NULL
    WHERE id = :id
""")
_RETURN = text("""
    UPDATE replies SET state = 'draft', returned_by = :person, returned_reason = :reason, changed_at = now(),
        approved_by = NULL, approved_at = NULL, approved_hash = NULL
    WHERE id = :id
""")
_IS_OPEN = text("""
    SELECT EXISTS (SELECT FROM replies WHERE escalation_id = :escalation AND id <> :id AND state IN ('draft', 'waiting', 'approved'))
""")
_WAITING = text("""
    SELECT r.id, r.escalation_id, e.number, e.title, e.source, r.purpose, r.language, r.changed_at,
           ARRAY(SELECT p.username FROM principals p WHERE p.id = ANY(r.writers) ORDER BY p.username) AS writers
    FROM replies r JOIN escalations e ON e.id = r.escalation_id
    WHERE r.state = 'waiting' AND may_see_escalation(e.id, :viewer, CAST(:overseeing AS text[]))
    ORDER BY r.changed_at, r.id LIMIT :limit
""")
# The platform's own ids of what was raised; what was found out and linked since is nobody's business outside.
_SUBJECTS = text("""
    SELECT l.external_id FROM escalation_links l JOIN escalations e ON e.id = l.escalation_id
    WHERE l.escalation_id = :id AND l.ended_at IS NULL AND l.external_id IS NOT NULL AND l.added_at <= e.opened_at
    ORDER BY l.added_at, l.id LIMIT 20
""")
# What was decided last about a case of the record and stands.
_DECISION = text("""
    SELECT d.actions, d.decided_at FROM escalation_links l JOIN decisions d ON d.case_id = l.case_id
    WHERE l.escalation_id = :id AND l.ended_at IS NULL
      AND NOT EXISTS (SELECT FROM decision_undos u WHERE u.decision_id = d.id)
    ORDER BY d.decided_at DESC, d.id LIMIT 1
""")


async def add(connection: AsyncConnection, values: Mapping[str, Any]) -> bool:
    """Begin a reply; False where another one of the record is open."""
    return (await connection.execute(_ADD, dict(values))).one_or_none() is not None


async def replies(connection: AsyncConnection, escalation: UUID, *, limit: int) -> Sequence[Row[Any]]:
    """Replies of a record, newest first."""
    return (await connection.execute(_OF, {"id": escalation, "limit": limit})).all()


async def reply(connection: AsyncConnection, reply: UUID, *, escalation: UUID) -> Row[Any] | None:
    """A reply of a record, locked; None for any other."""
    return (await connection.execute(_ONE, {"id": reply, "escalation": escalation})).one_or_none()


async def change(connection: AsyncConnection, values: Mapping[str, Any]) -> None:
    """Write a reply anew, as a draft of the next version."""
    await connection.execute(_CHANGE, dict(values))


async def set_state(connection: AsyncConnection, reply: UUID, state: str) -> None:
    """Move a reply on."""
    await connection.execute(_SET_STATE, {"id": reply, "state": state})


async def approve(connection: AsyncConnection, reply: UUID, *, person: UUID, digest: bytes) -> None:
    """Approve exactly the text with that hash."""
    await connection.execute(_APPROVE, {"id": reply, "person": person, "hash": digest})


async def reopen(connection: AsyncConnection, reply: UUID) -> None:
    """Make a draft of what waits or was approved, without its approval."""
    await connection.execute(_REOPEN, {"id": reply})


async def give_back(connection: AsyncConnection, reply: UUID, *, person: UUID, reason: str) -> None:
    """Make a draft of what waits, with the reason."""
    await connection.execute(_RETURN, {"id": reply, "person": person, "reason": reason})


async def another_is_open(connection: AsyncConnection, reply: UUID, *, escalation: UUID) -> bool:
    """Whether somebody began another reply of the record meanwhile."""
    return bool((await connection.execute(_IS_OPEN, {"id": reply, "escalation": escalation})).scalar_one())


async def waiting(
    connection: AsyncConnection, *, viewer: UUID, overseeing: Sequence[str], limit: int
) -> Sequence[Row[Any]]:
    """What waits for approval, of records that this person may see, longest first."""
    values = {"viewer": viewer, "overseeing": list(overseeing), "limit": limit}
    return (await connection.execute(_WAITING, values)).all()


async def subjects(connection: AsyncConnection, escalation: UUID) -> list[str]:
    """Accounts, assets and content that a record was raised about, by the platform's own ids."""
    return list((await connection.execute(_SUBJECTS, {"id": escalation})).scalars())


async def decision(connection: AsyncConnection, escalation: UUID) -> Row[Any] | None:
    """(actions, decided_at) of the last decision about a case of the record; None without one."""
    return (await connection.execute(_DECISION, {"id": escalation})).one_or_none()
