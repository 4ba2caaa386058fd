"""SQL of questions to teams. What somebody may not read is left out here, in the very statement that reads it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

# Warned after three quarters of the time.
_ASK = text("""
    INSERT INTO consults (id, escalation_id, team, question, language, privileged, shown, again_of, asked_by, pauses,
                          warn_at, due_at)
    VALUES (:id, :escalation_id, :team, :question, :language, :privileged, CAST(:shown AS jsonb), :again_of, :asked_by,
            :pauses, now() + make_interval(secs => :minutes * 45), now() + make_interval(mins => :minutes))
""")
_READABLE = """
    may_read_consult(c.id, :person, CAST(:working AS text[]), CAST(:overseeing AS text[]), CAST(:answering AS text[]))
"""
_FIELDS = """
    c.id, e.number, c.team, c.question, c.language, c.privileged, c.shown, a.username AS asked_by, c.asked_at,
    CASE WHEN may_read_consult(c.again_of, :person, CAST(:working AS text[]), CAST(:overseeing AS text[]),
                               CAST(:answering AS text[])) THEN c.again_of END AS again_of,
    c.warn_at, c.due_at, c.pauses, c.status, t.username AS taken_by, c.answer, w.username AS answered_by, c.answered_at,
    c.withdrawn_at, c.precedent_title,
    is_asked_consult(c.id, :person, CAST(:answering AS text[])) AS asked_of_me,
    CASE WHEN v.role = ANY (CAST(:working AS text[]))
              AND may_see_escalation(e.id, :person, CAST(:overseeing AS text[])) THEN e.id END AS escalation_id,
    CASE WHEN c.status IN ('answered', 'withdrawn') THEN 'done' WHEN c.due_at <= now() THEN 'late'
         WHEN c.warn_at <= now() THEN 'soon' ELSE 'open' END AS state,
    (SELECT coalesce(jsonb_agg(jsonb_build_object('kind', m.kind, 'body', m.body, 'author', p.username,
                                                  'written_at', m.written_at) ORDER BY m.written_at, m.id), '[]')
     FROM consult_messages m JOIN principals p ON p.id = m.written_by WHERE m.consult_id = c.id) AS remarks
"""
_FROM = """
    FROM consults c
    JOIN escalations e ON e.id = c.escalation_id
    JOIN principals v ON v.id = :person
    JOIN principals a ON a.id = c.asked_by
    LEFT JOIN principals t ON t.id = c.taken_by
    LEFT JOIN principals w ON w.id = c.answered_by
"""
_OPEN = "c.status IN ('waiting', 'taken', 'asked_back')"
_ORDER = f"ORDER BY {_OPEN} DESC, CASE WHEN {_OPEN} THEN c.due_at END, c.asked_at DESC, c.id"
# All put together from constants.
_GET = text(f"SELECT {_FIELDS} {_FROM} WHERE c.id = :id AND {_READABLE}")
_OF_RECORD = text(f"SELECT {_FIELDS} {_FROM} WHERE c.escalation_id = :escalation AND {_READABLE} {_ORDER}")
_OF_TEAMS = text(f"""
    SELECT {_FIELDS} {_FROM}
    WHERE c.team IN (SELECT team FROM consult_members WHERE principal_id = :person)
      AND is_asked_consult(c.id, :person, CAST(:answering AS text[]))
      AND ({_OPEN} = CAST(:open AS boolean)) {_ORDER} LIMIT :limit
""")  # noqa: S608
_ADVICE = text("""
    SELECT team, question, answer, answered_at FROM consults
    WHERE escalation_id = :escalation AND NOT privileged AND status = 'answered' ORDER BY answered_at, id
""")
_LOCK = text(
    "SELECT status, taken_by, asked_by, escalation_id, team, privileged, pauses FROM consults WHERE id = :id FOR UPDATE"
)
_TAKE = text("UPDATE consults SET status = 'taken', taken_by = :person, taken_at = now() WHERE id = :id")
_ASK_BACK = text("UPDATE consults SET status = 'asked_back', taken_by = :person WHERE id = :id")
_EXPLAINED = text(
    "UPDATE consults SET status = CASE WHEN taken_by IS NULL THEN 'waiting' ELSE 'taken' END WHERE id = :id"
)
_REMARK = text("""
    INSERT INTO consult_messages (id, consult_id, kind, body, written_by) VALUES (:id, :consult, :kind, :body, :person)
""")
_ANSWER = text("""
    UPDATE consults SET status = 'answered', answer = :answer, answered_by = :person, answered_at = now(),
           taken_by = coalesce(taken_by, :person), taken_at = coalesce(taken_at, now())
    WHERE id = :id
""")
_WITHDRAW = text("UPDATE consults SET status = 'withdrawn', withdrawn_at = now() WHERE id = :id")
_PRECEDENT = text("UPDATE consults SET precedent_title = :title, precedent_by = :person WHERE id = :id")
# Of two answers at once the second waits here, and then sees the first.
_LOCK_RECORD = text("SELECT waiting_for FROM escalations WHERE id = :escalation FOR NO KEY UPDATE")
_WAITED_FOR = text(f"""
    SELECT count(*) FILTER (WHERE c.pauses AND c.privileged = :privileged) AS pausing, count(*) AS open
    FROM consults c WHERE c.escalation_id = :escalation AND {_OPEN}
