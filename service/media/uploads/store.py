"""SQL of uploads: those of which nothing can be shown, and what a sender may know of their own."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_INSERT_FAILED = text("""
    INSERT INTO media (id, sha256, kind, mime, bytes, uploaded_as, uploaded_by, sample, status, failure)
    VALUES (:id, :sha256, :kind, :mime, :size, :uploaded_as, :uploaded_by, false, 'failed', :failure)
""")
_OWN = text("SELECT id, kind, status, failure FROM media WHERE id = :id AND uploaded_by = :uploaded_by")


async def insert_failed(connection: AsyncConnection, values: dict[str, Any]) -> None:
    """Add a medium of which nothing can be shown, with the sentence why."""
    await connection.execute(_INSERT_FAILED, values)


async def own(connection: AsyncConnection, media_id: UUID, *, uploaded_by: UUID) -> Row[Any] | None:
    """What has become of somebody's upload: (id, kind, status, failure)."""
    return (await connection.execute(_OWN, {"id": media_id, "uploaded_by": uploaded_by})).one_or_none()
