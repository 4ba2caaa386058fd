"""HTTP of notices to those who lead."""

from uuid import UUID

from fastapi import APIRouter

from service.crisis.notices import workflow
from service.crisis.notices.schemas import NoticesOut, SeenIn
from service.db import UnitOfWork
from service.security import QueueManager

router = APIRouter(prefix="/v1", tags=["crises"])


@router.get("/crisis-notices", summary="What happened to crises and you have not confirmed")
async def notices(caller: QueueManager, connection: UnitOfWork) -> NoticesOut:
    return await workflow.notices(connection, caller.id)


@router.post("/crises/{crisis_id}/seen", status_code=204, summary="Confirm that one has seen what happened to a crisis")
async def confirm(crisis_id: UUID, body: SeenIn, caller: QueueManager, connection: UnitOfWork) -> None:
    await workflow.confirm(connection, crisis_id, body.moment, person=caller.id)
