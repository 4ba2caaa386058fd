"""HTTP of view telemetry."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request

from service.security import ViewsWriter
from service.telemetry import workflow
from service.telemetry.reading import read_updates
from service.telemetry.schemas import ViewsBatch, ViewsIn, ViewsTaken
from service.wire import Stored, SubjectKind

router = APIRouter(prefix="/v1/subjects", tags=["telemetry"])

_UPDATE = ViewsBatch.model_json_schema()["$defs"]["ViewsUpdate"]
_BATCH_BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["updates"],
                "properties": {"updates": {"type": "array", "maxItems": 100_000, "items": _UPDATE}},
            }
        },
        "application/x-ndjson": {"schema": _UPDATE},
    },
}


@router.post("/views", summary="How often many subjects are seen now", openapi_extra={"requestBody": _BATCH_BODY})
async def take_batch(request: Request, _caller: ViewsWriter) -> ViewsTaken:
    """Up to 100,000 updates, as one JSON object or as lines of JSON (`Content-Type: application/x-ndjson`).

    The undecided case of each subject takes its new place in the same transaction as the rate. The call is applied in
    small transactions, so that it holds up nobody; nothing is applied of a body in which anything is wrong. Of several
    updates of one subject the last one counts, and one that was measured before the stored one is ignored.
    """
    state = request.app.state
    batch = await read_updates(await request.body(), content_type=request.headers.get("content-type", ""))
    return await workflow.take_batch(state.engine, batch, config=state.rank_config)


@router.post("/{subject_id:path}/views", summary="How often one subject is seen now")
async def take_one(
    subject_id: Annotated[str, Path(min_length=1, max_length=200, description="the platform's id"), Stored],
    body: ViewsIn,
    request: Request,
    _caller: ViewsWriter,
    kind: Annotated[SubjectKind | None, Query(description="as in the body; needed where subjects share an id")] = None,
) -> ViewsTaken:
    """The subject's undecided case takes its new place in the same transaction."""
    state = request.app.state
    async with state.engine.begin() as connection:
        return await workflow.take_one(connection, subject_id, body, kind=kind, config=state.rank_config)
