"""HTTP of the label export."""

from collections.abc import AsyncIterator

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from sqlalchemy.ext.asyncio import AsyncEngine

from labeling.taxonomy import Taxonomy
from service.exports.workflow import labelled_texts
from service.security import LabelExporter

router = APIRouter(prefix="/v1/labels", tags=["labels"])


@router.get("", summary="Decisions as labelled rows, one JSON object a line")
async def labels(request: Request, _caller: LabelExporter) -> StreamingResponse:
    state = request.app.state
    return StreamingResponse(_lines(state.engine, state.taxonomy), media_type="application/x-ndjson")


async def _lines(engine: AsyncEngine, taxonomy: Taxonomy) -> AsyncIterator[str]:
    # A connection of its own: the request's one is given back before the body has been sent.
    async with engine.connect() as connection:
        async for record in labelled_texts(connection, taxonomy):
            yield record.to_line()
