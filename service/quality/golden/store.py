"""SQL of golden items."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

# What holds in the end, or what a calibration agreed on. From a golden item none is made again, and from what a draft would
# make of content neither: it is not in force.
_ADD = text("""
    WITH right_one AS (
        SELECT i.evidence_id, i.case_id, CASE WHEN CAST(:calibration_id AS uuid) IS NULL THEN k.answer ELSE m.agreed END AS answer,
               d.policy_id
        FROM qa_items i JOIN qa_plans p ON p.id = i.plan_id JOIN cases c ON c.id = i.case_id
        JOIN qa_settlements k ON k.item_id = i.id
        LEFT JOIN decisions d ON d.id = i.decision_id
        LEFT JOIN calibration_items m ON m.item_id = i.id AND m.session_id = CAST(:calibration_id AS uuid)
        WHERE i.id = :item_id AND i.golden_id IS NULL AND i.state = 'settled' AND NOT p.draft
          AND may_see_case(c.id, :person, CAST(:overseeing AS text[])) AND NOT is_checking_case(c.id, :person)
          AND NOT EXISTS (SELECT FROM qa_settlements later WHERE later.replaces = k.id)
    )
    INSERT INTO golden_items (id, evidence_id, case_id, answer, rationale, policy_id, made_by)
    SELECT :id, evidence_id, case_id, answer, :rationale, policy_id, :person FROM right_one WHERE answer IS NOT NULL
    ON CONFLICT (evidence_id) WHERE retired_at IS NULL DO NOTHING
    RETURNING id
""")
_IS_GOLDEN = text("""
    SELECT EXISTS (SELECT FROM qa_items i JOIN golden_items g ON g.evidence_id = i.evidence_id
                   WHERE i.id = :item_id AND g.retired_at IS NULL)
""")
# The same as may be listed: whoever has to judge the content blindly would learn that it is golden.
_SHOWN = """
    may_see_case(g.case_id, :person, CAST(:overseeing AS text[])) AND NOT is_checking_case(g.case_id, :person)
"""
_RETIRE = text(f"""
    UPDATE golden_items g SET retired_at = coalesce(retired_at, now()) WHERE id = :id AND {_SHOWN} RETURNING id
""")  # noqa: S608 - put together from constants
# Where it waits in a plan nobody shall be measured by it any more.
_VOID = text("UPDATE qa_items SET state = 'void' WHERE golden_id = :id AND state = 'waiting'")
_LIST = text(f"""
    SELECT g.id, g.case_id, e.text, g.answer, g.rationale, g.made_at, g.retired_at,
           (SELECT coalesce(jsonb_agg(r.answer), '[]') FROM qa_reviews r JOIN qa_items i ON i.id = r.item_id
            WHERE i.golden_id = g.id AND r.answered_at IS NOT NULL) AS answers
    FROM golden_items g JOIN evidence e ON e.id = g.evidence_id
    WHERE {_SHOWN} AND (CAST(:id AS uuid) IS NULL OR g.id = :id)
    ORDER BY g.made_at DESC, g.id DESC LIMIT :limit
""")  # noqa: S608 - put together from constants


async def add(connection: AsyncConnection, values: Mapping[str, Any], *, overseeing: Sequence[str]) -> bool:
    """Make a golden item of a settled one; False where it is not settled, not this person's to see, or golden already."""
    given = {**values, "overseeing": list(overseeing)}
    return (await connection.execute(_ADD, given)).one_or_none() is not None


async def is_golden(connection: AsyncConnection, item: UUID) -> bool:
    """Whether the content of an item is that of a golden one in use."""
    return bool((await connection.execute(_IS_GOLDEN, {"item_id": item})).scalar_one())


async def retire(connection: AsyncConnection, golden: UUID, *, person: UUID, overseeing: Sequence[str]) -> bool:
    """Take one out of use, wherever it waits; False where there is none that this person may know of."""
    values = {"id": golden, "person": person, "overseeing": list(overseeing)}
    if (await connection.execute(_RETIRE, values)).one_or_none() is None:
        return False
    await connection.execute(_VOID, {"id": golden})
    return True


async def golden(
    connection: AsyncConnection, person: UUID, *, overseeing: Sequence[str], limit: int, only: UUID | None = None
) -> Sequence[Row[Any]]:
    """Golden items with the answers they have had, newest first."""
    values = {"person": person, "overseeing": list(overseeing), "limit": limit, "id": only}
    return (await connection.execute(_LIST, values)).all()
