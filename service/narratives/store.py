"""SQL of narratives, and of the evidence that they name."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

_NOW = text("SELECT now()")
# A case that whoever asks may not see is not there, nor one of a restricted queue: others than they will read it.
_EVIDENCE = text("""
    SELECT * FROM (
    SELECT 'case' AS kind, c.id::text AS reference, c.status, encode(v.content_hash, 'hex') AS sha256,
           (SELECT count(*) FROM evidence_media m WHERE m.evidence_id = v.id) AS media
    FROM escalation_links l JOIN cases c ON c.id = l.case_id JOIN evidence v ON v.id = c.evidence_id
    WHERE l.escalation_id = :escalation AND l.ended_at IS NULL
      AND may_see_case(c.id, :viewer, CAST(:overseeing AS text[]))
      AND NOT EXISTS (SELECT FROM queues q WHERE q.name = c.queue AND q.restricted)
    UNION ALL
    SELECT m.kind, (row_number() OVER (ORDER BY a.added_at, m.id))::text, 'kept', encode(m.sha256, 'hex'), 1
    FROM escalation_attachments a JOIN media m ON m.id = a.media_id WHERE a.escalation_id = :escalation
    ) pieces ORDER BY kind = 'case' DESC, kind, length(reference), reference
""")
_ASSETS = text("""
    SELECT count(*) FROM escalation_links WHERE escalation_id = :escalation AND ended_at IS NULL AND external_id IS NOT NULL
""")
# Machines are nobody: theirs are names such as "platform". Robin.meyer may stand there as Robin Meyer.
_NAMES = text("""
    SELECT username FROM principals
    WHERE role <> 'platform' AND strpos(lower(:text), split_part(translate(username, '_-', '..'), '.', 1)) > 0
""")
_LOCK = text("SELECT id FROM escalations WHERE id = :escalation FOR NO KEY UPDATE")
_ADD = text("""
    INSERT INTO narratives (id, escalation_id, version, audience, form, written, document, content_hash, facts_at, made_by)
    SELECT :id, :escalation, coalesce(max(version), 0) + 1, :audience, :form, :written, CAST(:document AS jsonb),
           :content_hash, :facts_at, :made_by
    FROM narratives WHERE escalation_id = :escalation
    RETURNING version
""")
_FIELDS = """
    n.id, n.version, n.audience, n.form, n.written, n.content_hash, n.facts_at, p.username AS made_by, n.made_at
"""
_ONE = text(f"""
    SELECT {_FIELDS}, n.document FROM narratives n JOIN principals p ON p.id = n.made_by
    WHERE n.escalation_id = :escalation AND n.id = :id
""")  # noqa: S608 - put together from constants
_ALL = text(f"""
    SELECT {_FIELDS} FROM narratives n JOIN principals p ON p.id = n.made_by
    WHERE n.escalation_id = :escalation ORDER BY n.version DESC LIMIT 200
""")  # noqa: S608 - put together from constants
_BEFORE = text("""
    SELECT version, document FROM narratives
    WHERE escalation_id = :escalation AND audience = :audience AND form = :form AND document ->> 'language' = :language
      AND (CAST(:version AS integer) IS NULL OR version < :version)
    ORDER BY version DESC LIMIT 1
""")


@asynccontextmanager
async def instant(engine: AsyncEngine) -> AsyncIterator[tuple[AsyncConnection, datetime]]:
    """A read-only transaction in which everything is as at one instant, with that instant."""
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        yield connection, (await connection.execute(_NOW)).scalar_one()


async def evidence(
    connection: AsyncConnection, escalation: UUID, *, viewer: UUID, overseeing: Sequence[str]
) -> Sequence[Row[Any]]:
    """Cases that a record is linked with, as far as this person may see them, and the files that came with it."""
    values = {"escalation": escalation, "viewer": viewer, "overseeing": list(overseeing)}
    return (await connection.execute(_EVIDENCE, values)).all()


async def assets(connection: AsyncConnection, escalation: UUID) -> int:
    """How many accounts and assets of the platform a record is about."""
    return int((await connection.execute(_ASSETS, {"escalation": escalation})).scalar_one())


async def names_in(connection: AsyncConnection, said: str) -> list[str]:
    """Names of accounts of people that may occur in a text."""
    return list((await connection.execute(_NAMES, {"text": said})).scalars())


async def add(connection: AsyncConnection, values: Mapping[str, Any]) -> int:
    """Keep a narrative; returns its version."""
    await connection.execute(_LOCK, {"escalation": values["escalation"]})
    return int((await connection.execute(_ADD, {**values, "document": json.dumps(values["document"])})).scalar_one())


async def narrative(connection: AsyncConnection, escalation: UUID, narrative_id: UUID) -> Row[Any] | None:
    """A narrative of a record, with its document."""
    return (await connection.execute(_ONE, {"escalation": escalation, "id": narrative_id})).one_or_none()


async def narratives(connection: AsyncConnection, escalation: UUID) -> Sequence[Row[Any]]:
    """The narratives of a record without their documents, newest first."""
    return (await connection.execute(_ALL, {"escalation": escalation})).all()


async def before(
    connection: AsyncConnection, escalation: UUID, *, like: Mapping[str, Any], version: int | None
) -> Row[Any] | None:
    """The newest for the audience, in the form and language, of a document, before a version where one is given."""
    values = {"escalation": escalation, "version": version}
    values |= {name: like[name] for name in ("audience", "form", "language")}
    return (await connection.execute(_BEFORE, values)).one_or_none()
