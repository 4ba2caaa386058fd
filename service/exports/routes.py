"""HTTP of the exports."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse
from sqlalchemy.ext.asyncio import AsyncEngine

from labeling.taxonomy import Taxonomy
from service.exports.workflow import decision_log, labelled_texts
from service.limits import turn_of
from service.security import LabelExporter

router = APIRouter(prefix="/v1", tags=["labels"])
_LINES = "application/x-ndjson"
# They last until the whole body has been sent.
LabelsTurn = Annotated[None, Depends(turn_of("exports of labels"), scope="request")]
LogTurn = Annotated[None, Depends(turn_of("exports of the log"), scope="request")]


@router.get("/labels", summary="Decisions as labelled rows, one JSON object a line")
async def labels(request: Request, _turn: LabelsTurn, _caller: LabelExporter) -> StreamingResponse:
    state = request.app.state
    return StreamingResponse(_labels(state.engine, state.taxonomy, state.settings.signing_key), media_type=_LINES)


@router.get("/log", summary="Cases with their claims and decisions, one JSON object a line")
async def log(request: Request, _turn: LogTurn, _caller: LabelExporter) -> StreamingResponse:
    state = request.app.state
    return StreamingResponse(_log(state.engine, state.taxonomy), media_type=_LINES)


# Connections of their own: the request's one is given back before the body has been sent.
async def _labels(engine: AsyncEngine, taxonomy: Taxonomy, secret: str) -> AsyncIterator[str]:
    async with engine.connect() as connection:
        async for record in labelled_texts(connection, taxonomy, secret=secret):
            yield record.to_line()


async def _log(engine: AsyncEngine, taxonomy: Taxonomy) -> AsyncIterator[str]:
    async with engine.connect() as connection:
        async for line in decision_log(connection, taxonomy):
            yield line
