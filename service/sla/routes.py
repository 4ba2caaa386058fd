"""HTTP of clocks of escalations."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from service.db import UnitOfWork
from service.security import EscalationManager, EscalationWorker
from service.sla import workflow
from service.sla.previewing import preview
from service.sla.schemas import (
    AttainmentOut,
    EscalationClocksOut,
    MatrixOut,
    MatrixPreviewIn,
    MatrixPreviewOut,
    MatrixVersionOut,
    OverduesOut,
    PauseIn,
    SaveIn,
    StatedIn,
)
from service.sla.standing import workflow as standing
from service.sla.tables import as_csv
from service.sla.versions.workflow import matrix_view, save

router = APIRouter(prefix="/v1", tags=["clocks of escalations"])
Months = Annotated[int, Query(ge=1, le=36, description="how many months, this one counted")]


@router.get("/sla", summary="The matrix of clocks at work, and every version of it")
async def matrix(_caller: EscalationWorker, connection: UnitOfWork) -> MatrixOut:
    return await matrix_view(connection)


@router.post("/sla/preview", summary="What another matrix would do to the clocks that run")
async def try_matrix(body: MatrixPreviewIn, caller: EscalationManager, connection: UnitOfWork) -> MatrixPreviewOut:
    """Nothing is changed. Records that the caller may not see are counted and not listed."""
    return await preview(connection, body.text, viewer=caller.id)


@router.post("/sla", status_code=201, summary="Put another matrix to work")
async def save_matrix(body: SaveIn, caller: EscalationManager, connection: UnitOfWork) -> MatrixVersionOut:
    """From `effective_at` on, clocks that run follow it within seconds; pauses are kept. A legal clock is never dropped by
    it, and moves later only where its row names another basis.
    """
    return await save(connection, body, actor=caller.id)


@router.get("/sla/overdue", summary="Clocks that have run out on open escalations")
async def overdue(caller: EscalationWorker, connection: UnitOfWork) -> OverduesOut:
    return await standing.overdues(connection, viewer=caller.id)


@router.get("/sla/attainment", summary="How targets of escalations were kept, by month and source")
async def attainment(_caller: EscalationWorker, connection: UnitOfWork, months: Months = 3) -> AttainmentOut:
    """Clocks that are still open and overdue count as missed."""
    return await standing.attainment(connection, months=months)


@router.get("/sla/attainment.csv", summary="The same figures as comma-separated values")
async def attainment_csv(_caller: EscalationWorker, connection: UnitOfWork, months: Months = 12) -> Response:
    made = as_csv(await standing.attainment(connection, months=months))
    name = {"Content-Disposition": 'attachment; filename="attainment.csv"'}
    return Response(made, media_type="text/csv; charset=utf-8", headers=name)


@router.get("/escalations/{escalation_id}/clocks", summary="Every clock that an escalation ever had, and its pauses")
async def clocks(escalation_id: UUID, caller: EscalationWorker, connection: UnitOfWork) -> EscalationClocksOut:
    return await workflow.clocks_of(connection, escalation_id, viewer=caller.id)


@router.post(
    "/escalations/{escalation_id}/clocks", status_code=201, summary="Set a legal deadline that an order itself states"
)
async def set_stated(
    escalation_id: UUID, body: StatedIn, caller: EscalationWorker, connection: UnitOfWork
) -> EscalationClocksOut:
    """A legal clock is never changed: another takes its place, later only where the reason names the new basis."""
    return await workflow.state(connection, escalation_id, body, actor=caller.id)


@router.post("/escalations/{escalation_id}/clocks/pause", summary="Pause the internal clocks of an escalation")
async def pause(
    escalation_id: UUID, body: PauseIn, caller: EscalationWorker, connection: UnitOfWork
) -> EscalationClocksOut:
    """Legal clocks run on."""
    return await workflow.pause_by(connection, escalation_id, reason=body.reason, person=caller.id)


@router.post("/escalations/{escalation_id}/clocks/resume", summary="Let the internal clocks of an escalation go on")
async def resume(escalation_id: UUID, caller: EscalationWorker, connection: UnitOfWork) -> EscalationClocksOut:
    return await workflow.resume_by(connection, escalation_id, person=caller.id)


@router.post(
    "/escalations/{escalation_id}/clocks/seen", status_code=204, summary="Say that one knows of what has run out"
)
async def seen(escalation_id: UUID, caller: EscalationWorker, connection: UnitOfWork) -> None:
    await standing.see(connection, escalation_id, person=caller.id)
