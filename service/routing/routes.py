"""HTTP of routing, and of queues for those who manage them."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from service.db import UnitOfWork
from service.routing import preview as previewing
from service.routing import queues, workflow
from service.routing.schemas import (
    DeniedActionsIn,
    DeniedActionsOut,
    ManagedQueueOut,
    PreviewIn,
    PreviewOut,
    QueueChangeIn,
    QueueIn,
    RoutingIn,
    RoutingOut,
    SavedOut,
)
from service.security import QueueManager

router = APIRouter(prefix="/v1", tags=["routing"])

Name = Annotated[str, Path(max_length=64, pattern=r"^[^\x00]*$")]


@router.get("/routing", summary="The rules at work, every version before, queues and special routes")
async def read(_caller: QueueManager, connection: UnitOfWork) -> RoutingOut:
    return await workflow.routing(connection)


@router.post("/routing", status_code=201, summary="Put new rules to work")
async def save(body: RoutingIn, request: Request, caller: QueueManager, connection: UnitOfWork) -> SavedOut:
    return await workflow.save(connection, body, actor=caller.id, taxonomy=request.app.state.taxonomy)


@router.post("/routing/preview", summary="What rules would have done with the cases of the last hours")
async def preview(body: PreviewIn, request: Request, _caller: QueueManager, connection: UnitOfWork) -> PreviewOut:
    return await previewing.preview(connection, body, request.app.state.taxonomy)


@router.post("/queues", status_code=201, summary="Make a queue")
async def create_queue(
    body: QueueIn, request: Request, caller: QueueManager, connection: UnitOfWork
) -> ManagedQueueOut:
    return await queues.create(connection, body, actor=caller.id, taxonomy=request.app.state.taxonomy)


@router.patch("/queues/{queue}", summary="Change a queue")
async def change_queue(
    queue: Name, body: QueueChangeIn, request: Request, caller: QueueManager, connection: UnitOfWork
) -> ManagedQueueOut:
    return await queues.change(connection, queue, body, actor=caller.id, taxonomy=request.app.state.taxonomy)


@router.post("/queues/{queue}/close", status_code=204, summary="Close a queue for good")
async def close_queue(queue: Name, caller: QueueManager, connection: UnitOfWork) -> Response:
    await queues.close(connection, queue, actor=caller.id)
    return Response(status_code=204)


@router.put("/queues/{queue}/members/{username}", summary="Let a person into a restricted queue")
async def add_member(queue: Name, username: Name, caller: QueueManager, connection: UnitOfWork) -> ManagedQueueOut:
    return await queues.add_member(connection, queue, username, actor=caller.id)


@router.delete("/queues/{queue}/members/{username}", summary="Take a person out of a restricted queue")
async def remove_member(queue: Name, username: Name, caller: QueueManager, connection: UnitOfWork) -> ManagedQueueOut:
    return await queues.remove_member(connection, queue, username, actor=caller.id)


@router.get("/actions/denied", summary="Actions that roles may not take")
async def denied_actions(_caller: QueueManager, connection: UnitOfWork) -> DeniedActionsOut:
    return await queues.denied_actions(connection)


@router.put("/actions/denied", summary="Replace what roles may not do")
async def deny_actions(
    body: DeniedActionsIn, request: Request, caller: QueueManager, connection: UnitOfWork
) -> DeniedActionsOut:
    return await queues.deny_actions(connection, body, actor=caller.id, taxonomy=request.app.state.taxonomy)
