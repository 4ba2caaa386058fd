"""SQL of second opinions: at most one waits on a case, and nobody answers their own."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

# The lease ends, the question waits and the case is back in its queue, or none of the three.
_ASK = text("""
    WITH live AS MATERIALIZED (
        SELECT id FROM cases
        WHERE id = :case_id AND lease_token = :token AND lease_holder = :holder
          AND status = 'leased' AND lease_expires_at > now()
        FOR NO KEY UPDATE
    ), asked AS (
        INSERT INTO second_opinions (id, case_id, asked_by, question, proposal)
        SELECT :id, id, :holder, :question, CAST(:proposal AS jsonb) FROM live
        ON CONFLICT (case_id) WHERE answered_at IS NULL AND withdrawn_at IS NULL DO NOTHING
        RETURNING case_id, asked_at
    ), freed AS (
        UPDATE cases SET status = 'open', lease_token = NULL, lease_holder = NULL, lease_expires_at = NULL
        FROM asked WHERE cases.id = asked.case_id
    ), ended AS (
        UPDATE leases SET ended_at = now(), outcome = 'second_opinion' FROM asked WHERE leases.token = :token
    ), passed AS (
        INSERT INTO skips (principal_id, case_id, until) SELECT :holder, case_id, 'infinity' FROM asked
        ON CONFLICT (principal_id, case_id) DO UPDATE SET until = 'infinity'
    ), logged AS (
        INSERT INTO events (kind, case_id, actor, data)
        SELECT 'opinion.asked', case_id, :holder, jsonb_build_object('opinion', CAST(:id AS text)) FROM asked
    )
    SELECT (SELECT asked_at FROM asked) AS asked_at FROM live
""")
# Locked: whoever withdraws it in the same moment comes first or is told that it was answered.
_WAITING = text("""
    SELECT id, asked_by, proposal FROM second_opinions
    WHERE case_id = :case_id AND answered_at IS NULL AND withdrawn_at IS NULL FOR NO KEY UPDATE
""")
_ANSWER = text("""
    WITH answered AS (
        UPDATE second_opinions SET answered_by = :person, answer = CAST(:answer AS jsonb), answered_at = now(),
               agreed = :agreed, decision_id = :decision_id
        WHERE id = :id
        RETURNING id, case_id
    )
    INSERT INTO events (kind, case_id, actor, data)
    SELECT 'opinion.answered', case_id, :person, jsonb_build_object('opinion', id) FROM answered
""")
# Where the reports went to another case, the question goes along, unless one waits there already.
_REOPEN = text("""
    WITH again AS (
        UPDATE second_opinions AS o SET answered_by = NULL, answer = NULL, answered_at = NULL, agreed = NULL,
               decision_id = NULL, case_id = :case_id,
               withdrawn_at = CASE WHEN EXISTS (
                   SELECT FROM second_opinions AS w
                   WHERE w.case_id = :case_id AND w.answered_at IS NULL AND w.withdrawn_at IS NULL
               ) THEN now() END
        WHERE decision_id = :decision_id
        RETURNING id, asked_by, withdrawn_at
    ), passed AS (
        INSERT INTO skips (principal_id, case_id, until)
        SELECT asked_by, :case_id, 'infinity' FROM again WHERE withdrawn_at IS NULL
        ON CONFLICT (principal_id, case_id) DO UPDATE SET until = 'infinity'
    )
    INSERT INTO events (kind, case_id, actor, data)
    SELECT CASE WHEN withdrawn_at IS NULL THEN 'opinion.reopened' ELSE 'opinion.withdrawn' END, :case_id, :person,
           jsonb_build_object('opinion', id)
    FROM again
