"""HTTP of who read a restricted record, and what notes it for every address that has a record in it."""

from functools import partial
from uuid import UUID

from fastapi import APIRouter, Request

from service.db import UnitOfWork
from service.restricted.reads import workflow
from service.restricted.reads.schemas import ReadsOut
from service.security import EscalationWorker, find_principal

router = APIRouter(prefix="/v1/escalations", tags=["restricted material"])


async def note_reading(request: Request) -> None:
    """For every route of the application: whoever adds one about a record need not think of it."""
    named = request.path_params.get("escalation_id")
    if named is None or request.method != "GET":
        return
    try:
        escalation = UUID(named)
    except ValueError:
        return
    await workflow.note(request.app.state.engine, escalation, partial(find_principal, request))


@router.get("/{escalation_id}/reads", summary="Who read a restricted escalation")
async def reads(escalation_id: UUID, caller: EscalationWorker, connection: UnitOfWork) -> ReadsOut:
    return await workflow.reads_of(connection, escalation_id, viewer=caller.id)
