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


async def link_case(connection: AsyncConnection, values: dict[str, Any]) -> bool:
    """Link a case to a record; whether it was not linked before."""
    return (await connection.execute(_LINK_CASE, values)).one_or_none() is not None


async def cases_of(connection: AsyncConnection, *, kinds: Sequence[str], ids: Sequence[str]) -> list[UUID]:
    """The case of each of these subjects that has one: the open one, else the one that was opened last."""
    return list((await connection.execute(_CASES_OF, {"kinds": list(kinds), "ids": list(ids)})).scalars())
