"""HTTP of holding statements."""

from uuid import UUID

from fastapi import APIRouter, Request

from service.crisis.holding import workflow
from service.crisis.holding.schemas import HoldingIn, HoldingsOut
from service.db import UnitOfWork
from service.replies.writing.schemas import ReplyOut
from service.security import EscalationWorker

router = APIRouter(prefix="/v1/escalations/{escalation_id}", tags=["crises"])


@router.get("/holding-statements", summary="What crises at work let be said about an escalation")
async def statements(
    escalation_id: UUID, request: Request, caller: EscalationWorker, connection: UnitOfWork
) -> HoldingsOut:
    settings = request.app.state.settings
    return await workflow.statements(connection, escalation_id, viewer=caller.id, settings=settings)


@router.post("/holding-statements", status_code=201, summary="Begin a reply with a holding statement")
async def begin(
    escalation_id: UUID, body: HoldingIn, request: Request, caller: EscalationWorker, connection: UnitOfWork
) -> ReplyOut:
    settings = request.app.state.settings
    return await workflow.begin_with(connection, escalation_id, body, settings=settings, person=caller.id)
