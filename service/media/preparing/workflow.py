"""Video and sound are made ready to be shown by a job of the worker, some time after their upload."""

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, NotRequired, TypedDict, Unpack
from uuid import UUID, uuid4

import structlog
from procrastinate import App
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service.banks.matching.workflow import Rerank, match, place
from service.errors.media import StorageUnavailableError
from service.jobs import PREPARE_MEDIA, enqueue
from service.media import clip_renderer
from service.media.clip_render import RenderedClip
from service.media.clips import ClipError
from service.media.containers import ClipKind
from service.media.derivatives import Derivative
from service.media.leftovers.workflow import hold, put
from service.media.preparing import store
from service.media.storage import Storage
from service.media.workflow import keep_prints
from service.settings import Settings

# How often a file may take the worker down with it, or find its storage failing, before it is given up.
ATTEMPTS = 5
GIVEN_UP = "the file could not be prepared: every attempt was broken off"
GONE = "the file is missing from the storage"

log = structlog.get_logger()


class Pending(TypedDict):
    """An upload whose file is stored. `kind` and `mime` are what its first bytes promise, `size` counts bytes."""

    uploaded_as: str
    sha256: bytes
    kind: ClipKind
    mime: str
    size: int
    uploaded_by: UUID
    sample: NotRequired[bool]


@dataclass(frozen=True, slots=True)
class Preparing:
    """What preparing needs."""

    engine: AsyncEngine
    storage: Storage
    settings: Settings
    # Cases that show the video, by the known pictures that are found in it.
    rerank: Rerank


async def add_pending(connection: AsyncConnection, jobs: App, **upload: Unpack[Pending]) -> UUID:
    """Add the row of an upload that is still to be prepared, and the job that does it; from then on reports can name it."""
    # No id that begins with the time: whoever checks a decision blindly would read from it how old the content is.
    media_id = uuid4()
    await store.insert_pending(connection, {"sample": False, **upload, "id": media_id})
    await enqueue(jobs, connection, PREPARE_MEDIA, arguments={"media": str(media_id)})
    return media_id


async def prepare(media_id: UUID, preparing: Preparing, *, attempts: int) -> None:
    """Make all that is shown of a pending upload, or say why nothing is; `attempts` counts those before this one.

    What is made is stored as it comes, and shown once all of it is there. Doing it twice makes the same again. Raises what
    the storage raises while there are attempts left.
    """
    await _settle(media_id, preparing, attempts)
    # Always, as an attempt before this one may have died in between; and in a transaction of its own, since a report that
    # holds a case may be waiting for the row of the medium.
    async with preparing.engine.begin() as connection:
        await place(connection, [media_id], preparing.rerank)


async def _settle(media_id: UUID, preparing: Preparing, attempts: int) -> None:
    """Let a pending upload become ready or failed."""
    async with preparing.engine.connect() as connection:
        row = await store.pending(connection, media_id)
    if row is None:
        return
    try:
        if attempts >= ATTEMPTS:
            raise ClipError(GIVEN_UP)
        await _prepare(media_id, row.uploaded_as, preparing)
    except ClipError as error:
        await _give_up(media_id, str(error), preparing)
    except (OSError, StorageUnavailableError):
        if attempts + 1 < ATTEMPTS:
            raise
        # The job would only come back, hours later, to find that it has been tried too often.
        await _give_up(media_id, GIVEN_UP, preparing)


async def _give_up(media_id: UUID, why: str, preparing: Preparing) -> None:
    async with preparing.engine.begin() as connection:
        failed = await store.set_failed(connection, media_id, why)
    if failed:
        log.info("media.failed", media=str(media_id))


async def _prepare(media_id: UUID, uploaded_as: str, preparing: Preparing) -> None:
    async def made(derivatives: Sequence[Derivative]) -> None:
        names = await put(preparing.storage, [one.data for one in derivatives], engine=preparing.engine)
        rows = [_row(media_id, one, name) for one, name in zip(derivatives, names, strict=True)]
        files = {name: one.data for name, one in zip(names, derivatives, strict=True)}
        async with preparing.engine.begin() as connection:
            await hold(connection, preparing.storage, files)
            await store.keep_derivatives(connection, rows)

    # Not in the folder for temporary files, which often is memory.
    folder = preparing.settings.data_dir / "uploads"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryFile(dir=folder) as file:
        size = await _fetch(uploaded_as, file, preparing.storage)
        clip = await clip_renderer.render(file, clip_renderer.limits_of(preparing.settings, size=size), made=made)
    [stored_as] = await put(preparing.storage, [clip.clean], engine=preparing.engine)
    async with preparing.engine.begin() as connection:
        await hold(connection, preparing.storage, {stored_as: clip.clean})
        # Another attempt may have come first; what this one has made is the same.
        first = await store.set_ready(connection, _ready(media_id, clip, stored_as))
        if first:
            await keep_prints(connection, media_id, clip.prints)
            await match(connection, [media_id])
    if first:
        log.info("media.ready", media=str(media_id))


async def _fetch(name: str, file: BinaryIO, storage: Storage) -> int:
    """Copy a stored file into a local one, ready to be read; returns its bytes. Raises ClipError when there is none."""
    stored = await storage.open(name)
    if stored is None:
        raise ClipError(GONE)
    async for chunk in stored.chunks:
        await asyncio.to_thread(file.write, chunk)
    file.seek(0)
    return stored.size


def _row(media_id: UUID, one: Derivative, stored_as: str) -> dict[str, object]:
    return {
        "media_id": media_id,
        "variant": one.variant,
        "level": one.level,
        "mime": one.mime,
        "stored_as": stored_as,
        "width": one.width,
        "height": one.height,
    }


def _ready(media_id: UUID, clip: RenderedClip, stored_as: str) -> dict[str, object]:
    return {
        "id": media_id,
        "kind": clip.kind,
        "mime": clip.mime,
        "width": clip.width,
        "height": clip.height,
        "bytes": len(clip.clean),
        "stored_as": stored_as,
        "duration_ms": clip.duration_ms,
        "sound": clip.sound,
    }