""")
_WITHDRAW = text("""
    WITH withdrawn AS (
        UPDATE second_opinions SET withdrawn_at = now()
        WHERE id = :id AND asked_by = :person AND answered_at IS NULL AND withdrawn_at IS NULL
        RETURNING id, case_id
    ), back AS (
        DELETE FROM skips USING withdrawn WHERE skips.case_id = withdrawn.case_id AND skips.principal_id = :person
    )
    INSERT INTO events (kind, case_id, actor, data)
    SELECT 'opinion.withdrawn', case_id, :person, jsonb_build_object('opinion', id) FROM withdrawn RETURNING case_id
""")
_ASKED = text("SELECT EXISTS (SELECT FROM second_opinions WHERE id = :id AND asked_by = :person)")
_LIST = """
    SELECT o.id, o.case_id, o.question, o.asked_at, o.proposal, o.answer, o.agreed, o.answered_at,
           d.undo_until AS revealed_at, coalesce(d.undo_until <= now(), false) AS stands,
           may_see_case(o.case_id, :person, CAST(:overseeing AS text[])) AS visible,
           CASE WHEN o.withdrawn_at IS NOT NULL THEN 'withdrawn' WHEN o.answered_at IS NOT NULL THEN 'answered'
                ELSE 'waiting' END AS state
    FROM second_opinions o LEFT JOIN decisions d ON d.id = o.decision_id
    WHERE o.{side} = :person ORDER BY o.{at} DESC, o.id DESC LIMIT :limit
"""
_ASKED_BY = text(_LIST.format(side="asked_by", at="asked_at"))
_ANSWERED_BY = text(_LIST.format(side="answered_by", at="answered_at"))


async def ask(
    connection: AsyncConnection, values: Mapping[str, Any], *, proposal: Mapping[str, Any]
) -> Row[Any] | None:
    """End a live lease with a question: (asked_at,), which is None when one waits already; no row: not live."""
    text_of = json.dumps(dict(proposal), ensure_ascii=False)
    return (await connection.execute(_ASK, {**values, "proposal": text_of})).one_or_none()


async def waiting(connection: AsyncConnection, case_id: UUID) -> Row[Any] | None:
    """The question that waits on a case, locked: (id, asked_by, proposal)."""
    return (await connection.execute(_WAITING, {"case_id": case_id})).one_or_none()


async def answer(connection: AsyncConnection, values: Mapping[str, Any], *, answer: Mapping[str, Any]) -> None:
    """Store the answer to a locked question."""
    await connection.execute(_ANSWER, {**values, "answer": json.dumps(dict(answer), ensure_ascii=False)})


async def reopen(connection: AsyncConnection, decision_id: UUID, *, case_id: UUID, person: UUID) -> None:
    """Let the question that a decision answered wait again, on the case that is open now."""
    await connection.execute(_REOPEN, {"decision_id": decision_id, "case_id": case_id, "person": person})


async def withdraw(connection: AsyncConnection, opinion: UUID, *, person: UUID) -> UUID | None:
    """Take back a question that waits; its case, or None when it does not wait or is not this person's."""
    return (await connection.execute(_WITHDRAW, {"id": opinion, "person": person})).scalar_one_or_none()


async def is_asked_by(connection: AsyncConnection, opinion: UUID, *, person: UUID) -> bool:
    """Whether this person asked it."""
    return bool((await connection.execute(_ASKED, {"id": opinion, "person": person})).scalar_one())


async def asked_by(
    connection: AsyncConnection, person: UUID, *, overseeing: Sequence[str], limit: int
) -> Sequence[Row[Any]]:
    """What this person asked, newest first."""
    values = {"person": person, "overseeing": list(overseeing), "limit": limit}
    return (await connection.execute(_ASKED_BY, values)).all()


async def answered_by(
    connection: AsyncConnection, person: UUID, *, overseeing: Sequence[str], limit: int
) -> Sequence[Row[Any]]:
    """What this person answered, newest first."""
    values = {"person": person, "overseeing": list(overseeing), "limit": limit}
    return (await connection.execute(_ANSWERED_BY, values)).all()
