"""HTTP of replies that are being written, approved and sent."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from service.db import UnitOfWork
from service.replies.writing import workflow
from service.replies.writing.schemas import (
    RepliesOut,
    ReplyChangeIn,
    ReplyOut,
    ReplyReturnIn,
    ReplySeenIn,
    ReplyStartIn,
    ReplySureIn,
    WaitingListOut,
)
from service.security import EscalationManager, EscalationWorker
from service.settings import Settings

router = APIRouter(tags=["replies"])
REPLIES = "/v1/escalations/{escalation_id}/replies"
REPLY = f"{REPLIES}/{{reply_id}}"


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


@dataclass(frozen=True, slots=True)
class _Place:
    """The reply that is meant (ids of record and reply), and what every verb on it needs."""

    connection: AsyncConnection
    reply: tuple[UUID, UUID]
    settings: Settings


def _place(escalation_id: UUID, reply_id: UUID, request: Request, connection: UnitOfWork) -> _Place:
    return _Place(connection, (escalation_id, reply_id), _settings(request))


# Beside who may: a route names its caller first, so that nobody else gets any further.
Place = Annotated[_Place, Depends(_place)]


@router.get("/v1/replies/waiting", summary="Replies that wait for approval")
async def waiting(caller: EscalationManager, connection: UnitOfWork) -> WaitingListOut:
    return await workflow.waiting(connection, viewer=caller.id)


@router.get(REPLIES, summary="Replies to whoever raised an escalation")
async def replies(
    escalation_id: UUID, request: Request, caller: EscalationWorker, connection: UnitOfWork
) -> RepliesOut:
    return await workflow.replies(connection, escalation_id, viewer=caller.id, settings=_settings(request))


@router.post(REPLIES, status_code=201, summary="Begin a reply from a template")
async def start(
    escalation_id: UUID, body: ReplyStartIn, request: Request, caller: EscalationWorker, connection: UnitOfWork
) -> ReplyOut:
    return await workflow.start(connection, escalation_id, body, settings=_settings(request), person=caller.id)


@router.put(REPLY, summary="Write a reply")
async def change(caller: EscalationWorker, place: Place, body: ReplyChangeIn) -> ReplyOut:
    return await workflow.change(place.connection, place.reply, body, settings=place.settings, person=caller.id)


@router.post(f"{REPLY}/submit", summary="Ask for approval of a reply")
async def submit(caller: EscalationWorker, place: Place, body: ReplySureIn) -> ReplyOut:
    return await workflow.submit(place.connection, place.reply, body, settings=place.settings, person=caller.id)


@router.post(f"{REPLY}/approve", summary="Approve a reply that somebody else wrote")
async def approve(caller: EscalationManager, place: Place, body: ReplySureIn) -> ReplyOut:
    return await workflow.approve(place.connection, place.reply, body, settings=place.settings, person=caller.id)


@router.post(f"{REPLY}/rewrite", summary="Go on writing a reply that waits or was approved")
async def rewrite(caller: EscalationWorker, place: Place, body: ReplySeenIn) -> ReplyOut:
    return await workflow.rewrite(
        place.connection, place.reply, body.version, settings=place.settings, person=caller.id
    )


@router.post(f"{REPLY}/return", summary="Send a reply back to whoever wrote it")
async def give_back(caller: EscalationManager, place: Place, body: ReplyReturnIn) -> ReplyOut:
    return await workflow.give_back(place.connection, place.reply, body, settings=place.settings, person=caller.id)


@router.post(f"{REPLY}/send", status_code=202, summary="Send a reply, after a window in which it can be taken back")
async def send(caller: EscalationWorker, place: Place, body: ReplySureIn) -> ReplyOut:
    return await workflow.send(place.connection, place.reply, body, settings=place.settings, person=caller.id)


@router.post(f"{REPLY}/undo", summary="Take back a reply that nobody has begun to send")
async def take_back(caller: EscalationWorker, place: Place) -> ReplyOut:
    return await workflow.take_back(place.connection, place.reply, settings=place.settings, person=caller.id)


@router.post(f"{REPLY}/discard", status_code=204, summary="Give up a reply that was not sent")
async def discard(caller: EscalationWorker, place: Place, body: ReplySeenIn) -> Response:
    await workflow.discard(place.connection, place.reply, body.version, person=caller.id)
    return Response(status_code=204)
