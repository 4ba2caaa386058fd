"""HTTP of the log of events."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse
from sqlalchemy.ext.asyncio import AsyncEngine

from service.audit import workflow
from service.audit.schemas import LogFilter, LogOut
from service.audit.workflow import Format
from service.db import UnitOfWork
from service.limits import turn_of
from service.security import AuditReader, Principal

router = APIRouter(prefix="/v1/events", tags=["audit"])
_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}
# It lasts until the whole body has been sent.
ExportTurn = Annotated[None, Depends(turn_of("exports of events"), scope="request")]


class _PageQuery(LogFilter):
    limit: Annotated[int, Query(ge=1, le=500)] = 100


class _FileQuery(LogFilter):
    format: Format = "csv"


@router.get("", summary="The log of events, newest first")
async def log(wanted: Annotated[_PageQuery, Query()], caller: AuditReader, connection: UnitOfWork) -> LogOut:
    return await workflow.page(connection, wanted, viewer=caller, limit=wanted.limit)


@router.get("/export", summary="The log of events as a file, at most 100,000 lines", response_class=StreamingResponse)
async def export(
    wanted: Annotated[_FileQuery, Query()],
    request: Request,
    _turn: ExportTurn,
    caller: AuditReader,
    connection: UnitOfWork,
) -> StreamingResponse:
    """The export itself is an event. `before` of the last line gives what is older."""
    asked = LogFilter(**wanted.model_dump(exclude={"format"}))
    await workflow.note_export(connection, asked, kind=wanted.format, viewer=caller)
    lines = _lines(request.app.state.engine, asked, wanted.format, caller)
    name = f'attachment; filename="events.{wanted.format}"'
    return StreamingResponse(lines, media_type=_TYPES[wanted.format], headers={"Content-Disposition": name})


# A connection of its own: the request's one is given back before the body has been sent.
async def _lines(engine: AsyncEngine, wanted: LogFilter, kind: Format, viewer: Principal) -> AsyncIterator[str]:
    async with engine.connect() as connection:
        async for lines in workflow.export(connection, wanted, kind=kind, viewer=viewer):
            yield lines
