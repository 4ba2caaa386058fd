"""The append-only log: every change of state leaves a row that says who did what to which case, when."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_INSERT = text("""
    INSERT INTO events (kind, case_id, escalation_id, actor, data)
    VALUES (:kind, :case_id, :escalation_id, :actor, CAST(:data AS jsonb))
""")


async def record(
    connection: AsyncConnection,
    kind: str,
    *,
    case_id: UUID | None = None,
    actor: UUID | None = None,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Append one event in the caller's transaction. `data` holds identifiers and numbers, never content text."""
    values = {"kind": kind, "case_id": case_id, "escalation_id": None, "actor": actor}
    await connection.execute(_INSERT, values | {"data": json.dumps(dict(data or {}))})


async def record_on(
    connection: AsyncConnection,
    kind: str,
    escalation: UUID,
    *,
    actor: UUID | None = None,
    data: Mapping[str, Any] | None = None,
) -> None:
    """The same for what happened to an escalation. Data with {"privileged": true} are shown to nobody without the right."""
    values = {"kind": kind, "case_id": None, "escalation_id": escalation, "actor": actor}
    await connection.execute(_INSERT, values | {"data": json.dumps(dict(data or {}))})
