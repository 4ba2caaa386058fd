"""HTTP of working on escalations."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from service.db import UnitOfWork
from service.escalations.schemas import EscalationOut, FactsIn, MoveIn
from service.handling import workflow
from service.handling.schemas import ListOut, ListQuery, SearchIn
from service.security import EscalationWorker

router = APIRouter(prefix="/v1/escalations", tags=["escalations"])


@router.get("", summary="Escalations, in the order in which they are to be done")
async def listed(asked: Annotated[ListQuery, Query()], caller: EscalationWorker, connection: UnitOfWork) -> ListOut:
    return await workflow.listed(connection, asked, viewer=caller.id)


@router.post("/search", summary="Escalations by words, in the order in which they are to be done")
async def search(body: SearchIn, caller: EscalationWorker, connection: UnitOfWork) -> ListOut:
    return await workflow.listed(connection, body, viewer=caller.id)


@router.post(
    "/next", summary="Take the escalation that is to be done first of those that nobody has", response_model=None
)
async def take_next(caller: EscalationWorker, connection: UnitOfWork) -> EscalationOut | Response:
    """204 where nobody waits for anybody."""
    taken = await workflow.take_next(connection, person=caller.id)
    return taken if taken is not None else Response(status_code=204)


@router.post("/{escalation_id}/moves", summary="Take, assign, release, wait, ask, go on, resolve, take up again")
async def move(escalation_id: UUID, body: MoveIn, caller: EscalationWorker, connection: UnitOfWork) -> EscalationOut:
    """`ask`: information is missing. 409 with the state it is in where that does not lead anywhere from there, or where
    somebody changed it since `version`. Clocks of our own rest while it waits; those that a law sets never do.
    """
    return await workflow.move(connection, escalation_id, body, person=caller.id)


@router.patch("/{escalation_id}", summary="Change facts of an escalation", response_model=None)
async def change(
    escalation_id: UUID, body: FactsIn, caller: EscalationWorker, connection: UnitOfWork
) -> EscalationOut | Response:
    """204 where the caller may not see it any more."""
    changed = await workflow.change(connection, escalation_id, body, person=caller.id)
    return changed if changed is not None else Response(status_code=204)
