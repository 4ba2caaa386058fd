"""SQL of calibration sessions."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_ADD = text("INSERT INTO calibration_sessions (id, title, made_by) VALUES (:id, :title, :person)")
# What answers differed on and somebody settled in the period; golden items are left out, they would be known by it.
_ADD_ITEMS = text("""
    INSERT INTO calibration_items (session_id, item_id)
    SELECT :id, i.id FROM qa_items i JOIN cases c ON c.id = i.case_id JOIN qa_settlements k ON k.item_id = i.id
    WHERE k.by <> 'agreement' AND k.settled_at >= :since AND k.settled_at < :until AND i.state = 'settled'
      AND NOT EXISTS (SELECT FROM qa_plans p WHERE p.id = i.plan_id AND p.draft)
      AND i.golden_id IS NULL AND c.special IS NULL AND may_see_case(c.id, :person, CAST(:overseeing AS text[]))
      AND NOT EXISTS (SELECT FROM queues q WHERE q.name = c.queue AND q.restricted)
      AND NOT is_checking_case(c.id, :person)
      AND NOT EXISTS (SELECT FROM qa_settlements later WHERE later.replaces = k.id)
    ORDER BY k.settled_at DESC, i.id LIMIT :items
    RETURNING item_id
""")
_SESSIONS = """
    SELECT s.id, s.title, s.made_at, s.closed_at, s.guidance, count(m.item_id) AS items, count(m.agreed) AS agreed
    FROM calibration_sessions s LEFT JOIN calibration_items m ON m.session_id = s.id
"""
_LIST = text(f"{_SESSIONS} GROUP BY s.id ORDER BY s.made_at DESC, s.id DESC LIMIT :limit")
_ONE = text(f"{_SESSIONS} WHERE s.id = :id GROUP BY s.id")
_ITEMS = text("""
    SELECT i.id AS item_id, s.kind, e.language, e.text, k.answer AS settled, k.error, m.agreed, m.note,
           EXISTS (SELECT FROM golden_items g WHERE g.evidence_id = i.evidence_id AND g.retired_at IS NULL) AS golden
    FROM calibration_items m JOIN qa_items i ON i.id = m.item_id JOIN cases c ON c.id = i.case_id
    JOIN subjects s ON s.id = c.subject_id JOIN evidence e ON e.id = i.evidence_id JOIN qa_settlements k ON k.item_id = i.id
    WHERE m.session_id = :id AND may_see_case(c.id, :person, CAST(:overseeing AS text[]))
      AND NOT is_checking_case(c.id, :person)
      AND NOT EXISTS (SELECT FROM qa_settlements later WHERE later.replaces = k.id)
    ORDER BY k.settled_at, i.id
""")
_AGREE = text("""
    UPDATE calibration_items m SET agreed = CAST(:agreed AS jsonb), note = :note, agreed_at = now()
    FROM calibration_sessions s, qa_items i, cases c
    WHERE m.session_id = :id AND m.item_id = :item_id AND s.id = m.session_id AND s.closed_at IS NULL
      AND i.id = m.item_id AND c.id = i.case_id AND may_see_case(c.id, :person, CAST(:overseeing AS text[]))
      AND NOT is_checking_case(c.id, :person)
    RETURNING m.item_id
""")
_CLOSE = text("""
    UPDATE calibration_sessions SET closed_at = now(), guidance = :guidance WHERE id = :id AND closed_at IS NULL RETURNING id
""")


async def add(connection: AsyncConnection, values: Mapping[str, Any], *, overseeing: Sequence[str]) -> int:
    """Make a session with what was disagreed on; how many items it has."""
    await connection.execute(_ADD, {key: values[key] for key in ("id", "title", "person")})
    given = {key: value for key, value in values.items() if key != "title"}
    return len((await connection.execute(_ADD_ITEMS, {**given, "overseeing": list(overseeing)})).all())


async def sessions(connection: AsyncConnection, *, limit: int) -> Sequence[Row[Any]]:
    """Sessions, newest first."""
    return (await connection.execute(_LIST, {"limit": limit})).all()


async def session(connection: AsyncConnection, session_id: UUID) -> Row[Any] | None:
    """One session."""
    return (await connection.execute(_ONE, {"id": session_id})).one_or_none()


async def items(
    connection: AsyncConnection, session_id: UUID, *, person: UUID, overseeing: Sequence[str]
) -> Sequence[Row[Any]]:
    """The items of a session that this person may see."""
    values = {"id": session_id, "person": person, "overseeing": list(overseeing)}
    return (await connection.execute(_ITEMS, values)).all()


async def agree(
    connection: AsyncConnection, values: Mapping[str, Any], *, agreed: Mapping[str, Any], overseeing: Sequence[str]
) -> bool:
    """Store what an open session agreed on; False where there is no such item in an open session."""
    given = {**values, "agreed": json.dumps(dict(agreed)), "overseeing": list(overseeing)}
    return (await connection.execute(_AGREE, given)).one_or_none() is not None


async def close(connection: AsyncConnection, session_id: UUID, *, guidance: str) -> bool:
    """End an open session with its guidance; False where there is none."""
    values = {"id": session_id, "guidance": guidance}
    return (await connection.execute(_CLOSE, values)).one_or_none() is not None
