"""SQL of statements of reasons."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.db import fetch, fetch_one

# Of the case as it is now: of a decision, in its transaction. Days are those of UTC, as everywhere in the database.
_FACTS = text("""
    SELECT s.kind, s.external_id, s.author_id, s.created_at, e.language, e.text <> '' AS has_text, e.score IS NOT NULL AS suggested,
           now() AS now, (SELECT min(captured_at) FROM evidence f WHERE f.subject_id = s.id) AS first_seen,
           ARRAY(SELECT DISTINCT r.channel FROM reports r WHERE r.case_id = c.id) AS channels,
           ARRAY(SELECT DISTINCT flag FROM reports r, unnest(r.flags) AS flag WHERE r.case_id = c.id
                 UNION SELECT c.special WHERE c.special IS NOT NULL) AS flags,
           ARRAY(SELECT DISTINCT m.kind FROM evidence_media em JOIN media m ON m.id = em.media_id
                 WHERE em.evidence_id = c.evidence_id) AS media,
           p.title AS policy_title, p.number AS policy_number, w.policy_area AS edited_for, w.body AS edit
    FROM cases c JOIN subjects s ON s.id = c.subject_id JOIN evidence e ON e.id = c.evidence_id
    LEFT JOIN policies_in_force p ON p.area = :area
    LEFT JOIN statement_edits w ON w.lease_token = CAST(:token AS uuid) AND w.case_id = c.id
    WHERE c.id = :case_id
""")
_PEOPLE = text(
    "SELECT DISTINCT reporter_id FROM reports WHERE case_id = :case_id AND reporter_id IS NOT NULL LIMIT 5000"
)
_ADD = text("""
    INSERT INTO statements (id, decision_id, case_id, replaces, state, exemption, puid, policy_area, payload, told, language,
                            notice, assumed, edited, ready_at, afterwards_by)
    VALUES (:id, :decision_id, :case_id, CAST(:replaces AS uuid), :state, :exemption, :puid, :policy_area,
            CAST(:payload AS jsonb), CAST(:told AS jsonb), :language, :notice, :assumed, :edited, :ready_at,
            :afterwards_by)
""")
_WITHDRAW = text("""
    UPDATE statements SET state = 'withdrawn', withdrawn_at = now()
    WHERE decision_id = :decision_id AND state IN ('made', 'exempt', 'refused') RETURNING id
""")
_HANDED_OUT = text(
    "SELECT EXISTS (SELECT FROM statements WHERE decision_id = :decision_id AND state IN ('batched', 'published'))"
)
_LATEST = text("""
    SELECT s.*, d.basis FROM statements s
    JOIN decisions d ON d.id = s.decision_id WHERE s.decision_id = :decision_id ORDER BY s.number DESC LIMIT 1
    FOR NO KEY UPDATE OF s
""")
_SAVE_EDIT = text("""
    INSERT INTO statement_edits (lease_token, case_id, policy_area, body)
    VALUES (:token, :case_id, :policy_area, CAST(:body AS jsonb))
    ON CONFLICT (lease_token) DO UPDATE SET policy_area = excluded.policy_area, body = excluded.body, saved_at = now()
""")
_DROP_EDIT = text("DELETE FROM statement_edits WHERE lease_token = :token AND case_id = :case_id")
_AMEND = text("""
    UPDATE statements SET state = 'made', refused_message = NULL, payload = CAST(:payload AS jsonb), notice = :notice,
           edited = :edited, assumed = :assumed
    WHERE id = :id AND state = 'refused'
""")
_LOCK_ONE = text("SELECT id, state, case_id FROM statements WHERE id = :id FOR NO KEY UPDATE")


async def facts(connection: AsyncConnection, case_id: UUID, *, area: str, token: UUID | None) -> Any | None:
    """What is known of a case, the policy of that area, and what was written under that lease."""
    return await fetch_one(connection, _FACTS, {"case_id": case_id, "area": area, "token": token})


async def reporters(connection: AsyncConnection, case_id: UUID) -> list[str]:
    """The platform's ids of those who reported a case."""
    return [row.reporter_id for row in await fetch(connection, _PEOPLE, {"case_id": case_id})]


async def add(connection: AsyncConnection, values: Mapping[str, Any]) -> None:
    """Keep a statement."""
    await connection.execute(_ADD, dict(values) | {"told": json.dumps(values["told"], ensure_ascii=False)})


async def withdraw(connection: AsyncConnection, decision_id: UUID) -> list[UUID]:
    """Take back what was not handed out of a decision; ids."""
    return list((await connection.execute(_WITHDRAW, {"decision_id": decision_id})).scalars())


async def is_handed_out(connection: AsyncConnection, decision_id: UUID) -> bool:
    """Whether a statement of this decision has left, or is in a batch."""
    return bool((await connection.execute(_HANDED_OUT, {"decision_id": decision_id})).scalar_one())


async def latest(connection: AsyncConnection, decision_id: UUID) -> Row[Any] | None:
    """The newest statement of a decision with the basis of the decision, locked."""
    return (await connection.execute(_LATEST, {"decision_id": decision_id})).one_or_none()


async def save_edit(connection: AsyncConnection, values: Mapping[str, Any]) -> None:
    """Keep what a holder wrote, in place of what they wrote before."""
    await connection.execute(_SAVE_EDIT, values)


async def drop_edit(connection: AsyncConnection, *, token: UUID, case_id: UUID) -> None:
    """Forget what was written under a lease."""
    await connection.execute(_DROP_EDIT, {"token": token, "case_id": case_id})


async def lock_one(connection: AsyncConnection, statement: UUID) -> Row[Any] | None:
    """(id, state, case_id), locked."""
    return (await connection.execute(_LOCK_ONE, {"id": statement})).one_or_none()


async def amend(connection: AsyncConnection, statement: UUID, values: Mapping[str, Any]) -> None:
    """Put a mended record in place of one that the database did not take."""
    await connection.execute(_AMEND, dict(values) | {"id": statement})
