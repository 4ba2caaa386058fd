"""SQL of statements of reasons."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
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
                            notice, assumed, edited, ready_at)
    VALUES (:id, :decision_id, :case_id, CAST(:replaces AS uuid), :state, :exemption, :puid, :policy_area,
            CAST(:payload AS jsonb), CAST(:told AS jsonb), :language, :notice, :assumed, :edited, :ready_at)
""")
_WITHDRAW = text("""
    UPDATE statements SET state = 'withdrawn', withdrawn_at = now()
    WHERE decision_id = :decision_id AND state IN ('made', 'exempt', 'refused') RETURNING id
""")
_HANDED_OUT = text(
    "SELECT EXISTS (SELECT FROM statements WHERE decision_id = :decision_id AND state IN ('batched', 'published'))"
)
_LATEST = text("""
    SELECT s.id, s.case_id, s.puid, s.state, s.policy_area, d.actions, d.decided_at, d.basis FROM statements s
    JOIN decisions d ON d.id = s.decision_id WHERE s.decision_id = :decision_id ORDER BY s.number DESC LIMIT 1
    FOR NO KEY UPDATE OF s
""")
_SAVE_EDIT = text("""
    INSERT INTO statement_edits (lease_token, case_id, policy_area, body)
    VALUES (:token, :case_id, :policy_area, CAST(:body AS jsonb))
    ON CONFLICT (lease_token) DO UPDATE SET policy_area = excluded.policy_area, body = excluded.body, saved_at = now()
""")
_DROP_EDIT = text("DELETE FROM statement_edits WHERE lease_token = :token AND case_id = :case_id")
_SHOWN = """
    SELECT s.*, d.severity, r.puid AS replaces_puid,
           CASE WHEN s.state = 'made' AND s.ready_at > now() THEN 'waiting' WHEN s.state = 'made' THEN 'ready' ELSE s.state END
               AS stands
    FROM statements s JOIN decisions d ON d.id = s.decision_id LEFT JOIN statements r ON r.id = s.replaces
"""
_ONE = text(_SHOWN + " WHERE s.id = :id AND NOT is_kept_back(s.decision_id, :viewer)")
_OF_CASE = text(
    _SHOWN + " WHERE s.case_id = :case_id AND NOT is_kept_back(s.decision_id, :viewer) ORDER BY s.number LIMIT 200"
)
_OF_DECISION = text(_SHOWN + " WHERE s.decision_id = :decision_id ORDER BY s.number DESC LIMIT 1")
# A state as people see it, in terms of what is stored.
_IN_STATE = {
    "waiting": "s.state = 'made' AND s.ready_at > now()",
    "ready": "s.state = 'made' AND s.ready_at <= now()",
    **{one: f"s.state = '{one}'" for one in ("batched", "published", "refused", "withdrawn", "exempt")},
}
_VISIBLE = "may_see_case(s.case_id, :viewer, CAST(:overseeing AS text[])) AND NOT is_kept_back(s.decision_id, :viewer)"
_COUNTED = ("category", "ground", "source_type", "automated_detection", "automated_decision")
_COUNTS = text("""
    SELECT figure.field, figure.code, count(*) AS count
    FROM statements s JOIN cases c ON c.id = s.case_id,
         LATERAL (VALUES
             ('state', CASE WHEN s.state = 'made' AND s.ready_at > now() THEN 'waiting' WHEN s.state = 'made' THEN 'ready'
                       ELSE s.state END),
             ('category', s.category), ('ground', s.ground), ('source_type', s.source_type),
             ('automated_detection', s.automated_detection), ('automated_decision', s.automated_decision)
         ) AS figure (field, code)
    WHERE (:samples OR NOT c.sample) AND figure.code IS NOT NULL AND (figure.field = 'state' OR s.state <> 'withdrawn')
      AND (CAST(:since AS timestamptz) IS NULL OR s.made_at >= :since)
      AND (CAST(:until AS timestamptz) IS NULL OR s.made_at < :until)
    GROUP BY figure.field, figure.code ORDER BY figure.field, count(*) DESC, figure.code
""")
_HAS_SAMPLES = text("SELECT EXISTS (SELECT FROM statements s JOIN cases c ON c.id = s.case_id WHERE c.sample)")
# Samples are nobody's content: they are shown, and never handed out.
_TAKE = text("""
    WITH taken AS (
        SELECT s.id FROM statements s JOIN cases c ON c.id = s.case_id
        WHERE s.state = 'made' AND s.ready_at <= now() AND NOT c.sample
        ORDER BY s.number LIMIT :most FOR NO KEY UPDATE OF s SKIP LOCKED
    ), made AS (
        INSERT INTO statement_batches (state) SELECT 'open' WHERE EXISTS (SELECT FROM taken) RETURNING number
    )
    UPDATE statements s SET state = 'batched', batch = made.number FROM made, taken WHERE s.id = taken.id RETURNING s.batch
""")
_OPEN_BATCH = text("SELECT min(number) FROM statement_batches WHERE state = 'open' AND number > :after")
_BATCH = text("SELECT puid, payload FROM statements WHERE batch = :batch ORDER BY number")
_BATCHES = text("""
    SELECT b.number, b.state, b.made_at, b.settled_at, (SELECT count(*) FROM statements s WHERE s.batch = b.number) AS count
    FROM statement_batches b ORDER BY (b.state = 'open') DESC, b.number DESC LIMIT :limit
""")
_LOCK_BATCH = text("SELECT state, answer FROM statement_batches WHERE number = :batch FOR NO KEY UPDATE")
_SETTLE = text("""
    UPDATE statement_batches SET state = :state, settled_by = CAST(:person AS uuid), settled_at = now(), answer = CAST(:answer AS jsonb)
    WHERE number = :batch
""")
_PUBLISH = text("""
    UPDATE statements SET state = 'published', published_at = now(), refused_message = NULL
    WHERE batch = :batch AND puid = ANY(:puids)
""")
_REFUSE = text("""
    UPDATE statements s SET state = 'refused', refused_message = told.message, batch = NULL
    FROM unnest(CAST(:puids AS text[]), CAST(:messages AS text[])) AS told (puid, message)
    WHERE s.batch = :batch AND s.puid = told.puid
""")
_FREE = text("UPDATE statements SET state = 'made', batch = NULL WHERE batch = :batch AND puid = ANY(:puids)")
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
    """The newest statement of a decision, locked: (id, case_id, puid, state, policy_area, actions, decided_at, basis)."""
    return (await connection.execute(_LATEST, {"decision_id": decision_id})).one_or_none()


