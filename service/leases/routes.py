"""HTTP of leases."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from service.db import UnitOfWork
from service.exposure.limits import limits_of
from service.leases import workflow
from service.leases.schemas import HeldOut, LeaseIn, LeasesOut, RenewedOut
from service.security import CaseReviewer

router = APIRouter(prefix="/v1", tags=["leases"])


@router.get("/leases", summary="The cases that the caller holds, the one that lapses first in front")
async def held(caller: CaseReviewer, connection: UnitOfWork) -> LeasesOut:
    leases = await workflow.held_by(connection, caller.id)
    return LeasesOut(
        leases=[
            HeldOut(case_id=one.case_id, token=one.token, expires_at=one.expires_at, prefetched=one.prefetched)
            for one in leases
        ],
        server_now=await workflow.server_now(connection),
    )


@router.post("/cases/{case_id}/lease/renew", summary="Keep a claimed case for longer; opens one fetched ahead")
async def renew(
    case_id: UUID, body: LeaseIn, request: Request, caller: CaseReviewer, connection: UnitOfWork
) -> RenewedOut:
    settings = request.app.state.settings
    length = workflow.Length(settings.lease_seconds, settings.lease_hours, limits_of(settings).break_seconds)
    return await workflow.renew(connection, case_id, token=body.lease_token, holder=caller.id, length=length)


@router.post("/cases/{case_id}/lease/release", status_code=204, summary="Give a claimed case back to its queue")
async def release(case_id: UUID, body: LeaseIn, caller: CaseReviewer, connection: UnitOfWork) -> Response:
    await workflow.release(connection, case_id, token=body.lease_token, holder=caller.id)
    return Response(status_code=204)
