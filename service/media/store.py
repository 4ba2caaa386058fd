"""SQL of uploads and of what was made of them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_INSERT = text("""
    INSERT INTO media (id, sha256, kind, mime, width, height, frames, bytes, stored_as, uploaded_by, sample, pdq,
                       pdq_quality)
    VALUES (:id, :sha256, 'image', :mime, :width, :height, :frames, :bytes, :stored_as, :uploaded_by, :sample,
            CAST(CAST(:pdq AS text) AS bit(256)), :pdq_quality)
""")
_INSERT_DERIVATIVE = text("""
    INSERT INTO media_derivatives (media_id, variant, level, mime, stored_as, width, height)
    VALUES (:media_id, :variant, :level, :mime, :stored_as, :width, :height)
""")
_INSERT_FAILED = text("""
    INSERT INTO media (id, sha256, kind, mime, bytes, uploaded_as, uploaded_by, sample, status, failure)
    VALUES (:id, :sha256, :kind, :mime, :size, :uploaded_as, :uploaded_by, false, 'failed', :failure)
""")
_OWN = text("SELECT id, kind, status, failure FROM media WHERE id = :id AND uploaded_by = :uploaded_by")
_KNOWN = text("SELECT id FROM media WHERE id = ANY(CAST(:ids AS uuid[]))")


async def insert(connection: AsyncConnection, values: dict[str, Any], derivatives: Sequence[dict[str, Any]]) -> None:
    """Add a medium with what was made of it."""
    await connection.execute(_INSERT, values)
    await connection.execute(_INSERT_DERIVATIVE, list(derivatives))


async def insert_failed(connection: AsyncConnection, values: dict[str, Any]) -> None:
    """Add a medium of which nothing can be shown, with the sentence why."""
    await connection.execute(_INSERT_FAILED, values)


async def own(connection: AsyncConnection, media_id: UUID, *, uploaded_by: UUID) -> Row[Any] | None:
    """What has become of somebody's upload: (id, kind, status, failure)."""
    return (await connection.execute(_OWN, {"id": media_id, "uploaded_by": uploaded_by})).one_or_none()


async def known(connection: AsyncConnection, ids: Sequence[UUID]) -> set[UUID]:
    """Those of the ids that are uploaded media."""
    return set((await connection.execute(_KNOWN, {"ids": list(ids)})).scalars())
