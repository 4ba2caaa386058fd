"""What tests about escalations do again and again."""

from typing import Any
from uuid import UUID

from fastapi import FastAPI

from service.escalations.schemas import NewEscalation
from service.escalations.workflow import open_escalation
from tests.service.steps import query

RECORD: dict[str, Any] = {
    "source": "press",
    "trigger": "press_query",
    "title": "A newspaper asks about removed posts",
    "summary": "They print tomorrow.",
    "language": "en",
    "requester": {"name": "Robin Reader", "organisation": "The Daily", "email": "robin@daily.example"},
}


async def opened(app: FastAPI, database: str, *, by: str = "test-specialist", **changes: Any) -> UUID:
    """Open a record straight through its workflow; returns its id."""
    [(person,)] = query(database, "SELECT id FROM principals WHERE username = %s", by)
    async with app.state.engine.begin() as connection:
        return await open_escalation(connection, NewEscalation(**{**RECORD, **changes}), opened_by=person)
