"""SQL of what is missing in escalations."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_OPENED_BY = text("SELECT opened_by FROM escalations WHERE id = :id")
_NEEDS = text("SELECT form_version, missing, asked_at, settled_at FROM intake_needs WHERE escalation_id = :id")
_LOCK = text("""
    SELECT e.number, e.source, e.trigger, e.fields, e.requester, e.summary, e.language, e.status, e.owner, e.path,
           n.settled_at, n.missing
    FROM escalations e LEFT JOIN intake_needs n ON n.escalation_id = e.id WHERE e.id = :id FOR NO KEY UPDATE OF e
""")
_FILL = text("""
    UPDATE escalations SET fields = CAST(:fields AS jsonb), requester = CAST(:requester AS jsonb), summary = :summary,
           -- It may turn out to have come earlier, never later: clocks of the law begin there.
           received_at = least(received_at, CAST(:received AS timestamptz)),
           jurisdiction = coalesce(jurisdiction, CAST(:country AS text))
    WHERE id = :id
""")
_STILL_NEED = text("""
    UPDATE intake_needs SET missing = CAST(:missing AS jsonb),
           settled_at = CASE WHEN CAST(:missing AS jsonb) = '[]' THEN now() END
    WHERE escalation_id = :id
""")


async def opened_by(connection: AsyncConnection, escalation: UUID) -> UUID | None:
    """Who opened a record; None where there is none."""
    return (await connection.execute(_OPENED_BY, {"id": escalation})).scalar_one_or_none()


async def needs(connection: AsyncConnection, escalation: UUID) -> Row[Any] | None:
    """What a record lacks, or lacked: (form_version, missing, asked_at, settled_at)."""
    return (await connection.execute(_NEEDS, {"id": escalation})).one_or_none()


async def lock(connection: AsyncConnection, escalation: UUID) -> Row[Any]:
    """A record with what it lacks, locked against other changes; it has to exist."""
    return (await connection.execute(_LOCK, {"id": escalation})).one()


async def fill(connection: AsyncConnection, escalation: UUID, values: dict[str, Any]) -> None:
    """Change what the form holds: (fields, requester, summary, received, country)."""
    given = {"fields": json.dumps(values["fields"]), "requester": json.dumps(values["requester"])}
    await connection.execute(_FILL, values | given | {"id": escalation})


async def still_need(connection: AsyncConnection, escalation: UUID, missing: Sequence[dict[str, str]]) -> None:
    """Keep what is still missing."""
    await connection.execute(_STILL_NEED, {"id": escalation, "missing": json.dumps(list(missing))})
