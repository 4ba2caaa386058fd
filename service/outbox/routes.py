"""HTTP of webhooks."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from service.db import UnitOfWork
from service.outbox import workflow
from service.outbox.schemas import (
    DeadLetterReplayIn,
    DeadLettersOut,
    DeliveryLogOut,
    QueuedOut,
    ReplayedOut,
    State,
    WebhookChangeIn,
    WebhookCreatedOut,
    WebhookIn,
    WebhookMessageOut,
    WebhookOut,
    WebhooksOut,
)
from service.outbox.workflow import Missed
from service.security import WebhookManager

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])


@router.post("", status_code=201, summary="Send decisions to an address")
async def create(body: WebhookIn, caller: WebhookManager, connection: UnitOfWork) -> WebhookCreatedOut:
    return await workflow.create_endpoint(connection, body, actor=caller.id)


@router.get("", summary="List webhook endpoints and their deliveries")
async def endpoints(_caller: WebhookManager, connection: UnitOfWork) -> WebhooksOut:
    return await workflow.list_endpoints(connection)


@router.patch("/{webhook_id}", summary="Pause an endpoint, let it go on, or choose what it is sent")
async def change(webhook_id: UUID, body: WebhookChangeIn, caller: WebhookManager, connection: UnitOfWork) -> WebhookOut:
    return await workflow.change_endpoint(connection, webhook_id, body, actor=caller.id)


@router.get("/{webhook_id}/messages", summary="Messages of an endpoint with their last attempt, newest first")
async def delivery_log(
    webhook_id: UUID,
    _caller: WebhookManager,
    connection: UnitOfWork,
    state: Annotated[State | None, Query(description="only those in this state")] = None,
    after: Annotated[UUID | None, Query(description="`next` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> DeliveryLogOut:
    return await workflow.delivery_log(connection, webhook_id, state=state, after=after, limit=limit)


@router.delete("/{webhook_id}", status_code=204, summary="Stop sending to an address")
async def close(webhook_id: UUID, caller: WebhookManager, connection: UnitOfWork) -> Response:
    await workflow.close_endpoint(connection, webhook_id, actor=caller.id)
    return Response(status_code=204)


@router.post("/{webhook_id}/test", status_code=202, summary="Send a signed test message, as any other is sent")
async def send_test(webhook_id: UUID, request: Request, caller: WebhookManager, connection: UnitOfWork) -> QueuedOut:
    return await workflow.send_test(connection, request.app.state.jobs, webhook_id, actor=caller.id)


@router.get("/dead-letters", summary="Messages that were given up, oldest first")
async def dead_letters(
    _caller: WebhookManager,
    connection: UnitOfWork,
    endpoint: Annotated[UUID | None, Query(description="only those of this endpoint")] = None,
    after: Annotated[UUID | None, Query(description="`next` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> DeadLettersOut:
    return await workflow.dead_letters(connection, endpoint=endpoint, after=after, limit=limit)


@router.post("/dead-letters/{message}/replay", status_code=202, summary="Send a given-up message again, under its id")
async def replay(message: UUID, request: Request, caller: WebhookManager, connection: UnitOfWork) -> QueuedOut:
    return await workflow.replay(connection, request.app.state.jobs, message, actor=caller.id)


@router.post("/{webhook_id}/dead-letters/replay", status_code=202, summary="Send what an endpoint missed, oldest first")
async def replay_all(
    webhook_id: UUID,
    request: Request,
    caller: WebhookManager,
    connection: UnitOfWork,
    limit: Annotated[int, Query(ge=1, le=1000, description="at most so many in this call")] = 1000,
    body: DeadLetterReplayIn | None = None,
) -> ReplayedOut:
    missed = Missed(webhook_id, body.source if body else None, limit)
    return await workflow.replay_all(connection, request.app.state.jobs, missed, actor=caller.id)


@router.get("/messages/{message}", summary="A message with every attempt to deliver it")
async def message(message: UUID, _caller: WebhookManager, connection: UnitOfWork) -> WebhookMessageOut:
    return await workflow.read_message(connection, message)
