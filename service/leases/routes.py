"""HTTP of leases."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from service.db import UnitOfWork
from service.leases import workflow
from service.leases.schemas import HeldOut, LeaseIn, LeasesOut, RenewedOut
from service.security import CaseReviewer

router = APIRouter(prefix="/v1", tags=["leases"])


@router.get("/leases", summary="The cases that the caller holds, the one that lapses first in front")
async def held(caller: CaseReviewer, connection: UnitOfWork) -> LeasesOut:
    leases = await workflow.held_by(connection, caller.id)
    return LeasesOut(leases=[HeldOut(case_id=lease.case_id, expires_at=lease.expires_at) for lease in leases])


@router.post("/cases/{case_id}/lease/renew", summary="Keep a claimed case for longer")
async def renew(
    case_id: UUID, body: LeaseIn, request: Request, caller: CaseReviewer, connection: UnitOfWork
) -> RenewedOut:
    seconds = request.app.state.settings.lease_seconds
    lease = await workflow.renew(connection, case_id, token=body.lease_token, holder=caller.id, seconds=seconds)
    return RenewedOut(expires_at=lease.expires_at)


@router.post("/cases/{case_id}/lease/release", status_code=204, summary="Give a claimed case back to its queue")
async def release(case_id: UUID, body: LeaseIn, caller: CaseReviewer, connection: UnitOfWork) -> Response:
    await workflow.release(connection, case_id, token=body.lease_token, holder=caller.id)
    return Response(status_code=204)
