"""HTTP of feedback and objections."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from service.db import UnitOfWork
from service.quality.dependencies import Rules
from service.quality.feedback import workflow
from service.quality.feedback.schemas import CheckFeedbackListOut, ObjectionIn, ObjectionResolutionIn, ObjectionsOut
from service.security import CaseReviewer, QaAdjudicator

router = APIRouter(prefix="/v1/qa", tags=["quality"])


@router.get("/feedback", summary="What checks came to where the caller had said otherwise")
async def mine(request: Request, caller: CaseReviewer, connection: UnitOfWork) -> CheckFeedbackListOut:
    state = request.app.state
    days = state.settings.qa_dispute_days
    return await workflow.mine(connection, person=caller.id, days=days, taxonomy=state.taxonomy)


@router.post("/feedback/{feedback_id}/seen", status_code=204, summary="Note that feedback was read")
async def see(feedback_id: UUID, caller: CaseReviewer, connection: UnitOfWork) -> Response:
    await workflow.see(connection, feedback_id, person=caller.id)
    return Response(status_code=204)


@router.post("/feedback/{feedback_id}/dispute", status_code=204, summary="Object to what was settled")
async def dispute(
    feedback_id: UUID, body: ObjectionIn, request: Request, caller: CaseReviewer, connection: UnitOfWork
) -> Response:
    days = request.app.state.settings.qa_dispute_days
    await workflow.dispute(connection, feedback_id, body, person=caller.id, days=days)
    return Response(status_code=204)


@router.get("/objections", summary="Objections for somebody who had no part in what they are about")
async def objections(caller: QaAdjudicator, connection: UnitOfWork) -> ObjectionsOut:
    return await workflow.objections(connection, person=caller.id)


@router.post("/feedback/{feedback_id}/resolve", status_code=204, summary="Answer an objection")
async def resolve(
    feedback_id: UUID, body: ObjectionResolutionIn, rules: Rules, caller: QaAdjudicator, connection: UnitOfWork
) -> Response:
    await workflow.resolve(connection, feedback_id, body, person=caller.id, rules=rules)
    return Response(status_code=204)
