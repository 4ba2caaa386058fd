"""HTTP of routing."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from service.db import UnitOfWork
from service.limits import turn_of
from service.routing import workflow
from service.routing.schemas import RoutingIn, RoutingOut, RoutingPreviewIn, RoutingPreviewOut, SavedOut
from service.security import QueueManager

router = APIRouter(prefix="/v1", tags=["routing"])
PreviewTurn = Annotated[None, Depends(turn_of("previews"), scope="function")]


@router.get("/routing", summary="The rules at work, every version before, queues and special routes")
async def read(_caller: QueueManager, connection: UnitOfWork) -> RoutingOut:
    return await workflow.routing(connection)


@router.post("/routing", status_code=201, summary="Put new rules to work")
async def save(body: RoutingIn, request: Request, caller: QueueManager, connection: UnitOfWork) -> SavedOut:
    return await workflow.save(connection, body, actor=caller.id, taxonomy=request.app.state.taxonomy)


@router.post("/routing/preview", summary="What rules would have done with the cases of the last hours")
async def preview(
    body: RoutingPreviewIn, request: Request, _turn: PreviewTurn, _caller: QueueManager, connection: UnitOfWork
) -> RoutingPreviewOut:
    return await workflow.preview(connection, body, request.app.state.taxonomy, gone=request.is_disconnected)