async def save_edit(connection: AsyncConnection, values: Mapping[str, Any]) -> None:
    """Keep what a holder wrote, in place of what they wrote before."""
    await connection.execute(_SAVE_EDIT, values)


async def drop_edit(connection: AsyncConnection, *, token: UUID, case_id: UUID) -> None:
    """Forget what was written under a lease."""
    await connection.execute(_DROP_EDIT, {"token": token, "case_id": case_id})


async def one(connection: AsyncConnection, statement: UUID, *, viewer: UUID) -> Row[Any] | None:
    """A statement, unless its decision is kept back from this person, who is checking it blindly."""
    return (await connection.execute(_ONE, {"id": statement, "viewer": viewer})).one_or_none()


async def of_case(connection: AsyncConnection, case_id: UUID, *, viewer: UUID) -> Sequence[Row[Any]]:
    """The statements of a case, oldest first."""
    return (await connection.execute(_OF_CASE, {"case_id": case_id, "viewer": viewer})).all()


async def of_decision(connection: AsyncConnection, decision_id: UUID) -> Row[Any] | None:
    """The newest statement of a decision."""
    return (await connection.execute(_OF_DECISION, {"decision_id": decision_id})).one_or_none()


async def listed(connection: AsyncConnection, asked: Mapping[str, Any], *, limit: int) -> Sequence[Row[Any]]:
    """Statements, newest first; `asked` may hold state, category, ground, source_type, since, until and before (a number).

    With a `viewer` and the roles that are `overseeing`, only those of cases that this person may see, and is not checking blindly.
    """
    where = [_VISIBLE] if asked.get("viewer") else []
    where += [_IN_STATE[asked["state"]]] if asked.get("state") else []
    where += [f"s.{name} = :{name}" for name in _COUNTED if asked.get(name)]
    where += ["s.made_at >= :since"] if asked.get("since") else []
    where += ["s.made_at < :until"] if asked.get("until") else []
    where += ["s.number < :before"] if asked.get("before") else []
    statement = text(f"{_SHOWN} WHERE {' AND '.join(where) or 'true'} ORDER BY s.number DESC LIMIT :limit")
    return (await connection.execute(statement, {**asked, "limit": limit})).all()


