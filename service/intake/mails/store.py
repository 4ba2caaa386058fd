"""SQL of intake by mail."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.escalations.seeing import Seer

# Of two who read the same file, one waits until the other has taken it in.
_ONE_AFTER_THE_OTHER = text("SELECT pg_advisory_xact_lock(hashtextextended(encode(:sha256, 'hex'), 0))")
_KNOWN = text("""
    SELECT m.outcome, e.number FROM intake_mails m LEFT JOIN escalations e ON e.id = m.escalation_id
    WHERE m.sha256 = :sha256
""")
_RECORD = "e.id, e.number, e.source, e.trigger, e.status, e.path, e.confidentiality, e.language"
# What it answers counts before what stands in its subject.
_THREAD = text(f"""
    SELECT {_RECORD} FROM (
        SELECT m.escalation_id AS id, 1 AS place, m.written_at FROM escalation_messages m
        WHERE m.direction = 'outbound' AND m.id = ANY (CAST(:threads AS uuid[]))
        UNION ALL SELECT CAST(:answers AS uuid), 2, NULL
        UNION ALL SELECT n.id, 3, NULL FROM escalations n WHERE n.number = CAST(:number AS bigint)
    ) AS found JOIN escalations e ON e.id = found.id
    ORDER BY found.place, found.written_at DESC LIMIT 1
""")  # noqa: S608 - put together from constants
_IS_OURS = text(
    "SELECT EXISTS (SELECT FROM escalation_messages WHERE direction = 'outbound' AND id = ANY (CAST(:ids AS uuid[])))"
)
_LOCK = text(f"SELECT {_RECORD} FROM escalations e WHERE id = :id FOR NO KEY UPDATE")  # noqa: S608 - as above
_RECENT = text("""
    SELECT count(*) FROM intake_mails
    WHERE sender = :sender AND outcome = 'opened' AND taken_at > now() - interval '1 hour'
""")
_KEEP = text("""
    INSERT INTO intake_mails (id, sha256, outcome, escalation_id, message_id, sender, subject, verified, automatic, cut,
                              attachments, body, confidentiality, path, taken_by)
    VALUES (:id, :sha256, :outcome, :escalation_id, :message_id, :sender, :subject, :verified, :automatic, :cut,
            CAST(:attachments AS jsonb), :body, :confidentiality, :path, :taken_by)
""")
_LINK = text("""
    INSERT INTO escalation_links (id, escalation_id, kind, other_id, added_by)
    VALUES (:id, :escalation_id, 'escalation', :other_id, :added_by)
""")
_OF = text("""
    SELECT id, sender, subject, verified, automatic, cut, encode(sha256, 'hex') AS sha256, attachments, taken_at
    FROM intake_mails WHERE escalation_id = :id ORDER BY taken_at, id
""")
_ACCOUNT = text("SELECT id FROM principals WHERE username = :username")
_ASIDE = text("""
    SELECT m.id, m.sender, m.subject, m.body, m.taken_at FROM intake_mails m JOIN principals p ON p.id = :viewer
    WHERE m.escalation_id IS NULL
      AND CASE m.confidentiality
          WHEN 'normal' THEN true
          WHEN 'confidential' THEN p.role = ANY (CAST(:overseeing AS text[]))
          ELSE EXISTS (SELECT FROM path_members n WHERE n.path = m.path AND n.principal_id = p.id)
          END
    ORDER BY m.taken_at DESC, m.id DESC LIMIT :limit
""")


async def one_after_the_other(connection: AsyncConnection, sha256: bytes) -> None:
    """Wait until nobody else takes in the same message; until the end of the transaction nobody else will."""
    await connection.execute(_ONE_AFTER_THE_OTHER, {"sha256": sha256})


async def known(connection: AsyncConnection, sha256: bytes) -> Row[Any] | None:
    """(outcome, number) of a message that was taken in before."""
    return (await connection.execute(_KNOWN, {"sha256": sha256})).one_or_none()


async def thread(
    connection: AsyncConnection, *, threads: Sequence[UUID], answers: UUID | None, number: int | None
) -> Row[Any] | None:
    """The record that a mail belongs to, by what it answers (a message, or a letter of the record `answers`) or else by the
    number in its subject.
    """
    values = {"threads": list(threads), "answers": answers, "number": number}
    return (await connection.execute(_THREAD, values)).one_or_none()


async def is_ours(connection: AsyncConnection, ids: Sequence[UUID]) -> bool:
    """Whether one of these is a message that went out."""
    ours: bool = (await connection.execute(_IS_OURS, {"ids": list(ids)})).scalar_one()
    return ours


async def lock(connection: AsyncConnection, escalation: UUID) -> Row[Any]:
    """A record, locked against other changes."""
    return (await connection.execute(_LOCK, {"id": escalation})).one()


async def recent(connection: AsyncConnection, sender: str) -> int:
    """How many records mails of a sender have opened within an hour."""
    count: int = (await connection.execute(_RECENT, {"sender": sender})).scalar_one()
    return count


async def keep(connection: AsyncConnection, values: dict[str, Any]) -> None:
    """Keep that a message was taken in, and what became of it."""
    await connection.execute(_KEEP, values | {"attachments": json.dumps(values["attachments"])})


async def link(connection: AsyncConnection, values: dict[str, Any]) -> None:
    """Link a record to the one that it goes on from."""
    await connection.execute(_LINK, values)


async def mails_of(connection: AsyncConnection, escalation: UUID) -> Sequence[Row[Any]]:
    """The mails of a record, oldest first."""
    return (await connection.execute(_OF, {"id": escalation})).all()


async def account(connection: AsyncConnection, username: str) -> UUID | None:
    """The account of a name; None where there is none."""
    return (await connection.execute(_ACCOUNT, {"username": username})).scalar_one_or_none()


async def aside(connection: AsyncConnection, seer: Seer, *, limit: int) -> Sequence[Row[Any]]:
    """Mails that were set aside and that somebody may see, the newest first."""
    return (await connection.execute(_ASIDE, {**seer.values, "limit": limit})).all()
