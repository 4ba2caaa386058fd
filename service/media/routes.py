"""HTTP of media."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from service.db import UnitOfWork
from service.errors import NotFoundError
from service.media import workflow
from service.media.schemas import RevealIn, RevealOut, UploadedOut
from service.media.sniff import FORMATS
from service.media.storage import StoredFile
from service.media.upload import read_upload
from service.media.workflow import Picture
from service.security import MediaRevealer, MediaViewer, MediaWriter

router = APIRouter(prefix="/v1/media", tags=["media"])

NO_STORE = "private, no-store"
# Whatever a browser is made to believe about the bytes: not kept, not guessed at, not run, not embedded elsewhere.
PICTURE_HEADERS = {
    "Cache-Control": NO_STORE,
    "Content-Security-Policy": "default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
_PICTURES: dict[int | str, dict[str, Any]] = {200: {"content": {mime: {} for mime in FORMATS}}}
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


@router.post("", status_code=201, summary="Upload a picture", openapi_extra={"requestBody": _UPLOAD_BODY})
async def upload(request: Request, caller: MediaWriter) -> UploadedOut:
    """JPEG, PNG, WebP or GIF. A clean copy without metadata is kept, never the file itself."""
    state = request.app.state
    with state.renderer.admit():
        data = await read_upload(request, limit=state.settings.media_max_bytes)
        prepared = await workflow.prepare(data, renderer=state.renderer, storage=state.storage, settings=state.settings)
    async with state.engine.begin() as connection:
        row = await workflow.add(connection, prepared, uploaded_by=caller.id)
    return UploadedOut(media_id=row.id, kind="image", status="ready")


@router.get("/{media_id}/preview", summary="The blurred picture", response_class=StreamingResponse, responses=_PICTURES)
async def preview(
    media_id: UUID,
    request: Request,
    caller: MediaViewer,
    connection: UnitOfWork,
    level: Annotated[int | None, Query(ge=1, le=4, description="1 light to 4 strongest")] = None,
) -> StreamingResponse:
    """Never the original. The header `X-Blur-Level` gives the level served: the server may insist on a stronger one."""
    taxonomy = request.app.state.taxonomy
    picture = await workflow.preview(connection, media_id, asked=level, viewer=caller.id, taxonomy=taxonomy)
    file = await request.app.state.storage.open(picture.stored_as)
    if file is None:
        raise workflow.preview_pending()
    return _serve(picture, file, {"X-Blur-Level": str(picture.level)})


@router.post("/{media_id}/reveal", summary="Ask for the original of a picture")
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
    settings = request.app.state.settings
    return await workflow.reveal(connection, media_id, request=body, holder=caller.id, settings=settings)


@router.get("/{media_id}/original", summary="A revealed picture", response_class=StreamingResponse, responses=_PICTURES)
async def original(
    media_id: UUID,
    grant: Annotated[str, Query(max_length=500)],
    request: Request,
    caller: MediaRevealer,
    connection: UnitOfWork,
) -> StreamingResponse:
    """Only for the person it was revealed to, while the address and their lease are live."""
    settings = request.app.state.settings
    picture = await workflow.original(connection, media_id, grant=grant, holder=caller.id, settings=settings)
    file = await request.app.state.storage.open(picture.stored_as)
    if file is None:
        raise NotFoundError(f"the file of media {media_id} is missing from the storage")
    return _serve(picture, file)


def _serve(picture: Picture, file: StoredFile, more: dict[str, str] | None = None) -> StreamingResponse:
    headers = {
        **PICTURE_HEADERS,
        "Content-Length": str(file.size),
        "Content-Disposition": f'inline; filename="picture.{FORMATS[picture.mime].suffix}"',
        **(more or {}),
    }
    return StreamingResponse(file.chunks, media_type=picture.mime, headers=headers)
