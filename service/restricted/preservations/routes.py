"""HTTP of preservation."""

from uuid import UUID

from fastapi import APIRouter

from service.db import UnitOfWork
from service.restricted.preservations import workflow
from service.restricted.preservations.schemas import (
    PreservationEndIn,
    PreservationIn,
    PreservationOut,
    PreservationsOut,
)
from service.security import EscalationWorker

router = APIRouter(prefix="/v1/escalations", tags=["restricted material"])


@router.get("/{escalation_id}/preservations", summary="What is preserved for an escalation")
async def preservations(escalation_id: UUID, caller: EscalationWorker, connection: UnitOfWork) -> PreservationsOut:
    return await workflow.preservations_of(connection, escalation_id, viewer=caller.id)


@router.post(
    "/{escalation_id}/preservations", status_code=201, summary="Preserve a record, or something that belongs to it"
)
async def preserve(
    escalation_id: UUID, body: PreservationIn, caller: EscalationWorker, connection: UnitOfWork
) -> PreservationsOut:
    await workflow.preserve(connection, escalation_id, body, actor=caller.id)
    return await workflow.preservations_of(connection, escalation_id, viewer=caller.id)


@router.post(
    "/{escalation_id}/preservations/{preservation_id}/end",
    summary="Move the end of a preservation: later at once, earlier when a second person confirms it",
)
async def change_end(
    escalation_id: UUID,
    preservation_id: UUID,
    body: PreservationEndIn,
    caller: EscalationWorker,
    connection: UnitOfWork,
) -> PreservationOut:
    return await workflow.change_end(connection, escalation_id, preservation_id, body, actor=caller.id)


@router.post(
    "/{escalation_id}/preservations/{preservation_id}/confirm", summary="Confirm an earlier end, as second person"
)
async def confirm(
    escalation_id: UUID, preservation_id: UUID, caller: EscalationWorker, connection: UnitOfWork
) -> PreservationOut:
    return await workflow.settle(connection, escalation_id, preservation_id, confirmed=True, actor=caller.id)


@router.post("/{escalation_id}/preservations/{preservation_id}/decline", summary="Decline an earlier end")
async def decline(
    escalation_id: UUID, preservation_id: UUID, caller: EscalationWorker, connection: UnitOfWork
) -> PreservationOut:
    return await workflow.settle(connection, escalation_id, preservation_id, confirmed=False, actor=caller.id)
