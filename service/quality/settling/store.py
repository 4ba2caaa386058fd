"""SQL of settlements: what holds for an item in the end, and who is told."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

# Everything that was said about one item: the decision, or what a golden item holds to be right, and the blind answers.
_FACTS = text("""
    SELECT i.id, i.state, i.golden_id, p.reviews, p.draft, d.decided_by,
           coalesce(g.answer, jsonb_build_object('policy_area', d.policy_area, 'severity', d.severity, 'actions', d.actions))
               AS first,
           coalesce(d.note, '') AS first_note,
           (SELECT coalesce(jsonb_agg(jsonb_build_object('token', r.token, 'reviewer', r.reviewer, 'answer', r.answer)
                                      ORDER BY r.answered_at, r.token), '[]')
            FROM qa_reviews r WHERE r.item_id = i.id AND r.answered_at IS NOT NULL) AS answers
    FROM qa_items i JOIN qa_plans p ON p.id = i.plan_id LEFT JOIN decisions d ON d.id = i.decision_id
    LEFT JOIN golden_items g ON g.id = i.golden_id
    WHERE i.id = :item_id
""")
# The item is locked, or the update decides: of two who settle, one is first. A replacement is of a settlement that holds.
_SETTLE = text("""
    WITH item AS (
        UPDATE qa_items SET state = 'settled' WHERE id = :item_id AND state = ANY (CAST(:from_states AS text[])) RETURNING id
    )
    INSERT INTO qa_settlements (id, item_id, by, settled_by, answer, error, note, replaces)
    SELECT :id, item.id, :by, :settled_by, CAST(:answer AS jsonb), :error, :note, :replaces FROM item RETURNING id
""")
_DISPUTE = text("UPDATE qa_items SET state = 'disputed' WHERE id = :item_id AND state = 'waiting'")
_TELL = text("""
    INSERT INTO qa_feedback (id, settlement_id, person, told_at)
    SELECT new.id, :settlement, new.person, now() + make_interval(hours => :hours)
    FROM unnest(CAST(:ids AS uuid[]), CAST(:people AS uuid[])) AS new (id, person) ON CONFLICT DO NOTHING
""")
# In one order for everybody: a person with two pages open waits for themselves in turn.
_LOOK = text("""
    INSERT INTO qa_looks (case_id, person) SELECT DISTINCT seen.id, CAST(:person AS uuid)
    FROM unnest(CAST(:cases AS uuid[])) AS seen (id) ORDER BY seen.id ON CONFLICT DO NOTHING
""")


async def facts(connection: AsyncConnection, item: UUID) -> Row[Any] | None:
    """What was said about an item: (id, state, golden_id, reviews, draft, decided_by, first, first_note, answers)."""
    return (await connection.execute(_FACTS, {"item_id": item})).one_or_none()


async def settle(
    connection: AsyncConnection, values: Mapping[str, Any], *, answer: Mapping[str, Any], from_states: Sequence[str]
) -> bool:
    """Settle an item that is in one of these states; False when it is in another by now."""
    given = {**values, "answer": json.dumps(dict(answer)), "from_states": list(from_states)}
    return (await connection.execute(_SETTLE, given)).one_or_none() is not None


async def dispute(connection: AsyncConnection, item: UUID) -> None:
    """Let an item wait for somebody who reads all answers."""
    await connection.execute(_DISPUTE, {"item_id": item})


async def tell(connection: AsyncConnection, settlement: UUID, people: Mapping[UUID, UUID], *, hours: int) -> None:
    """Give feedback, by its id, to people; seen so many hours from now."""
    values = {"settlement": settlement, "ids": list(people), "people": list(people.values()), "hours": hours}
    await connection.execute(_TELL, values)


async def look(connection: AsyncConnection, cases: Sequence[UUID], *, person: UUID) -> None:
    """Keep that a person was shown what was said about these cases."""
    await connection.execute(_LOOK, {"cases": list(cases), "person": person})
