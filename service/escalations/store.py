"""SQL of escalations."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_OPEN = text("""
    INSERT INTO escalations (id, source, trigger, title, summary, fields, language, jurisdiction, policy_area, severity,
                             confidentiality, path, high_profile, at_risk, requester, opened_by, received_at)
    VALUES (:id, :source, :trigger, :title, :summary, CAST(:fields AS jsonb), :language, :jurisdiction, :policy_area, :severity,
            :confidentiality, :path, :high_profile, :at_risk, CAST(:requester AS jsonb), :opened_by,
            coalesce(CAST(:received_at AS timestamptz), now()))
    RETURNING number, received_at
""")
_FIELDS = """
    e.id, e.number, e.source, e.trigger, e.title, e.summary, e.fields, e.language, e.jurisdiction, e.policy_area, e.severity,
    e.confidentiality, e.path, e.high_profile, e.at_risk, e.grey_area, e.status, e.waiting_for, e.version, e.owner AS owner_id, p.username AS owner,
    e.requester, e.received_at, e.opened_at, e.resolution, e.resolution_note, e.resolved_at, e.unowned_since
"""
_GET = text(f"""
    SELECT {_FIELDS} FROM escalations e LEFT JOIN principals p ON p.id = e.owner
    WHERE e.id = :id AND may_see_escalation(e.id, :viewer, CAST(:overseeing AS text[]))
""")  # noqa: S608 - put together from constants
_LOCK = text("SELECT status FROM escalations WHERE id = :id FOR NO KEY UPDATE")
_PLAIN = text(f"""
    SELECT {_FIELDS} FROM escalations e LEFT JOIN principals p ON p.id = e.owner WHERE e.id = :id
""")  # noqa: S608 - put together from constants
_LINK = text("""
    INSERT INTO escalation_links (id, escalation_id, kind, case_id, other_id, external_id, added_by)
    VALUES (:id, :escalation_id, :kind, :case_id, :other_id, :external_id, :added_by)
""")
_NAMES = text("""
    SELECT EXISTS (SELECT FROM escalation_links WHERE escalation_id = :id AND other_id = :other AND ended_at IS NULL)
""")
# Whoever may have a record: somebody with a role that works on escalations, who sees this one.
_WORKER = text("""
    SELECT id FROM principals WHERE username = :username AND active AND role = ANY(CAST(:working AS text[]))
""")
_MAY_SEE = text("SELECT may_see_escalation(:id, :person, CAST(:overseeing AS text[]))")
_MOVE = text("""
    UPDATE escalations SET status = CAST(:status AS text), owner = :owner, waiting_for = :waiting_for, resolution = :resolution,
        resolution_note = :resolution_note,
        resolved_at = CASE WHEN CAST(:status AS text) = 'resolved' THEN now() END
    WHERE id = :id
""")
_ADD_MESSAGE = text("""
    INSERT INTO escalation_messages (id, escalation_id, direction, kind, body, language, written_by)
    VALUES (:id, :escalation_id, :direction, :kind, :body, :language, :written_by)
    RETURNING written_at
""")
_MESSAGES = """
    SELECT m.id, m.direction, m.kind, m.body, m.language, p.username AS author, m.written_at
    FROM escalation_messages m LEFT JOIN principals p ON p.id = m.written_by
    WHERE m.escalation_id = :id {which} ORDER BY m.written_at DESC, m.id DESC LIMIT :limit
"""
_EARLIER = "AND (m.written_at, m.id) < (SELECT b.written_at, b.id FROM escalation_messages b WHERE b.id = :before)"
_IS_MESSAGE = text("SELECT EXISTS (SELECT FROM escalation_messages WHERE id = :message AND escalation_id = :id)")
# An event that says {"privileged": true} is not there for whoever may not read what is privileged.
_EVENTS = text("""
    SELECT e.id, e.at, e.kind, p.username AS actor,
           e.data || jsonb_strip_nulls(jsonb_build_object('username', about.username)) AS data
    FROM events e LEFT JOIN principals p ON p.id = e.actor
    LEFT JOIN principals about ON CAST(about.id AS text) = coalesce(e.data ->> 'owner', e.data ->> 'principal', e.data ->> 'to')
    WHERE e.escalation_id = :id
      AND (NOT e.data @> '{"privileged": true}' OR (SELECT v.privileged FROM principals v WHERE v.id = :viewer))
      AND (CAST(:before AS bigint) IS NULL OR e.id < CAST(:before AS bigint))
    ORDER BY e.id DESC LIMIT CAST(:limit AS bigint)