async def counts(
    connection: AsyncConnection, *, since: datetime | None, until: datetime | None, samples: bool
) -> Sequence[Row[Any]]:
    """(field, code, count), over those of samples as well or not."""
    return (await connection.execute(_COUNTS, {"since": since, "until": until, "samples": samples})).all()


async def has_samples(connection: AsyncConnection) -> bool:
    """Whether a statement of a sample is among them."""
    return bool((await connection.execute(_HAS_SAMPLES)).scalar_one())


async def open_batch(connection: AsyncConnection, *, after: int) -> int | None:
    """The first batch with a number above `after` that nobody has answered for."""
    number: int | None = (await connection.execute(_OPEN_BATCH, {"after": after})).scalar_one()
    return number


async def take_batch(connection: AsyncConnection, *, most: int) -> int | None:
    """Put the oldest statements that are ready into a new batch; its number, None where there is none."""
    return next(iter((await connection.execute(_TAKE, {"most": most})).scalars()), None)


async def batch(connection: AsyncConnection, number: int) -> Sequence[Row[Any]]:
    """(puid, payload) of a batch, always in the same order."""
    return (await connection.execute(_BATCH, {"batch": number})).all()


async def batches(connection: AsyncConnection, *, limit: int) -> Sequence[Row[Any]]:
    """(number, state, made_at, settled_at, count), those that wait for an answer in front."""
    return (await connection.execute(_BATCHES, {"limit": limit})).all()


async def lock_batch(connection: AsyncConnection, number: int) -> Row[Any] | None:
    """(state, answer) of a batch, locked."""
    return (await connection.execute(_LOCK_BATCH, {"batch": number})).one_or_none()


async def settle(
    connection: AsyncConnection, number: int, *, state: str, person: UUID | None, answer: Mapping[str, Any]
) -> None:
    """Keep what became of a batch."""
    values = {"batch": number, "state": state, "person": person, "answer": json.dumps(dict(answer))}
    await connection.execute(_SETTLE, values)


async def publish(connection: AsyncConnection, number: int, puids: Sequence[str]) -> None:
    """These of a batch are in the database."""
    await connection.execute(_PUBLISH, {"batch": number, "puids": list(puids)})


async def refuse(connection: AsyncConnection, number: int, told: Mapping[str, str]) -> None:
    """Set aside those of a batch that the database does not take, each with its message."""
    values = {"batch": number, "puids": list(told), "messages": list(told.values())}
    await connection.execute(_REFUSE, values)


async def free(connection: AsyncConnection, number: int, puids: Sequence[str]) -> None:
    """Let these of a batch go into a later one."""
    await connection.execute(_FREE, {"batch": number, "puids": list(puids)})


async def lock_one(connection: AsyncConnection, statement: UUID) -> Row[Any] | None:
    """(id, state, case_id), locked."""
    return (await connection.execute(_LOCK_ONE, {"id": statement})).one_or_none()


async def amend(connection: AsyncConnection, statement: UUID, values: Mapping[str, Any]) -> None:
    """Put a mended record in place of one that the database did not take."""
    await connection.execute(_AMEND, dict(values) | {"id": statement})
