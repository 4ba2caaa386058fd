"""What tests about clocks of escalations do again and again."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncConnection

from service.sla import workflow
from service.sla.watching.workflow import Watch
from tests.service.escalations.steps import opened
from tests.service.steps import query

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


def person(database: str, name: str = "test-specialist") -> UUID:
    """The id of an account."""
    [(found,)] = query(database, "SELECT id FROM principals WHERE username = %s", name)
    return UUID(str(found))


async def started(app: FastAPI, database: str, **changes: Any) -> UUID:
    """Open a record at NOON and start its clocks."""
    record = await opened(app, database, **{"received_at": NOON, **changes})
    async with app.state.engine.begin() as connection:
        await workflow.start(connection, record, actor=person(database), now=NOON)
    return record


async def done(app: FastAPI, verb: Any, record: UUID, *given: Any, **named: Any) -> None:
    """Call a verb of the workflow in a transaction of its own."""
    async with app.state.engine.begin() as connection:
        assert isinstance(connection, AsyncConnection)
        await verb(connection, record, *given, **named)


async def furnish_clocks(specialist: httpx.AsyncClient, record: str) -> None:
    """What people write about the clocks of a record, through the API: for tests that open every page."""
    path = f"/v1/escalations/{record}/clocks"
    due = (datetime.now(UTC) + timedelta(hours=9)).isoformat()
    stated = {"due_at": due, "basis": "Order 17/2026", "reason": "It says so itself"}
    assert (await specialist.post(path, json=stated)).is_success
    for verb, body in (
        ("pause", {"reason": "Asked which posts are meant"}),
        ("resume", None),
        ("pause", {"reason": "Again"}),
    ):
        assert (await specialist.post(f"{path}/{verb}", json=body)).is_success


async def watched(app: FastAPI, now: datetime) -> int:
    """One look of the worker at all clocks, at this moment."""
    watch = Watch(app.state.engine, lambda: now)
    return await watch.settle() + await watch.step()


def clocks(database: str, record: UUID, *, running: bool = True) -> dict[tuple[str, str], datetime]:
    """When each clock of a record is due, by target and kind."""
    rows = query(
        database,
        "SELECT target, kind, due_at FROM sla_clocks WHERE escalation_id = %s"
        + (" AND met_at IS NULL AND ended_at IS NULL" if running else ""),
        record,
    )
    return {(target, kind): due_at for target, kind, due_at in rows}


def kinds(database: str, record: UUID) -> list[str]:
    """Kinds of the events of clocks of a record, in order."""
    rows = query(
        database, "SELECT kind FROM events WHERE escalation_id = %s AND kind LIKE 'sla.%%' ORDER BY id", record
    )
    return [kind for (kind,) in rows]
