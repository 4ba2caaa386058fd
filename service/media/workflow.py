"""Rules of uploads: what is kept of them, and under which name they are known. Who sees what is in `viewing` and `reveals`."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NotRequired, TypedDict, Unpack
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from models.hamming import bits
from models.pdq import BITS, Fingerprint
from service.banks.matching.workflow import match
from service.errors.media import MediaTooLargeError, UnknownMediaError
from service.media import store
from service.media.leftovers.workflow import hold, put
from service.media.render import Rendered
from service.media.renderer import Renderer
from service.media.storage import Storage
from service.settings import Settings


@dataclass(frozen=True, slots=True)
class Prepared:
    """An upload whose files are stored, but which no row names yet."""

    sha256: bytes
    rendered: Rendered
    stored_as: str
    derivatives_stored_as: tuple[str, ...]

    @property
    def files(self) -> dict[str, bytes]:
        """What is stored, by its names."""
        made = zip(self.derivatives_stored_as, self.rendered.derivatives, strict=True)
        return {self.stored_as: self.rendered.clean} | {name: one.data for name, one in made}


@dataclass(frozen=True, slots=True)
class MediaRow:
    """A stored picture."""

    id: UUID
    mime: str
    width: int
    height: int


class Tools(TypedDict):
    """What taking in a picture needs beside a connection. Without an engine, files of an upload that breaks off stay."""

    renderer: Renderer
    storage: Storage
    settings: Settings
    engine: NotRequired[AsyncEngine]


async def prepare(data: bytes, **tools: Unpack[Tools]) -> Prepared:
    """Render an upload and store the results, before any row names them and without holding a connection.

    Of the upload itself only the hash is kept. Raises UnsupportedMediaError, MediaTooLargeError, UnreadableMediaError.
    """
    limit = tools["settings"].media_max_bytes
    if len(data) > limit:
        raise MediaTooLargeError(f"the file has more than {limit:,} bytes, the limit of an upload")
    rendered = await tools["renderer"].render(data)
    files = [rendered.clean, *(one.data for one in rendered.derivatives)]
    stored_as, *derivatives = await put(tools["storage"], files, engine=tools.get("engine"))
    return Prepared(hashlib.sha256(data).digest(), rendered, stored_as, tuple(derivatives))


async def add(
    connection: AsyncConnection, prepared: Prepared, *, storage: Storage, uploaded_by: UUID, sample: bool = False
) -> MediaRow:
    """Add the row of a prepared upload; from then on it can be named in reports."""
    await hold(connection, storage, prepared.files)
    # No id that begins with the time: whoever checks a decision blindly would read from it how old the content is.
    media_id = uuid4()
    rendered = prepared.rendered
    row = MediaRow(media_id, rendered.mime, rendered.width, rendered.height)
    values = {
        "id": media_id,
        "sha256": prepared.sha256,
        "mime": rendered.mime,
        "width": rendered.width,
        "height": rendered.height,
        "frames": rendered.frames,
        "bytes": len(rendered.clean),
        "stored_as": prepared.stored_as,
        "uploaded_by": uploaded_by,
        "sample": sample,
        "pdq": bits(rendered.fingerprint.bits, BITS),
        "pdq_quality": rendered.fingerprint.quality,
    }
    derivatives = [
        {
            "media_id": media_id,
            "variant": one.variant,
            "level": one.level,
            "mime": one.mime,
            "stored_as": stored_as,
            "width": one.width,
            "height": one.height,
        }
        for one, stored_as in zip(rendered.derivatives, prepared.derivatives_stored_as, strict=True)
    ]
    await store.insert(connection, values, derivatives)
    await keep_prints(connection, media_id, rendered.prints)
    await match(connection, [media_id])
    return row


async def keep_prints(connection: AsyncConnection, media_id: UUID, prints: Sequence[tuple[int, Fingerprint]]) -> None:
    """Keep the fingerprints of frames of a medium that has none, with the milliseconds at which they are shown."""
    rows = [
        {"media_id": media_id, "position_ms": at, "pdq": bits(one.bits, BITS), "pdq_quality": one.quality}
        for at, one in prints
    ]
    await store.insert_frames(connection, rows)


async def ingest(
    connection: AsyncConnection, data: bytes, *, uploaded_by: UUID, sample: bool, **tools: Unpack[Tools]
) -> MediaRow:
    """Prepare and add in one call, for callers that do not mind holding their transaction meanwhile."""
    prepared = await prepare(data, **tools)
    return await add(connection, prepared, storage=tools["storage"], uploaded_by=uploaded_by, sample=sample)


async def require_known(connection: AsyncConnection, media_ids: Sequence[UUID]) -> None:
    """Raises UnknownMediaError, which names them, when some of the ids were never uploaded."""
    known = await store.known(connection, media_ids)
    unknown = [str(one) for one in media_ids if one not in known]
    if unknown:
        raise UnknownMediaError(f"upload media first, with POST /v1/media; unknown: {', '.join(unknown)}")
