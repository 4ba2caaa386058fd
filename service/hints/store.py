"""SQL of hints."""

from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.db import fetch_one

_SCORED = text("""
    SELECT e.id, e.text, e.language, e.bundle, e.score FROM cases c JOIN evidence e ON e.id = c.evidence_id WHERE c.id = :case_id
""")


async def scored(connection: AsyncConnection, case_id: UUID) -> Any | None:
    """(id, text, language, bundle, score) of the evidence of a case."""
    return await fetch_one(connection, _SCORED, {"case_id": case_id})
