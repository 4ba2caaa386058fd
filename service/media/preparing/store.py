"""SQL of video and sound: a row while the file waits, what has been made of it so far, and what has become of it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_INSERT = text("""
    INSERT INTO media (id, sha256, kind, mime, bytes, uploaded_as, uploaded_by, sample, status)
    VALUES (:id, :sha256, :kind, :mime, :size, :uploaded_as, :uploaded_by, :sample, 'pending')
""")
_PENDING = text("SELECT uploaded_as FROM media WHERE id = :id AND status = 'pending'")
# A second attempt makes the same again.
_KEEP_DERIVATIVE = text("""
    INSERT INTO media_derivatives (media_id, variant, level, mime, stored_as, width, height)
    SELECT :media_id, :variant, :level, :mime, :stored_as, :width, :height
    FROM media WHERE id = :media_id AND status = 'pending'
    ON CONFLICT (media_id, variant, level) DO UPDATE
    SET mime = excluded.mime, stored_as = excluded.stored_as, width = excluded.width, height = excluded.height
""")
# FOR UPDATE, which a plain update of these columns would not be: a report that is just being taken in and names this
# medium holds it FOR KEY SHARE. So either it is committed first and its case is found by what follows, or it comes after
# and reads what was matched itself.
_READY = text("""
    WITH mine AS MATERIALIZED (SELECT id AS locked FROM media WHERE id = :id AND status = 'pending' FOR UPDATE)
    UPDATE media SET status = 'ready', kind = :kind, mime = :mime, width = :width, height = :height, bytes = :bytes,
                     stored_as = :stored_as, uploaded_as = NULL, duration_ms = :duration_ms, sound = :sound
    FROM mine WHERE media.id = mine.locked
""")
_FAILED = text("UPDATE media SET status = 'failed', failure = :failure WHERE id = :id AND status = 'pending'")
# Half of what was made of a file is nothing to show beside a sentence that says it cannot be shown.
_FORGET_DERIVATIVES = text("DELETE FROM media_derivatives WHERE media_id = :id")


async def insert_pending(connection: AsyncConnection, values: dict[str, Any]) -> None:
    """Add a medium of which nothing is made yet."""
    await connection.execute(_INSERT, values)


async def pending(connection: AsyncConnection, media_id: UUID) -> Row[Any] | None:
    """What is still to be prepared: (uploaded_as)."""
    return (await connection.execute(_PENDING, {"id": media_id})).one_or_none()


async def keep_derivatives(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Add derivatives of a medium that is still pending."""
    if rows:
        await connection.execute(_KEEP_DERIVATIVE, list(rows))


async def set_ready(connection: AsyncConnection, values: dict[str, Any]) -> bool:
    """Say that all is made; False when the medium is not pending (any more).

    Waits for reports under way that name it and keeps others from naming it, so this transaction must lock no case.
    """
    return bool((await connection.execute(_READY, values)).rowcount)


async def set_failed(connection: AsyncConnection, media_id: UUID, failure: str) -> bool:
    """Say why nothing will be shown; False when the medium is not pending (any more)."""
    if not (await connection.execute(_FAILED, {"id": media_id, "failure": failure})).rowcount:
        return False
    await connection.execute(_FORGET_DERIVATIVES, {"id": media_id})
    return True
