"""HTTP of letters that were given up."""

from uuid import UUID

from fastapi import APIRouter, Request

from service.db import UnitOfWork
from service.replies.sending import workflow
from service.replies.sending.schemas import DeliveryOut, LettersOut
from service.security import EscalationWorker

router = APIRouter(prefix="/v1/replies", tags=["replies"])


@router.get("/dead-letters", summary="Letters that were given up, oldest first")
async def dead_letters(caller: EscalationWorker, connection: UnitOfWork) -> LettersOut:
    return await workflow.dead_letters(connection, viewer=caller.id)


@router.post("/deliveries/{delivery_id}/resend", status_code=202, summary="Send a given-up letter again, under its id")
async def send_again(
    delivery_id: UUID, request: Request, caller: EscalationWorker, connection: UnitOfWork
) -> DeliveryOut:
    settings = request.app.state.settings
    return await workflow.send_again(connection, delivery_id, settings=settings, actor=caller.id)
