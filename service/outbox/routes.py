"""HTTP of webhooks."""

from uuid import UUID

from fastapi import APIRouter, Response

from service.db import UnitOfWork
from service.outbox import workflow
from service.outbox.schemas import WebhookCreatedOut, WebhookIn, WebhooksOut
from service.security import WebhookManager

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])


@router.post("", status_code=201, summary="Send decisions to an address")
async def create(body: WebhookIn, caller: WebhookManager, connection: UnitOfWork) -> WebhookCreatedOut:
    return await workflow.create_endpoint(connection, body, actor=caller.id)


@router.get("", summary="List webhook endpoints and their deliveries")
async def endpoints(_caller: WebhookManager, connection: UnitOfWork) -> WebhooksOut:
    return await workflow.list_endpoints(connection)


@router.delete("/{webhook_id}", status_code=204, summary="Stop sending to an address")
async def close(webhook_id: UUID, caller: WebhookManager, connection: UnitOfWork) -> Response:
    await workflow.close_endpoint(connection, webhook_id, actor=caller.id)
    return Response(status_code=204)
