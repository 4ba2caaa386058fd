"""HTTP of labels that look wrong."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request

from service.db import UnitOfWork
from service.exposure.limits import limits_of
from service.exposure.workflow import milder_only
from service.security import LabelExporter, QaReviewer
from service.suspects import workflow
from service.suspects.schemas import ResolvedOut, SuspectResolutionIn, SuspectsIn, SuspectsOut, UploadedSuspectsOut

router = APIRouter(prefix="/v1", tags=["labels"])


@router.post("/labels/suspects", summary="Hand in labels that look wrong to a model, to be looked at again")
async def add(body: SuspectsIn, request: Request, caller: LabelExporter, connection: UnitOfWork) -> UploadedSuspectsOut:
    return await workflow.add(connection, body, taxonomy=request.app.state.taxonomy, actor=caller.id)


@router.get("/labels/suspects", summary="Labels that look wrong, of cases the caller may see and did not decide")
async def waiting(
    request: Request,
    caller: QaReviewer,
    connection: UnitOfWork,
    limit: Annotated[int, Query(ge=1, le=100, description="how many to show")] = 20,
    after: Annotated[
        UUID | None, Query(description="only what comes after this one in the order: its decision")
    ] = None,
) -> SuspectsOut:
    mild = await milder_only(connection, caller.id, limits_of(request.app.state.settings))
    return await workflow.waiting(connection, person=caller.id, limit=limit, after=after, mild=mild)


@router.post("/labels/suspects/{decision_id}/resolve", summary="Say whether a label that looks wrong holds")
async def resolve(
    decision_id: UUID, body: SuspectResolutionIn, request: Request, caller: QaReviewer, connection: UnitOfWork
) -> ResolvedOut:
    return await workflow.resolve(connection, decision_id, body, person=caller.id, taxonomy=request.app.state.taxonomy)
