"""HTTP of working on escalations."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from service.db import UnitOfWork
from service.escalations.closing import Closing
from service.escalations.schemas import EscalationOut, FactsIn, MoveIn
from service.handling import workflow
from service.handling.schemas import EscalationSearchIn, ListOut, ListQuery
from service.security import Capability, EscalationWorker

router = APIRouter(prefix="/v1/escalations", tags=["escalations"])


@router.get("", summary="Escalations, in the order in which they are to be done")
async def listed(asked: Annotated[ListQuery, Query()], caller: EscalationWorker, connection: UnitOfWork) -> ListOut:
    return await workflow.listed(connection, asked, viewer=caller.id)


@router.post("/search", summary="Escalations by words, in the order in which they are to be done")
async def search(body: EscalationSearchIn, caller: EscalationWorker, connection: UnitOfWork) -> ListOut:
    return await workflow.listed(connection, body, viewer=caller.id)


@router.post(
    "/next",
    summary="Take the escalation that is to be done first of those that nobody has",
    response_model=EscalationOut,
)
async def take_next(caller: EscalationWorker, connection: UnitOfWork) -> EscalationOut | Response:
    """204 where nobody waits for anybody."""
    return _or_gone(await workflow.take_next(connection, person=caller.id))


@router.post(
    "/{escalation_id}/moves",
    summary="Take, assign, release, wait, ask, go on, resolve, take up again",
    response_model=EscalationOut,
)
async def move(
    escalation_id: UUID, body: MoveIn, caller: EscalationWorker, connection: UnitOfWork
) -> EscalationOut | Response:
    """`ask`: information is missing. 409 with the state it is in where that does not lead anywhere from there, or where
    somebody changed it since `version`. Clocks of our own rest while it waits; those that a law sets never do. 204 where the
    caller may not see it any more, such as a confidential one that they gave away.
    """
    return _or_gone(await workflow.move(connection, escalation_id, body, person=caller.id))


@router.patch("/{escalation_id}", summary="Change facts of an escalation", response_model=EscalationOut)
async def change(
    escalation_id: UUID, body: FactsIn, request: Request, caller: EscalationWorker, connection: UnitOfWork
) -> EscalationOut | Response:
    """A trigger or an area that is more closed by default closes the record at once; letting others see it needs the right to
    manage escalations and a reason. 204 where the caller may not see it any more.
    """
    closing = Closing(request.app.state.forms.closed, Capability.ESCALATION_MANAGE in caller.capabilities)
    return _or_gone(await workflow.change(connection, escalation_id, body, person=caller.id, closing=closing))


def _or_gone(record: EscalationOut | None) -> EscalationOut | Response:
    return record if record is not None else Response(status_code=204)
