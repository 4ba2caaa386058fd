"""HTTP of queues."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response

from service.cases.schemas import ClaimOut
from service.db import UnitOfWork
from service.leases.workflow import ClaimRules
from service.queues import workflow
from service.queues.schemas import QueuesOut
from service.security import CaseReviewer, QueueReader

router = APIRouter(prefix="/v1", tags=["queues"])


@router.get("/queues", summary="Queues with what waits in them")
async def queues(_caller: QueueReader, connection: UnitOfWork) -> QueuesOut:
    return await workflow.list_queues(connection)


@router.post(
    "/queues/{queue}/claim",
    summary="Take the case that comes next for the caller",
    response_model=ClaimOut,
    responses={204: {"description": "Nothing waits in this queue."}},
)
async def claim(
    queue: Annotated[str, Path(max_length=64)], request: Request, caller: CaseReviewer, connection: UnitOfWork
) -> Response:
    claimed = await workflow.claim(
        connection, queue, holder=caller.id, rules=_rules(request), taxonomy=request.app.state.taxonomy
    )
    if claimed is None:
        return Response(status_code=204)
    # Serialised once, here: the framework would validate and serialise the same values a second time.
    return Response(claimed.model_dump_json(), media_type="application/json")


@router.post("/cases/{case_id}/claim", summary="Take one case again, after a lapse or an undo")
async def claim_case(case_id: UUID, request: Request, caller: CaseReviewer, connection: UnitOfWork) -> ClaimOut:
    return await workflow.claim_case(
        connection, case_id, holder=caller.id, rules=_rules(request), taxonomy=request.app.state.taxonomy
    )


def _rules(request: Request) -> ClaimRules:
    state = request.app.state
    return ClaimRules(
        seconds=state.settings.lease_seconds,
        exposure_seconds=state.settings.exposure_hours * 3600,
        random_share=state.rank_config.random_share,
    )
