"""HTTP of holds, hand-overs, skips and the alerts about cases that keep coming back."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from service.db import UnitOfWork
from service.holds import workflow
from service.holds.schemas import HandOverIn, HeldUntilOut, HoldIn, HoldsOut, LeaseAlertsOut, SkipIn, SkipsOut
from service.security import CaseReviewer, FloorReader

router = APIRouter(prefix="/v1", tags=["leases"])


@router.get("/holds", summary="Cases kept back for the caller: held by them, or handed to them")
async def holds(caller: CaseReviewer, connection: UnitOfWork) -> HoldsOut:
    return await workflow.holds_of(connection, caller.id)


@router.post("/cases/{case_id}/hold", summary="Keep a claimed case back for a while")
async def hold(
    case_id: UUID, body: HoldIn, request: Request, caller: CaseReviewer, connection: UnitOfWork
) -> HeldUntilOut:
    return await workflow.hold(connection, case_id, body, holder=caller.id, settings=request.app.state.settings)


@router.post("/cases/{case_id}/hand-over", summary="Give a claimed case to a colleague")
async def hand_over(
    case_id: UUID, body: HandOverIn, request: Request, caller: CaseReviewer, connection: UnitOfWork
) -> HeldUntilOut:
    return await workflow.hand_over(connection, case_id, body, holder=caller.id, settings=request.app.state.settings)


@router.post("/cases/{case_id}/skip", status_code=204, summary="Pass a claimed case over")
async def skip(case_id: UUID, body: SkipIn, request: Request, caller: CaseReviewer, connection: UnitOfWork) -> Response:
    await workflow.skip(connection, case_id, body, holder=caller.id, settings=request.app.state.settings)
    return Response(status_code=204)


@router.get("/cases/{case_id}/skips", summary="Why a case was skipped, never by whom")
async def skips(case_id: UUID, caller: FloorReader, connection: UnitOfWork) -> SkipsOut:
    return await workflow.skips_of(connection, case_id, person=caller.id)


@router.get("/alerts/leases", summary="Undecided cases that keep coming back")
async def alerts(request: Request, caller: FloorReader, connection: UnitOfWork) -> LeaseAlertsOut:
    return await workflow.lease_alerts(connection, request.app.state.settings, person=caller.id)
