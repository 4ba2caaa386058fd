"""SQL of uploads and of what was made of them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
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
_INSERT_FRAME = text("""
    INSERT INTO media_frames (media_id, position_ms, pdq, pdq_quality)
    VALUES (:media_id, :position_ms, CAST(CAST(:pdq AS text) AS bit(256)), :pdq_quality)
""")
_KNOWN = text("SELECT id FROM media WHERE id = ANY(CAST(:ids AS uuid[]))")


async def insert(connection: AsyncConnection, values: dict[str, Any], derivatives: Sequence[dict[str, Any]]) -> None:
    """Add a medium with what was made of it."""
    await connection.execute(_INSERT, values)
    await connection.execute(_INSERT_DERIVATIVE, list(derivatives))


async def insert_frames(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Add fingerprints of frames."""
    if rows:
        await connection.execute(_INSERT_FRAME, list(rows))


async def known(connection: AsyncConnection, ids: Sequence[UUID]) -> set[UUID]:
    """Those of the ids that are uploaded media."""
    return set((await connection.execute(_KNOWN, {"ids": list(ids)})).scalars())
