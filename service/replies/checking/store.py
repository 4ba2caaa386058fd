"""SQL of what a reply is held against before it goes out."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

# Machines are nobody: theirs are names such as "platform".
_STAFF = text("SELECT username FROM principals WHERE role <> 'platform'")
_WITHHELD = text("SELECT body FROM withheld_texts(:id) AS body")
_SAID_OPENLY = text("""
    SELECT body FROM escalation_messages WHERE escalation_id = :id AND direction <> 'internal'
""")
_MEDIA = text("SELECT CAST(id AS text) FROM media WHERE CAST(id AS text) = ANY(CAST(:ids AS text[]))")


async def staff(connection: AsyncConnection) -> list[str]:
    """User names of all people, those who have left as well."""
    return list((await connection.execute(_STAFF)).scalars())


async def withheld(connection: AsyncConnection, escalation: UUID) -> list[str]:
    """What was said about a record among colleagues, under privilege as well."""
    return list((await connection.execute(_WITHHELD, {"id": escalation})).scalars())


async def said_openly(connection: AsyncConnection, escalation: UUID) -> list[str]:
    """What whoever raised a record wrote, and what they were told."""
    return list((await connection.execute(_SAID_OPENLY, {"id": escalation})).scalars())


async def media(connection: AsyncConnection, ids: Collection[str]) -> list[str]:
    """Those of these ids that are ids of media."""
    return list((await connection.execute(_MEDIA, {"ids": list(ids)})).scalars())
