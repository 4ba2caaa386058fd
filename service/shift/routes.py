"""HTTP of one's own shift."""

from typing import Annotated

from fastapi import APIRouter, Query

from service.db import UnitOfWork
from service.security import CaseReviewer
from service.shift import workflow
from service.shift.schemas import DueListOut, MadeListOut

router = APIRouter(prefix="/v1/me", tags=["people"])


@router.get("/due", summary="Clocks that run out soon on what the caller holds")
async def due(
    caller: CaseReviewer,
    connection: UnitOfWork,
    hours: Annotated[int, Query(ge=1, le=168)] = workflow.HOURS,
) -> DueListOut:
    return await workflow.due(connection, caller.id, hours=hours)


@router.get("/decisions", summary="The caller's newest decisions, and what became of them")
async def decisions(
    caller: CaseReviewer,
    connection: UnitOfWork,
    limit: Annotated[int, Query(ge=1, le=200)] = workflow.LISTED_DECISIONS,
) -> MadeListOut:
    return await workflow.made(connection, caller.id, limit=limit)
