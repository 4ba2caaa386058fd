"""SQL of intake."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_REMEMBER = text("""
    INSERT INTO intake_keys (principal_id, key, request_hash) VALUES (:principal_id, :key, :request_hash)
    ON CONFLICT DO NOTHING RETURNING key
""")
_REMEMBERED = text("SELECT request_hash, answer FROM intake_keys WHERE principal_id = :principal_id AND key = :key")
_ANSWERED = text("""
    UPDATE intake_keys SET escalation_id = :escalation_id, answer = CAST(:answer AS jsonb)
    WHERE principal_id = :principal_id AND key = :key
""")
_NUMBER = text("SELECT number FROM escalations WHERE id = :id")
_NEED = text("""
    INSERT INTO intake_needs (escalation_id, form_version, missing)
    VALUES (:escalation_id, :form_version, CAST(:missing AS jsonb))
""")
_AWAIT = text("UPDATE escalations SET status = 'needs_information' WHERE id = :id AND status = 'new'")
_OPENED_BY = text("SELECT opened_by FROM escalations WHERE id = :id")
_NEEDS = text("SELECT form_version, missing, asked_at, settled_at FROM intake_needs WHERE escalation_id = :id")
_LOCK = text("""
    SELECT e.number, e.source, e.trigger, e.fields, e.requester, e.summary, e.language, e.status, e.owner, e.path,
           n.settled_at, n.missing
    FROM escalations e LEFT JOIN intake_needs n ON n.escalation_id = e.id WHERE e.id = :id FOR NO KEY UPDATE OF e
""")
_FILL = text("""
    UPDATE escalations SET fields = CAST(:fields AS jsonb), requester = CAST(:requester AS jsonb), summary = :summary
    WHERE id = :id
""")
_STILL_NEED = text("""
    UPDATE intake_needs SET missing = CAST(:missing AS jsonb),
           settled_at = CASE WHEN CAST(:missing AS jsonb) = '[]' THEN now() END
    WHERE escalation_id = :id
""")
_GO_ON = text("""
    UPDATE escalations SET status = CASE WHEN owner IS NULL THEN 'new' ELSE 'working' END
    WHERE id = :id AND status IN ('needs_information', 'waiting') RETURNING status
""")
_LINK_CASE = text("""
    INSERT INTO escalation_links (id, escalation_id, kind, case_id, added_by)
    VALUES (:id, :escalation_id, 'case', :case_id, :added_by) ON CONFLICT DO NOTHING RETURNING id
""")
# The platform's kinds of content are many; what a form calls a post may be any of them.
_CASES_OF = text("""
    SELECT DISTINCT ON (s.id) c.id
    FROM unnest(CAST(:kinds AS text[]), CAST(:ids AS text[])) AS named (kind, id)
    JOIN subjects s ON s.external_id = named.id
        AND (s.kind = named.kind OR (named.kind = 'post' AND s.kind NOT IN ('account', 'profile', 'page', 'ad')))
    JOIN cases c ON c.subject_id = s.id AND NOT c.sample
    ORDER BY s.id, c.status = 'decided', c.opened_at DESC
""")
_CHECKS = text("""
    SELECT c.item, p.username AS ticked_by, c.ticked_at FROM intake_checks c JOIN principals p ON p.id = c.ticked_by
    WHERE c.escalation_id = :id
""")
_TICK = text("""
    INSERT INTO intake_checks (escalation_id, item, ticked_by) VALUES (:escalation_id, :item, :ticked_by)
    ON CONFLICT DO NOTHING RETURNING item
""")
_UNTICK = text("DELETE FROM intake_checks WHERE escalation_id = :escalation_id AND item = :item RETURNING item")


async def remember(connection: AsyncConnection, values: dict[str, Any]) -> bool:
    """Whether this key is used for the first time; a call with it that is under way is waited for."""
    return (await connection.execute(_REMEMBER, values)).one_or_none() is not None


async def remembered(connection: AsyncConnection, *, principal_id: UUID, key: str) -> Row[Any] | None:
    """(request_hash, answer) of a key that was used."""
    return (await connection.execute(_REMEMBERED, {"principal_id": principal_id, "key": key})).one_or_none()


async def answered(connection: AsyncConnection, values: dict[str, Any]) -> None:
    """Keep the answer under its key."""
    await connection.execute(_ANSWERED, values)


async def number_of(connection: AsyncConnection, escalation: UUID) -> int:
    """The number that a record goes by."""
    number: int = (await connection.execute(_NUMBER, {"id": escalation})).scalar_one()
    return number


async def need(
    connection: AsyncConnection, escalation: UUID, missing: Sequence[dict[str, str]], *, version: str
) -> None:
    """Keep what a new record lacks."""
    values = {"escalation_id": escalation, "form_version": version, "missing": json.dumps(list(missing))}
    await connection.execute(_NEED, values)


async def await_information(connection: AsyncConnection, escalation: UUID) -> None:
    """A new record waits for whoever raised it."""
    await connection.execute(_AWAIT, {"id": escalation})


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
    """Change what the form holds: (fields, requester, summary)."""
    given = {"fields": json.dumps(values["fields"]), "requester": json.dumps(values["requester"])}
    await connection.execute(_FILL, {"id": escalation, "summary": values["summary"]} | given)


async def still_need(connection: AsyncConnection, escalation: UUID, missing: Sequence[dict[str, str]]) -> None:
    """Keep what is still missing."""
    await connection.execute(_STILL_NEED, {"id": escalation, "missing": json.dumps(list(missing))})


async def go_on(connection: AsyncConnection, escalation: UUID) -> str | None:
    """Wake a record that waits for others; its status then, or None where it did not wait."""
    return (await connection.execute(_GO_ON, {"id": escalation})).scalar_one_or_none()


async def link_case(connection: AsyncConnection, values: dict[str, Any]) -> bool:
    """Link a case to a record; whether it was not linked before."""
    return (await connection.execute(_LINK_CASE, values)).one_or_none() is not None


async def cases_of(connection: AsyncConnection, *, kinds: Sequence[str], ids: Sequence[str]) -> list[UUID]:
    """The case of each of these subjects that has one: the open one, else the one that was opened last."""
    return list((await connection.execute(_CASES_OF, {"kinds": list(kinds), "ids": list(ids)})).scalars())


async def checks(connection: AsyncConnection, escalation: UUID) -> dict[str, Row[Any]]:
    """What was ticked, by item."""
    return {row.item: row for row in (await connection.execute(_CHECKS, {"id": escalation})).all()}


async def tick(connection: AsyncConnection, values: dict[str, Any]) -> bool:
    """Tick an item; whether it was open."""
    return (await connection.execute(_TICK, values)).one_or_none() is not None


async def untick(connection: AsyncConnection, values: dict[str, Any]) -> bool:
    """Open an item again; whether it was ticked."""
    return (await connection.execute(_UNTICK, values)).one_or_none() is not None