""")  # noqa: S608
_PRECEDENTS = text(f"""
    SELECT c.id, c.precedent_title AS title, c.team, e.policy_area, e.jurisdiction, c.privileged, c.question, c.answer,
           c.language, c.answered_at
    FROM consults c JOIN escalations e ON e.id = c.escalation_id
    WHERE c.precedent_title IS NOT NULL
      AND (:words = '' OR to_tsvector('simple', c.precedent_title || ' ' || c.question || ' ' || c.answer)
                          @@ websearch_to_tsquery('simple', :words))
      AND (:area = '' OR e.policy_area = :area) AND (:jurisdiction = '' OR e.jurisdiction = :jurisdiction)
      AND (:team = '' OR c.team = :team) AND {_READABLE}
    ORDER BY c.answered_at DESC, c.id LIMIT :limit OFFSET :offset
""")  # noqa: S608


async def ask(connection: AsyncConnection, values: Mapping[str, Any], *, shown: Mapping[str, Any]) -> None:
    """Keep a question; its clock starts now and runs for `minutes`."""
    await connection.execute(_ASK, {**values, "shown": json.dumps(dict(shown), ensure_ascii=False)})


async def consult(connection: AsyncConnection, consult: UUID, rights: Mapping[str, Any]) -> Row[Any] | None:
    """A question that this person may read; None for any other."""
    return (await connection.execute(_GET, {**rights, "id": consult})).one_or_none()


async def of_record(connection: AsyncConnection, escalation: UUID, rights: Mapping[str, Any]) -> Sequence[Row[Any]]:
    """The questions about a record that this person may read."""
    return (await connection.execute(_OF_RECORD, {**rights, "escalation": escalation})).all()


async def of_teams(
    connection: AsyncConnection, rights: Mapping[str, Any], *, open_ones: bool, limit: int
) -> Sequence[Row[Any]]:
    """Questions to the teams that this person is in."""
    return (await connection.execute(_OF_TEAMS, {**rights, "open": open_ones, "limit": limit})).all()


async def advice(connection: AsyncConnection, escalation: UUID) -> Sequence[Row[Any]]:
    """Answered questions about a record, without any that is privileged and without names."""
    return (await connection.execute(_ADVICE, {"escalation": escalation})).all()


async def lock(connection: AsyncConnection, consult: UUID) -> Row[Any]:
    """(status, taken_by, asked_by, escalation_id, team, privileged, pauses) of a question, locked."""
    return (await connection.execute(_LOCK, {"id": consult})).one()


async def take(connection: AsyncConnection, consult: UUID, *, person: UUID) -> None:
    """Say who answers a locked question."""
    await connection.execute(_TAKE, {"id": consult, "person": person})


async def ask_back(connection: AsyncConnection, consult: UUID, *, person: UUID) -> None:
    """Let a locked question wait for the asker."""
    await connection.execute(_ASK_BACK, {"id": consult, "person": person})


async def explained(connection: AsyncConnection, consult: UUID) -> None:
    """Give a locked question back to the team."""
    await connection.execute(_EXPLAINED, {"id": consult})


async def remark(connection: AsyncConnection, values: Mapping[str, Any]) -> None:
    """Keep what one side said to the other."""
    await connection.execute(_REMARK, dict(values))


async def answer(connection: AsyncConnection, consult: UUID, *, answer: str, person: UUID) -> None:
    """Answer a locked question."""
    await connection.execute(_ANSWER, {"id": consult, "answer": answer, "person": person})


async def withdraw(connection: AsyncConnection, consult: UUID) -> None:
    """Take a locked question back."""
    await connection.execute(_WITHDRAW, {"id": consult})


async def keep_precedent(connection: AsyncConnection, consult: UUID, *, title: str | None, person: UUID) -> None:
    """Keep a locked question for later cases, or no longer."""
    await connection.execute(_PRECEDENT, {"id": consult, "title": title, "person": person})


async def lock_record(connection: AsyncConnection, escalation: UUID) -> str | None:
    """What a record waits for; others who settle a question about it wait until the transaction ends."""
    waits_for: str | None = (await connection.execute(_LOCK_RECORD, {"escalation": escalation})).scalar_one()
    return waits_for


async def waited_for(connection: AsyncConnection, escalation: UUID, *, privileged: bool) -> Row[Any]:
    """(pausing, open): for how many open questions of that kind the clocks of a record wait, and how many are open at all."""
    values = {"escalation": escalation, "privileged": privileged}
    return (await connection.execute(_WAITED_FOR, values)).one()


async def precedents(connection: AsyncConnection, values: Mapping[str, Any]) -> Sequence[Row[Any]]:
    """Kept answers that this person may read, newest first."""
    return (await connection.execute(_PRECEDENTS, dict(values))).all()
