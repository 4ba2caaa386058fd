"""HTTP of shedding."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request

from service.db import UnitOfWork
from service.security import FloorReader, ShedManager
from service.shedding import workflow
from service.shedding.schemas import ForecastsOut, RestoredOut, RestoreIn, ShedListOut

router = APIRouter(prefix="/v1", tags=["shedding"])


@router.get("/forecast", summary="Whether the queues can be kept up with, and the rule for when they cannot")
async def forecast(request: Request, caller: FloorReader, connection: UnitOfWork) -> ForecastsOut:
    return await workflow.forecast(connection, request.app.state.rank_config, viewer=caller)


@router.get("/shed", summary="Cases that were given up, the latest first")
async def shed(
    request: Request,
    caller: FloorReader,
    connection: UnitOfWork,
    after: Annotated[UUID | None, Query(description="`next` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> ShedListOut:
    taxonomy = request.app.state.taxonomy
    return await workflow.listed(connection, taxonomy, viewer=caller, after=after, limit=limit)


@router.post("/shed/restore", summary="Take cases back into their queues")
async def restore(body: RestoreIn, request: Request, caller: ShedManager, connection: UnitOfWork) -> RestoredOut:
    return await workflow.restore(connection, request.app.state.jobs, body, viewer=caller)