""")
_ATTACH = text("""
    INSERT INTO escalation_attachments (escalation_id, media_id, name, added_by)
    VALUES (:escalation_id, :media_id, :name, :added_by) ON CONFLICT DO NOTHING RETURNING true
""")


async def open_record(connection: AsyncConnection, values: dict[str, Any]) -> Row[Any]:
    """Add a record; returns its number and when it was received."""
    given = values | {"fields": json.dumps(values["fields"]), "requester": json.dumps(values["requester"])}
    return (await connection.execute(_OPEN, given)).one()


async def record(
    connection: AsyncConnection, escalation: UUID, *, viewer: UUID, overseeing: Sequence[str]
) -> Row[Any] | None:
    """A record that this person may see; None for any other."""
    values = {"id": escalation, "viewer": viewer, "overseeing": list(overseeing)}
    return (await connection.execute(_GET, values)).one_or_none()


async def plain(connection: AsyncConnection, escalation: UUID) -> Row[Any] | None:
    """A record, for what nobody in particular does with it."""
    return (await connection.execute(_PLAIN, {"id": escalation})).one_or_none()


async def lock(connection: AsyncConnection, escalation: UUID) -> str | None:
    """Lock a record against other changes; returns its status."""
    return (await connection.execute(_LOCK, {"id": escalation})).scalar_one_or_none()


async def link(connection: AsyncConnection, values: dict[str, Any]) -> None:
    """Add what a record is about."""
    empty = {"case_id": None, "other_id": None, "external_id": None}
    await connection.execute(_LINK, empty | values)


async def worker(connection: AsyncConnection, username: str, *, working: Sequence[str]) -> UUID | None:
    """Somebody who works on escalations, by name."""
    values = {"username": username, "working": list(working)}
    return (await connection.execute(_WORKER, values)).scalar_one_or_none()


async def may_see(connection: AsyncConnection, escalation: UUID, person: UUID, *, overseeing: Sequence[str]) -> bool:
    """Whether that person may see the record."""
    values = {"id": escalation, "person": person, "overseeing": list(overseeing)}
    return bool((await connection.execute(_MAY_SEE, values)).scalar_one())


async def move(connection: AsyncConnection, escalation: UUID, values: dict[str, Any]) -> None:
    """Set state, owner and resolution of a locked record."""
    await connection.execute(_MOVE, {**values, "id": escalation})


async def change(connection: AsyncConnection, escalation: UUID, values: dict[str, Any]) -> None:
    """Set facts of a locked record; the names come from the wire type."""
    named = ", ".join(f"{name} = :{name}" for name in values)
    await connection.execute(text(f"UPDATE escalations SET {named} WHERE id = :id"), {**values, "id": escalation})  # noqa: S608


async def names(connection: AsyncConnection, escalation: UUID, other: UUID) -> bool:
    """Whether a record names another one."""
    return bool((await connection.execute(_NAMES, {"id": escalation, "other": other})).scalar_one())


async def add_message(connection: AsyncConnection, values: dict[str, Any]) -> Row[Any]:
    """Add a message; returns when it was written."""
    return (await connection.execute(_ADD_MESSAGE, values)).one()


async def messages(
    connection: AsyncConnection, escalation: UUID, *, before: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """The newest messages of a record, or of those before one of them, the newest first."""
    statement = text(_MESSAGES.format(which="" if before is None else _EARLIER))
    values = {"id": escalation, "limit": limit} | ({} if before is None else {"before": before})
    return (await connection.execute(statement, values)).all()


async def messages_named(connection: AsyncConnection, escalation: UUID, ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    """These messages, of those of a record."""
    statement = text(_MESSAGES.format(which="AND m.id = ANY(CAST(:ids AS uuid[]))"))
    return (await connection.execute(statement, {"id": escalation, "ids": list(ids), "limit": len(ids)})).all()


async def is_message(connection: AsyncConnection, escalation: UUID, message: UUID) -> bool:
    """Whether this is a message of that record."""
    values = {"id": escalation, "message": message}
    return bool((await connection.execute(_IS_MESSAGE, values)).scalar_one())


async def events(
    connection: AsyncConnection, escalation: UUID, *, viewer: UUID, before: int | None = None, limit: int | None = None
) -> Sequence[Row[Any]]:
    """The newest of what happened to a record as far as this person may know, the newest first; all without a limit."""
    values = {"id": escalation, "viewer": viewer, "before": before, "limit": limit}
    return (await connection.execute(_EVENTS, values)).all()


async def attach(connection: AsyncConnection, values: dict[str, Any]) -> bool:
    """Keep a medium with a record; False where it is kept with it already."""
    return (await connection.execute(_ATTACH, values)).scalar_one_or_none() is not None
