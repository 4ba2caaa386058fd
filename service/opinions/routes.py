"""HTTP of second opinions."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from service.cases.workflow import keep_late_draft
from service.db import UnitOfWork
from service.errors.cases import LeaseStaleError
from service.opinions import workflow
from service.opinions.schemas import AskedOut, OpinionQuestionIn, OpinionsOut
from service.security import CaseReviewer

router = APIRouter(prefix="/v1", tags=["second opinions"])


@router.post(
    "/cases/{case_id}/second-opinion",
    status_code=201,
    summary="Ask somebody else about a claimed case, without telling them what one would decide",
    response_model=AskedOut,
)
async def ask(
    case_id: UUID, body: OpinionQuestionIn, request: Request, caller: CaseReviewer, connection: UnitOfWork
) -> AskedOut | JSONResponse:
    draft = body.proposal.model_dump(mode="json")
    try:
        return await workflow.ask(connection, case_id, body, holder=caller.id, taxonomy=request.app.state.taxonomy)
    except LeaseStaleError as error:
        # Answered instead of raised: raising would roll the draft back. The refusal has stored nothing else.
        await keep_late_draft(connection, case_id, token=body.lease_token, holder=caller.id, body=draft)
        return JSONResponse(error.shape(), status_code=error.status)


@router.get("/opinions", summary="Second opinions that the caller asked for, or gave")
async def mine(
    caller: CaseReviewer,
    connection: UnitOfWork,
    side: Annotated[Literal["asked", "answered"], Query(description="which side the caller was on")] = "asked",
) -> OpinionsOut:
    return await workflow.mine(connection, caller.id, side=side)


@router.post("/opinions/{opinion_id}/withdraw", status_code=204, summary="Take a question back that waits")
async def withdraw(opinion_id: UUID, caller: CaseReviewer, connection: UnitOfWork) -> Response:
    await workflow.withdraw(connection, opinion_id, person=caller.id)
    return Response(status_code=204)
