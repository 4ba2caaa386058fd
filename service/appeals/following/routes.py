"""HTTP of what follows from appeals."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from service.appeals.following import workflow
from service.appeals.schemas import (
    AppealFeedbackListOut,
    AppellantsOut,
    DisputeIn,
    DisputeOut,
    DisputeSettledIn,
    EscalatedOut,
    EscalateIn,
    OutcomeGroup,
    OverturnsOut,
)
from service.db import UnitOfWork
from service.limits import ScorecardTurn
from service.security import AppealDecider, CaseReviewer, EscalationWorker, ScorecardReader

# Before those with an id in their address.
router = APIRouter(prefix="/v1/appeals", tags=["appeals"])


@router.get("/feedback", summary="Decisions of the caller that did not hold on appeal")
async def feedback(caller: CaseReviewer, connection: UnitOfWork) -> AppealFeedbackListOut:
    return await workflow.feedback(connection, person=caller.id)


@router.get("/outcomes", summary="How often decisions did not hold on appeal in the last year, by group")
async def outcomes(
    _turn: ScorecardTurn,
    _caller: ScorecardReader,
    connection: UnitOfWork,
    by: Annotated[OutcomeGroup, Query(description="what to group by")] = "area",
) -> OverturnsOut:
    return await workflow.outcomes(connection, by)


@router.get("/appellants", summary="Appellants whose appeals were manifestly unfounded")
async def appellants(_caller: AppealDecider, connection: UnitOfWork) -> AppellantsOut:
    return await workflow.appellants(connection)


@router.post("/{appeal_id}/escalation", status_code=201, summary="Let an appeal go on as an escalation")
async def escalate(
    appeal_id: UUID, body: EscalateIn, request: Request, caller: EscalationWorker, connection: UnitOfWork
) -> EscalatedOut:
    by = workflow.Defaults(request.app.state.forms.closed, request.app.state.taxonomy)
    return await workflow.escalate(connection, appeal_id, body, person=caller.id, by=by)


@router.post("/{appeal_id}/disputes", status_code=201, summary="Record an out-of-court dispute about an appeal")
async def add_dispute(appeal_id: UUID, body: DisputeIn, caller: AppealDecider, connection: UnitOfWork) -> DisputeOut:
    return await workflow.add_dispute(connection, appeal_id, body, person=caller.id)


@router.post("/{appeal_id}/disputes/{dispute_id}/outcome", status_code=204, summary="Record what a dispute came to")
async def settle_dispute(
    appeal_id: UUID, dispute_id: UUID, body: DisputeSettledIn, caller: AppealDecider, connection: UnitOfWork
) -> Response:
    await workflow.settle_dispute(connection, appeal_id, dispute_id, body, person=caller.id)
    return Response(status_code=204)
