"""SQL of feedback: told to whoever said otherwise, seen, objected to, resolved by somebody else."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

# What the person said: the decision where it was theirs, else their blind answer.
_SAID = """
    CASE WHEN d.decided_by = f.person THEN jsonb_build_object('policy_area', d.policy_area, 'severity', d.severity,
              'actions', d.actions)
         ELSE (SELECT r.answer FROM qa_reviews r WHERE r.item_id = i.id AND r.reviewer = f.person) END AS said
"""
_FROM = """
    FROM qa_feedback f JOIN qa_settlements k ON k.id = f.settlement_id JOIN qa_items i ON i.id = k.item_id
    JOIN evidence e ON e.id = i.evidence_id LEFT JOIN decisions d ON d.id = i.decision_id
"""
_HOLDS = "NOT EXISTS (SELECT FROM qa_settlements later WHERE later.replaces = k.id)"
_OPEN = f"f.disputed_at IS NULL AND now() < f.told_at + make_interval(days => :days) AND {_HOLDS}"
_MINE = text(f"""
    SELECT f.id, CASE WHEN may_see_case(i.case_id, :person, CAST(:overseeing AS text[])) THEN i.case_id END AS case_id,
           CASE WHEN may_see_case(i.case_id, :person, CAST(:overseeing AS text[])) THEN e.text ELSE '' END AS text,
           {_SAID}, k.answer AS holds, k.note, f.told_at, f.seen_at,
           f.told_at + make_interval(days => :days) AS dispute_until, {_OPEN} AS may_dispute, f.disputed_at, f.objection,
           f.resolved_at, f.upheld, f.reply, NOT {_HOLDS} AS replaced
    {_FROM} WHERE f.person = :person AND f.told_at <= now()
    ORDER BY f.seen_at IS NOT NULL, f.told_at DESC, f.id DESC LIMIT :limit
""")
_SEE = text("""
    UPDATE qa_feedback SET seen_at = coalesce(seen_at, now())
    WHERE id = :id AND person = :person AND told_at <= now() RETURNING id
""")
_DISPUTE = text(f"""
    UPDATE qa_feedback f SET disputed_at = now(), objection = :objection, seen_at = coalesce(seen_at, now())
    FROM qa_settlements k
    WHERE f.id = :id AND f.person = :person AND f.told_at <= now() AND k.id = f.settlement_id AND {_OPEN}
    RETURNING f.id
""")  # noqa: S608 - put together from constants
# Somebody else: not who objects, none of those who answered, decided, or ever settled the item or resolved an objection to it.
_MAY_RESOLVE = """
    f.disputed_at IS NOT NULL AND f.resolved_at IS NULL AND f.person <> :person
    AND d.decided_by IS DISTINCT FROM :person AND may_see_case(i.case_id, :person, CAST(:overseeing AS text[]))
    AND NOT EXISTS (SELECT FROM qa_reviews r WHERE r.item_id = i.id AND r.reviewer = :person AND r.answered_at IS NOT NULL)
    AND NOT EXISTS (SELECT FROM qa_settlements s LEFT JOIN qa_feedback o ON o.settlement_id = s.id
                    WHERE s.item_id = i.id AND :person IN (s.settled_by, o.resolved_by))
    AND NOT EXISTS (SELECT FROM golden_items g WHERE g.id = i.golden_id AND g.made_by = :person)
    AND NOT is_checking_case(i.case_id, :person)
    AND (SELECT c.scope_id FROM cases c WHERE c.id = i.case_id) IN (SELECT suited_scopes(:person))
"""
_OBJECTIONS = text(f"""
    SELECT f.id AS feedback_id, i.case_id, e.text, {_SAID}, k.answer AS holds, k.note, f.objection, f.disputed_at
    {_FROM} WHERE {_MAY_RESOLVE} ORDER BY f.disputed_at, f.id LIMIT :limit
""")
# The lock first, for all objections to one item: only a statement of its own sees what those before have settled.
_LOCK = text(f"SELECT f.id {_FROM} WHERE f.id = :id FOR NO KEY UPDATE OF f, i")
_OBJECTION = text(f"""
    SELECT k.id AS settlement_id, k.item_id, i.golden_id, k.answer, {_HOLDS} AS holds {_FROM} WHERE f.id = :id AND {_MAY_RESOLVE}
""")
_RESOLVE = text("""
    UPDATE qa_feedback SET resolved_at = now(), resolved_by = :person, upheld = :upheld, reply = :reply WHERE id = :id
""")
_KNOWN = text("SELECT EXISTS (SELECT FROM qa_feedback WHERE id = :id AND person = :person AND told_at <= now())")
_WAITING = text("SELECT EXISTS (SELECT FROM qa_feedback WHERE id = :id AND disputed_at IS NOT NULL)")
_UNSEEN = text("""
    SELECT count(*) FROM qa_feedback WHERE person = :person AND seen_at IS NULL AND told_at <= now()
""")


async def mine(connection: AsyncConnection, values: Mapping[str, Any]) -> Sequence[Row[Any]]:
    """What this person was told: first what they have not seen, the newest first."""
    return (await connection.execute(_MINE, dict(values))).all()


async def unseen(connection: AsyncConnection, person: UUID) -> int:
    """How much of it this person has not looked at."""
    return int((await connection.execute(_UNSEEN, {"person": person})).scalar_one())


async def see(connection: AsyncConnection, feedback: UUID, *, person: UUID) -> bool:
    """Note that it was seen; False where it is not this person's."""
    return (await connection.execute(_SEE, {"id": feedback, "person": person})).one_or_none() is not None


async def dispute(connection: AsyncConnection, feedback: UUID, *, person: UUID, objection: str, days: int) -> bool:
    """Object; False where it is too late, was done before, or is not this person's."""
    values = {"id": feedback, "person": person, "objection": objection, "days": days}
    return (await connection.execute(_DISPUTE, values)).one_or_none() is not None


async def is_known(connection: AsyncConnection, feedback: UUID, *, person: UUID) -> bool:
    """Whether this person was told of it."""
    return bool((await connection.execute(_KNOWN, {"id": feedback, "person": person})).scalar_one())


async def is_objected(connection: AsyncConnection, feedback: UUID) -> bool:
    """Whether anybody ever objected to it."""
    return bool((await connection.execute(_WAITING, {"id": feedback})).scalar_one())


async def objections(
    connection: AsyncConnection, person: UUID, *, overseeing: Sequence[str], limit: int
) -> Sequence[Row[Any]]:
    """Objections that this person may resolve, oldest first."""
    values = {"person": person, "overseeing": list(overseeing), "limit": limit}
    return (await connection.execute(_OBJECTIONS, values)).all()


async def lock(
    connection: AsyncConnection, feedback: UUID, *, person: UUID, overseeing: Sequence[str]
) -> Row[Any] | None:
    """Lock an objection that this person may resolve: (settlement_id, item_id, golden_id, answer, holds)."""
    await connection.execute(_LOCK, {"id": feedback})
    values = {"id": feedback, "person": person, "overseeing": list(overseeing)}
    return (await connection.execute(_OBJECTION, values)).one_or_none()


async def resolve(connection: AsyncConnection, feedback: UUID, *, person: UUID, upheld: bool, reply: str) -> None:
    """Answer a locked objection."""
    await connection.execute(_RESOLVE, {"id": feedback, "person": person, "upheld": upheld, "reply": reply})
