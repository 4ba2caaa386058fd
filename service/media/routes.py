"""HTTP of media."""

from collections.abc import Iterable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from service.db import UnitOfWork
from service.errors.requests import NotFoundError
from service.media.containers import CLIP_FORMATS
from service.media.derivatives import MIMES
from service.media.ranges import asked_piece, range_headers
from service.media.reveals import workflow as reveals
from service.media.schemas import (
    GRANT_CHARACTERS,
    LensQuery,
    LookEndIn,
    MediaDefaultsOut,
    PreferencesIn,
    PreferencesOut,
    PreviewQuery,
    RevealIn,
    RevealOut,
    UploadedMediaOut,
)
from service.media.sniff import FORMATS
from service.media.upload import Kind, receive
from service.media.uploads import workflow as uploads
from service.media.viewing import workflow as viewing
from service.media.viewing.workflow import Picture
from service.security import FirstRevealer, FirstViewer, MediaRevealer, MediaViewer, MediaWriter, PeopleManager

router = APIRouter(prefix="/v1/media", tags=["media"])
# What is somebody's own: how they see media, and what they have open.
own = APIRouter(prefix="/v1", tags=["media"])

NO_STORE = "private, no-store"
# Whatever a browser is made to believe about the bytes: not kept, not guessed at, not run, not embedded elsewhere.
PICTURE_HEADERS = {
    "Cache-Control": NO_STORE,
    "Content-Security-Policy": "default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
# What may be served, with the ending of a file of that kind.
SUFFIXES = {mime: one.suffix for mime, one in FORMATS.items()} | {
    mime: one.suffix for mime, one in CLIP_FORMATS.items()
}


def _files(mimes: Iterable[str]) -> dict[int | str, dict[str, Any]]:
    """The whole of a file, or the piece of it that was asked for."""
    file: dict[str, Any] = {"content": {mime: {} for mime in mimes}}
    return {200: file, 206: {"description": "The piece of it that was asked for", **file}}


_ORIGINALS, _PREVIEWS = _files(SUFFIXES), _files(MIMES)
TILE = "image/jpeg"
_TILES: dict[int | str, dict[str, Any]] = {200: {"content": {TILE: {}}}}
_UPLOAD_BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {"file": {"type": "string", "format": "binary"}},
            }
        }
    },
}


@router.post(
    "", status_code=201, summary="Upload a picture, video or sound", openapi_extra={"requestBody": _UPLOAD_BODY}
)
async def upload(request: Request, caller: MediaWriter) -> UploadedMediaOut:
    """What is shown is a clean copy without metadata, never the file itself; the file is kept where that cannot be made.

    A picture is ready when this answers, or it failed: damaged, or with too many pixels or frames. Video and sound are
    pending and can be asked for under their id. A file of another kind or with too many bytes is refused.
    """
    state = request.app.state
    settings = state.settings
    clips = settings.media_clip_max_bytes
    limits: dict[Kind, int] = {"image": settings.media_max_bytes, "video": clips, "audio": clips}
    with state.renderer.admit():
        async with receive(request, folder=settings.data_dir / "uploads", limits=limits) as received:
            taken = await uploads.take(
                received, renderer=state.renderer, storage=state.storage, settings=settings, engine=state.engine
            )
            async with state.engine.begin() as connection:
                return await uploads.enter(
                    connection, taken, storage=state.storage, uploaded_by=caller.id, jobs=state.jobs
                )


@router.get("/{media_id}", summary="What has become of an upload")
async def uploaded(media_id: UUID, caller: MediaWriter, connection: UnitOfWork) -> UploadedMediaOut:
    """For whoever sent it."""
    return await uploads.state(connection, media_id, uploaded_by=caller.id)


@router.get(
    "/{media_id}/preview",
    summary="What is shown of media at first",
    response_class=StreamingResponse,
    responses=_PREVIEWS,
)
async def preview(
    media_id: UUID, request: Request, caller: FirstViewer, asked: Annotated[PreviewQuery, Query()]
) -> StreamingResponse:
    """Never the original. The header `X-Blur-Level` gives the level served: the server may insist on a stronger one.

    `lines` is refused where the strongest blur is demanded; `sheet` has levels from 1, `proxy` from 2.
    """
    state = request.app.state
    wanted = viewing.Asked(asked.variant, asked.level)
    # Looked up and let go, here and below: nobody keeps a connection while the storage or a process is waited for.
    async with state.engine.begin() as connection:
        picture = await viewing.preview(connection, media_id, asked=wanted, viewer=caller.id, rules=state.blur_rules)
    answer = await _serve(request, picture, {"X-Blur-Level": str(picture.level)})
    if answer is None:
        raise viewing.preview_pending()
    return answer


