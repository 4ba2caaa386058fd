"""Rules of media: what is kept of an upload, how strongly it is blurred, and who sees the original when."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.taxonomy import Taxonomy
from models.hamming import bits
from models.pdq import BITS
from service import events
from service.banks.matching.workflow import match
from service.errors import (
    DerivativePendingError,
    LinkExpiredError,
    MediaTooLargeError,
    NotFoundError,
    UnknownMediaError,
)
from service.ids import new_id
from service.leases.workflow import require_live
from service.media import grants, levels, store
from service.media.levels import Blur
from service.media.render import Rendered
from service.media.renderer import Renderer
from service.media.schemas import MediaItem, RevealIn, RevealOut
from service.media.storage import Storage
from service.routing.workflow import OVERSEEING
from service.settings import Settings


@dataclass(frozen=True, slots=True)
class Prepared:
    """An upload whose files are stored, but which no row names yet. Left so, it only takes space."""

    sha256: bytes
    rendered: Rendered
    stored_as: str
    derivatives_stored_as: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MediaRow:
    """A stored picture."""

    id: UUID
    mime: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Picture:
    """A file to serve; `level` is its blur, 0 for an original."""

    stored_as: str
    mime: str
    level: int


class Tools(TypedDict):
    """What taking in a picture needs beside a connection."""

    renderer: Renderer
    storage: Storage
    settings: Settings


async def prepare(data: bytes, **tools: Unpack[Tools]) -> Prepared:
    """Render an upload and store the results, before any row names them and without holding a connection.

    Of the upload itself only the hash is kept. Raises UnsupportedMediaError, MediaTooLargeError, UnreadableMediaError.
    """
    limit = tools["settings"].media_max_bytes
    if len(data) > limit:
        raise MediaTooLargeError(f"the file has more than {limit:,} bytes, the limit of an upload")
    rendered = await tools["renderer"].render(data)
    put = tools["storage"].put
    stored_as = await put(rendered.clean)
    derivatives = [await put(one.data) for one in rendered.derivatives]
    return Prepared(hashlib.sha256(data).digest(), rendered, stored_as, tuple(derivatives))


async def add(connection: AsyncConnection, prepared: Prepared, *, uploaded_by: UUID, sample: bool = False) -> MediaRow:
    """Add the row of a prepared upload; from then on it can be named in reports."""
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
    await match(connection, [media_id])
    return row


async def ingest(
    connection: AsyncConnection, data: bytes, *, uploaded_by: UUID, sample: bool, **tools: Unpack[Tools]
) -> MediaRow:
    """Prepare and add in one call, for callers that do not mind holding their transaction meanwhile."""
    return await add(connection, await prepare(data, **tools), uploaded_by=uploaded_by, sample=sample)


async def require_known(connection: AsyncConnection, media_ids: Sequence[UUID]) -> None:
    """Raises UnknownMediaError, which names them, when some of the ids were never uploaded."""
    known = await store.known(connection, media_ids)
    unknown = [str(one) for one in media_ids if one not in known]
    if unknown:
        raise UnknownMediaError(f"upload media first, with POST /v1/media; unknown: {', '.join(unknown)}")


async def media_of(
    connection: AsyncConnection,
    evidence_id: UUID,
    *,
    score: Mapping[str, Any] | None,
    reasons: Collection[str],
    taxonomy: Taxonomy,
) -> list[MediaItem]:
    """The pictures of a case, each with the blur it needs.

    That is the strongest of what this case asks for and what any other case with the same picture asks for.
    """
    rows = await store.of_evidence(connection, evidence_id)
    elsewhere = await _demanded(connection, [row.id for row in rows], taxonomy)
    here = levels.choose(score, failed=False, reasons=reasons, taxonomy=taxonomy)
    return [
        MediaItem(
            **row._mapping,
            status="ready",
            level=blur.level,
            level_reason=blur.reason,
            preview_url=f"/v1/media/{row.id}/preview?level={blur.level}",
        )
        for row in rows
        for blur in [levels.strongest([here, elsewhere[row.id]])]
    ]


async def preview(
    connection: AsyncConnection, media_id: UUID, *, asked: int | None, viewer: UUID, taxonomy: Taxonomy
) -> Picture:
    """The blurred picture at the asked level, or a stronger one when its cases ask for that.

    Raises NotFoundError for an unknown id or one of cases that the viewer may not see, DerivativePendingError when there
    is no such preview.
    """
    if not await store.seen(connection, media_id, viewer=viewer, overseeing=OVERSEEING):
        raise _unknown(media_id)
    demanded = (await _demanded(connection, [media_id], taxonomy))[media_id].level
    level = max(asked or demanded, demanded)
    row = await store.derivative(connection, media_id, variant="gray", level=level)
    if row is None:
        raise preview_pending()
    return Picture(row.stored_as, row.mime, level)


async def reveal(
    connection: AsyncConnection, media_id: UUID, *, request: RevealIn, holder: UUID, settings: Settings
) -> RevealOut:
    """Record that the holder of a live lease will see the original, and give the address of it.

    Raises LeaseStaleError, or NotFoundError when the leased case does not have this picture.
    """
    exposure_id = new_id()
    row = await store.expose(
        connection,
        {
            "id": exposure_id,
            "media_id": media_id,
            "token": request.lease_token,
            "holder": holder,
            "reason": request.reason,
            "seconds": settings.reveal_seconds,
        },
    )
    if row is None:
        await require_live(connection, token=request.lease_token, holder=holder)
        raise NotFoundError(f"the case of this lease has no media {media_id}")
    await events.record(
        connection,
        "media.revealed",
        case_id=row.case_id,
        actor=holder,
        data={"media": str(media_id), "exposure": str(exposure_id)},
    )
    grant = grants.sign(grants.Grant(exposure_id, media_id, holder), settings.signing_key)
    url = f"/v1/media/{media_id}/original?grant={grant}"
    return RevealOut(url=url, expires_at=row.expires_at, exposure_id=exposure_id)


async def original(
    connection: AsyncConnection, media_id: UUID, *, grant: str, holder: UUID, settings: Settings
) -> Picture:
    """The clean copy of an upload, for the person and under the lease that it was revealed to.

    Raises NotFoundError for a grant that is not ours or another's, LinkExpiredError for one that has run out, and
    LeaseStaleError when the lease has ended meanwhile.
    """
    given = grants.read(grant, settings.signing_key)
    if given is None or given.media_id != media_id or given.principal_id != holder:
        raise _unknown(media_id)
    row = await store.exposure(connection, given.exposure_id, media_id=media_id, holder=holder)
    if row is None:
        raise _unknown(media_id)
    if row.expired:
        raise LinkExpiredError("this address has run out; reveal the picture again")
    await require_live(connection, token=row.lease_token, holder=holder)
    return Picture(row.stored_as, row.mime, 0)


def preview_pending() -> DerivativePendingError:
    """The one wording of a preview that is not there."""
    return DerivativePendingError("there is no blurred preview yet; show a placeholder and ask again")


def _unknown(media_id: UUID) -> NotFoundError:
    return NotFoundError(f"there is no media {media_id} here")


async def _demanded(connection: AsyncConnection, media_ids: Sequence[UUID], taxonomy: Taxonomy) -> dict[UUID, Blur]:
    """The strongest blur that any case asks for, by picture; a picture that no case shows is not scored yet."""
    found: dict[UUID, list[Blur]] = {one: [] for one in media_ids}
    for row in await store.contexts(connection, media_ids):
        blur = levels.choose(row.score, failed=row.failed, reasons=row.reasons or (), taxonomy=taxonomy)
        found[row.media_id].append(blur)
    return {one: levels.strongest(blurs or [levels.NOT_SCORED]) for one, blurs in found.items()}
