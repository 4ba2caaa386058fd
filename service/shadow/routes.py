"""HTTP of the shadow."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from service.db import UnitOfWork
from service.security import ModelReader
from service.shadow import workflow
from service.shadow.schemas import ShadowOut

router = APIRouter(prefix="/v1/models/shadow", tags=["models"])

MOST_TOP = 1_000


@router.get("", summary="What the shadow bundle would change in the order of the queue")
async def difference(
    request: Request,
    _caller: ModelReader,
    connection: UnitOfWork,
    top: Annotated[int, Query(ge=1, le=MOST_TOP, description="How many cases the head of the queue has.")] = 100,
) -> ShadowOut:
    state = request.app.state
    return await workflow.difference(connection, top=top, taxonomy=state.taxonomy, config=state.rank_config)