@router.post("/{media_id}/reveal", summary="Ask for the original: the whole of it, or a part at a time")
async def reveal(
    media_id: UUID,
    body: RevealIn,
    request: Request,
    response: Response,
    caller: MediaRevealer,
    connection: UnitOfWork,
) -> RevealOut:
    """Records who sees what, when and why, before an address is given out."""
    response.headers["Cache-Control"] = NO_STORE
    state = request.app.state
    terms = reveals.Terms(state.settings, state.blur_rules)
    return await reveals.reveal(connection, media_id, body, holder=caller.id, terms=terms)


@router.get("/{media_id}/original", summary="Revealed media", response_class=StreamingResponse, responses=_ORIGINALS)
async def original(
    media_id: UUID,
    grant: Annotated[str, Query(max_length=GRANT_CHARACTERS)],
    request: Request,
    caller: FirstRevealer,
) -> StreamingResponse:
    """Only for the person it was revealed to, while the address and their lease are live and they have not closed it."""
    state = request.app.state
    asked = reveals.Fetch(media_id, grant, caller.id)
    async with state.engine.begin() as connection:
        picture = await reveals.original(connection, asked, key=state.settings.signing_key)
    answer = await _serve(request, picture)
    if answer is None:
        raise NotFoundError(f"the file of media {media_id} is missing from the storage")
    return answer


@router.get("/{media_id}/lens", summary="A part of a revealed picture", responses=_TILES, response_class=Response)
async def lens(
    media_id: UUID, request: Request, caller: FirstRevealer, asked: Annotated[LensQuery, Query()]
) -> Response:
    """One tile around the asked place, cut from a small copy by the server. As `original` in all else."""
    state = request.app.state
    fetch = reveals.Fetch(media_id, asked.grant, caller.id)
    async with state.engine.begin() as connection:
        plain = await reveals.lens(connection, fetch, key=state.settings.signing_key)
    state.tiles.take(plain.exposure_id)
    file = await state.storage.open(plain.stored_as)
    if file is None:
        raise reveals.no_plain()
    data = b"".join([chunk async for chunk in file.chunks])
    tile = await state.renderer.lens(data, clamped(asked.x), clamped(asked.y))
    return Response(tile, media_type=TILE, headers=PICTURE_HEADERS)


@own.get("/me/media", summary="How media are shown to me")
async def preferences(caller: MediaViewer, connection: UnitOfWork) -> PreferencesOut:
    return await viewing.preferences_of(connection, caller.id)


@own.put("/me/media", summary="Say how media are shown to me; never weaker than the rules ask")
async def prefer(body: PreferencesIn, caller: MediaViewer, connection: UnitOfWork) -> PreferencesOut:
    return await viewing.prefer(connection, caller.id, body)


@own.get("/defaults/media", summary="How media are shown to whoever never said how they want them")
async def defaults(_caller: PeopleManager, connection: UnitOfWork) -> MediaDefaultsOut:
    return await viewing.defaults(connection)


@own.put("/defaults/media", summary="Change how media are shown to whoever never said how they want them")
async def set_defaults(
    body: PreferencesIn, request: Request, caller: PeopleManager, connection: UnitOfWork
) -> MediaDefaultsOut:
    return await viewing.set_defaults(connection, body, actor=caller.id, rules=request.app.state.blur_rules)


@own.post("/exposures/{exposure_id}/end", status_code=204, summary="Say that I do not look any more")
async def end(exposure_id: UUID, body: LookEndIn, caller: MediaRevealer, connection: UnitOfWork) -> Response:
    """The address of that reveal works no longer. Sent again it changes nothing: the first end counts."""
    await reveals.end(connection, exposure_id, holder=caller.id, why=body.why)
    return Response(status_code=204)


def clamped(share: float) -> float:
    """A place beyond the edge of a picture is at its edge."""
    return min(max(share, 0.0), 1.0)


async def _serve(request: Request, picture: Picture, more: dict[str, str] | None = None) -> StreamingResponse | None:
    """The file, or the piece of it that is asked for; None when it is missing from the storage."""
    # A condition on the piece never holds: answers carry nothing by which a caller could know the file again.
    piece = None if "if-range" in request.headers else asked_piece(request.headers.get("range"))
    file = await request.app.state.storage.open(picture.stored_as, *(piece or ()))
    if file is None:
        return None
    headers = {
        **PICTURE_HEADERS,
        "Accept-Ranges": "bytes",
        "Content-Length": str(file.length),
        "Content-Disposition": f'inline; filename="media.{SUFFIXES[picture.mime]}"',
        **(range_headers(file) if piece else {}),
        **(more or {}),
    }
    return StreamingResponse(file.chunks, 206 if piece else 200, headers, media_type=picture.mime)
