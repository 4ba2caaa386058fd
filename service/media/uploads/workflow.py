"""Taking in uploads: pictures are rendered at once, video and sound later, and what cannot be rendered says why."""

import asyncio
from dataclasses import dataclass
from typing import BinaryIO, Unpack
from uuid import UUID, uuid4

from procrastinate import App
from sqlalchemy.ext.asyncio import AsyncConnection

from service.errors.media import MediaTooLargeError, UnreadableMediaError
from service.errors.requests import NotFoundError
from service.media.leftovers.workflow import hold, put
from service.media.preparing.workflow import add_pending
from service.media.schemas import UploadedMediaOut
from service.media.storage import Storage
from service.media.upload import Kind, Received
from service.media.uploads import store
from service.media.workflow import Prepared, Tools, add, prepare


@dataclass(frozen=True, slots=True)
class Kept:
    """An upload that is stored as it came and that no row names yet. `failure` says why nothing can be shown of it.

    `file` is there as long as what was received.
    """

    file: BinaryIO
    uploaded_as: str
    kind: Kind
    mime: str
    size: int
    failure: str | None

    @property
    def sha256(self) -> bytes:
        """Of the whole file: that is its name."""
        return bytes.fromhex(self.uploaded_as.rpartition("/")[2])


async def take(received: Received, **tools: Unpack[Tools]) -> Prepared | Kept:
    """Render a picture, or keep the file as it came; holds no connection meanwhile.

    Raises UnsupportedMediaError for a picture that is of no accepted kind after all.
    """
    failure = None
    if received.kind == "image":
        try:
            return await prepare(await asyncio.to_thread(received.file.read), **tools)
        except (MediaTooLargeError, UnreadableMediaError) as error:
            failure = error.detail
    [uploaded_as] = await put(tools["storage"], [received.file], engine=tools.get("engine"))
    return Kept(received.file, uploaded_as, received.kind, received.mime, received.size, failure)


async def enter(
    connection: AsyncConnection, taken: Prepared | Kept, *, storage: Storage, uploaded_by: UUID, jobs: App
) -> UploadedMediaOut:
    """Add the row of an upload, with the job that prepares it where there is one; from then on reports can name it."""
    if isinstance(taken, Prepared):
        row = await add(connection, taken, storage=storage, uploaded_by=uploaded_by)
        return UploadedMediaOut(media_id=row.id, kind="image", status="ready")
    await hold(connection, storage, {taken.uploaded_as: taken.file})
    if taken.kind == "image":
        media_id = uuid4()
        values = {
            "id": media_id,
            "sha256": taken.sha256,
            "kind": taken.kind,
            "mime": taken.mime,
            "size": taken.size,
            "uploaded_as": taken.uploaded_as,
            "uploaded_by": uploaded_by,
            "failure": taken.failure,
        }
        await store.insert_failed(connection, values)
        return UploadedMediaOut(media_id=media_id, kind=taken.kind, status="failed", failure=taken.failure)
    media_id = await add_pending(
        connection,
        jobs,
        uploaded_as=taken.uploaded_as,
        sha256=taken.sha256,
        kind=taken.kind,
        mime=taken.mime,
        size=taken.size,
        uploaded_by=uploaded_by,
    )
    return UploadedMediaOut(media_id=media_id, kind=taken.kind, status="pending")


async def state(connection: AsyncConnection, media_id: UUID, *, uploaded_by: UUID) -> UploadedMediaOut:
    """What has become of an upload, for whoever sent it. Raises NotFoundError."""
    row = await store.own(connection, media_id, uploaded_by=uploaded_by)
    if row is None:
        raise NotFoundError(f"you uploaded no media {media_id}")
    return UploadedMediaOut(media_id=row.id, kind=row.kind, status=row.status, failure=row.failure)
