"""Video and sound are made ready to be shown by a job of the worker, some time after their upload."""

from typing import NotRequired, TypedDict, Unpack
from uuid import UUID, uuid4

from procrastinate import App
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.jobs import enqueue
from service.media.containers import ClipKind

_INSERT = text("""
    INSERT INTO media (id, sha256, kind, mime, bytes, uploaded_as, uploaded_by, sample, status)
    VALUES (:id, :sha256, :kind, :mime, :size, :uploaded_as, :uploaded_by, :sample, 'pending')
""")


class Pending(TypedDict):
    """An upload whose file is stored. `kind` and `mime` are what its first bytes promise, `size` counts bytes."""

    uploaded_as: str
    sha256: bytes
    kind: ClipKind
    mime: str
    size: int
    uploaded_by: UUID
    sample: NotRequired[bool]


async def add_pending(connection: AsyncConnection, jobs: App, **upload: Unpack[Pending]) -> UUID:
    """Add the row of an upload that is still to be prepared, and the job that does it; from then on reports can name it."""
    media_id = uuid4()
    await connection.execute(_INSERT, {"sample": False, **upload, "id": media_id})
    await enqueue(jobs, connection, "media.prepare", arguments={"media": str(media_id)})
    return media_id
