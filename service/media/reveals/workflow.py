"""Rules of originals: who sees which when, on whose record, and until when."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from service import events
from service.errors.media import DerivativePendingError, LinkExpiredError
from service.errors.requests import InvalidRequestError, NotFoundError
from service.ids import new_id
from service.leases.workflow import require_live, stale
from service.media import grants
from service.media.grants import Grant, Way
from service.media.levels import Rules
from service.media.reveals import store
from service.media.schemas import RevealIn, RevealOut, Why
from service.media.viewing.workflow import Picture, demanded_of, require_usable, unknown
from service.settings import Settings

LENS: Way = "lens"


@dataclass(frozen=True, slots=True)
class Terms:
    """What reveals are made under."""

    settings: Settings
    rules: Rules


@dataclass(frozen=True, slots=True)
class Fetch:
    """Who asks for which medium with which grant."""

    media_id: UUID
    grant: str
    holder: UUID


@dataclass(frozen=True, slots=True)
class Plain:
    """The small plain picture that tiles are cut from, and the exposure that they are on the record of."""

    exposure_id: UUID
    stored_as: str


async def reveal(
    connection: AsyncConnection, media_id: UUID, request: RevealIn, *, holder: UUID, terms: Terms
) -> RevealOut:
    """Record that the holder of a live lease will see or hear the original, and give the address of it.

    Raises LeaseStaleError, NotFoundError when the leased case does not have it, MediaFailedError, DerivativePendingError,
    or InvalidRequestError for the lens on sound.
    """
    exposure_id = new_id()
    lens = request.way == LENS
    values = {
        "id": exposure_id,
        "media_id": media_id,
        "token": request.lease_token,
        "holder": holder,
        "reason": request.reason,
        "lens": lens,
        "level": (await demanded_of(connection, media_id, terms.rules)).level,
        "seconds": terms.settings.reveal_seconds,
        "clip_seconds": terms.settings.reveal_clip_seconds,
    }
    row = await store.expose(connection, values)
    if row is None:
        raise await _why_not(connection, media_id, request=request, holder=holder)
    data = {"media": str(media_id), "exposure": str(exposure_id), "kind": row.kind}
    await events.record(connection, "media.revealed", case_id=row.case_id, actor=holder, data=data)
    grant = grants.sign(Grant(exposure_id, media_id, holder, request.way), terms.settings.signing_key)
    url = f"/v1/media/{media_id}/{'lens' if lens else 'original'}?grant={grant}"
    return RevealOut(url=url, expires_at=row.expires_at, exposure_id=exposure_id)


async def original(connection: AsyncConnection, asked: Fetch, *, key: str) -> Picture:
    """The clean copy of an upload, for the person and under the lease that it was revealed to.

    Raises NotFoundError for a grant that is not ours, another's or for the lens, LinkExpiredError for one that has run out
    or whose exposure was ended, and LeaseStaleError when the lease has ended meanwhile.
    """
    _, row = await _granted(connection, asked, way="whole", key=key)
    return Picture(row.stored_as, row.mime, 0)


async def lens(connection: AsyncConnection, asked: Fetch, *, key: str) -> Plain:
    """What a tile of the lens is cut from. Raises as `original` does, and DerivativePendingError."""
    grant, row = await _granted(connection, asked, way=LENS, key=key)
    if row.plain_stored_as is None:
        raise no_plain()
    return Plain(grant.exposure_id, row.plain_stored_as)


async def end(connection: AsyncConnection, exposure_id: UUID, *, holder: UUID, why: Why) -> None:
    """Note that somebody does not look any more; the first end counts. Raises NotFoundError when it is not theirs."""
    if not await store.end(connection, exposure_id, holder=holder, why=why):
        raise NotFoundError(f"there is no exposure {exposure_id} of yours")


def no_plain() -> DerivativePendingError:
    """The one wording for a picture that has no small plain copy."""
    return DerivativePendingError("there is nothing here that the lens could look at; reveal the whole of it")


async def _granted(connection: AsyncConnection, asked: Fetch, *, way: Way, key: str) -> tuple[Grant, Any]:
    grant = grants.read(asked.grant, key, way=way)
    if grant is None or grant.media_id != asked.media_id or grant.principal_id != asked.holder:
        raise unknown(asked.media_id)
    row = await store.exposure(connection, grant.exposure_id, media_id=asked.media_id, holder=asked.holder)
    if row is None or (row.kind == LENS) != (way == LENS):
        raise unknown(asked.media_id)
    # First, since the end of a lease closes what was open under it: what helps then is another lease.
    if not row.on_appeal:
        await require_live(connection, token=row.lease_token, holder=asked.holder)
    elif not row.appeal_live:
        raise stale()
    if row.expired or row.ended:
        raise LinkExpiredError("this address has run out or was closed; reveal it again")
    return grant, row


async def _why_not(connection: AsyncConnection, media_id: UUID, *, request: RevealIn, holder: UUID) -> Exception:
    """What a reveal that recorded nothing is refused with."""
    if not await store.holds_appeal(connection, request.lease_token, holder=holder):
        await require_live(connection, token=request.lease_token, holder=holder)
    row = await store.in_hand(connection, media_id, token=request.lease_token, holder=holder)
    if row is None:
        return NotFoundError(f"the case of this lease has no media {media_id}")
    require_usable(row.status, row.failure)
    if row.kind == "audio":
        return InvalidRequestError("sound has no parts that a lens could show; reveal it as a whole")
    return no_plain()
