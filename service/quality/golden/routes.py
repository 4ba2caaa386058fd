"""HTTP of golden items."""

from uuid import UUID

from fastapi import APIRouter, Response

from service.db import UnitOfWork
from service.quality.golden import workflow
from service.quality.golden.schemas import GoldenIn, GoldenListOut, GoldenOut
from service.security import QaManager

router = APIRouter(prefix="/v1/qa/golden", tags=["quality"])


@router.post("", status_code=201, summary="Make a golden item of a settled check")
async def make(body: GoldenIn, caller: QaManager, connection: UnitOfWork) -> GoldenOut:
    return await workflow.make(connection, body, person=caller.id)


@router.get("", summary="Golden items, newest first")
async def listed(caller: QaManager, connection: UnitOfWork) -> GoldenListOut:
    return await workflow.listed(connection, person=caller.id)


@router.post("/{golden_id}/retire", status_code=204, summary="Take a golden item out of use")
async def retire(golden_id: UUID, caller: QaManager, connection: UnitOfWork) -> Response:
    await workflow.retire(connection, golden_id, person=caller.id)
    return Response(status_code=204)
