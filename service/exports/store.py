"""SQL of the label export."""

from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_LABELS = text("""
    SELECT d.id, d.policy_area, d.severity, d.actions, d.taxonomy_version, d.decided_at, d.basis, e.text, e.language
    FROM decisions d JOIN evidence e ON e.id = d.evidence_id JOIN cases c ON c.id = d.case_id
    LEFT JOIN decision_undos u ON u.decision_id = d.id
    WHERE u.decision_id IS NULL AND d.undo_until <= now() AND NOT c.sample AND e.text <> '' ORDER BY d.decided_at, d.id
""")


async def labels(connection: AsyncConnection) -> AsyncIterator[Row[Any]]:
    """Every decision that stands, sample cases left out, with its text, oldest first, streamed."""
    result = await connection.stream(_LABELS)
    async for row in result:
        yield row
