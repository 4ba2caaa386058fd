"""HTTP of packages that a person files. Nothing is filed from here."""

from uuid import UUID

from fastapi import APIRouter

from service.db import UnitOfWork
from service.restricted.packages import workflow
from service.restricted.packages.schemas import FilingIn, PackageIn, PackageOut, PackagesOut
from service.security import EscalationWorker

router = APIRouter(prefix="/v1/escalations", tags=["restricted material"])


@router.get("/{escalation_id}/packages", summary="Packages of a restricted escalation that a person may file")
async def packages(escalation_id: UUID, caller: EscalationWorker, connection: UnitOfWork) -> PackagesOut:
    return await workflow.packages_of(connection, escalation_id, viewer=caller.id)


@router.post(
    "/{escalation_id}/packages", status_code=201, summary="Put together what a person may file; nothing is filed"
)
async def make(escalation_id: UUID, body: PackageIn, caller: EscalationWorker, connection: UnitOfWork) -> PackageOut:
    return await workflow.make(connection, escalation_id, body.kind, actor=caller.id)


@router.get("/{escalation_id}/packages/{package_id}", summary="A package, as JSON")
async def package(
    escalation_id: UUID, package_id: UUID, caller: EscalationWorker, connection: UnitOfWork
) -> PackageOut:
    return await workflow.package_view(connection, escalation_id, package_id, viewer=caller.id)


@router.post("/{escalation_id}/packages/{package_id}/filed", summary="Enter where a person has filed a package")
async def enter_filing(
    escalation_id: UUID, package_id: UUID, body: FilingIn, caller: EscalationWorker, connection: UnitOfWork
) -> PackageOut:
    return await workflow.enter_filing(connection, escalation_id, package_id, body, actor=caller.id)
