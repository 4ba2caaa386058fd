"""HTTP of escalations."""

from uuid import UUID

from fastapi import APIRouter

from service.db import UnitOfWork
from service.escalations import workflow
from service.escalations.schemas import EscalationOut, MessageIn, MessageOut, MessagesOut, TimelineOut
from service.security import EscalationWorker

router = APIRouter(prefix="/v1/escalations", tags=["escalations"])


@router.get("/{escalation_id}", summary="An escalation")
async def read(escalation_id: UUID, caller: EscalationWorker, connection: UnitOfWork) -> EscalationOut:
    return await workflow.escalation_view(connection, escalation_id, viewer=caller.id)


@router.get("/{escalation_id}/messages", summary="What was said about an escalation, and to whoever raised it")
async def messages(escalation_id: UUID, caller: EscalationWorker, connection: UnitOfWork) -> MessagesOut:
    return await workflow.messages_of(connection, escalation_id, viewer=caller.id)


@router.post("/{escalation_id}/messages", status_code=201, summary="Keep a note, or what came in, with an escalation")
async def add_message(
    escalation_id: UUID, body: MessageIn, caller: EscalationWorker, connection: UnitOfWork
) -> MessageOut:
    return await workflow.add_message(connection, escalation_id, body, person=caller.id)


@router.get("/{escalation_id}/timeline", summary="Everything that happened to an escalation")
async def timeline(escalation_id: UUID, caller: EscalationWorker, connection: UnitOfWork) -> TimelineOut:
    return await workflow.timeline(connection, escalation_id, viewer=caller.id)
