"""HTTP of replies that are being written, approved and sent."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from service.db import UnitOfWork
from service.replies.writing import workflow
from service.replies.writing.schemas import ChangeIn, RepliesOut, ReplyOut, ReturnIn, SeenIn, StartIn, WaitingListOut
from service.security import EscalationManager, EscalationWorker
from service.settings import Settings

router = APIRouter(tags=["replies"])
REPLIES = "/v1/escalations/{escalation_id}/replies"
REPLY = f"{REPLIES}/{{reply_id}}"


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


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
    escalation_id: UUID, body: StartIn, request: Request, caller: EscalationWorker, connection: UnitOfWork
) -> ReplyOut:
    return await workflow.start(connection, escalation_id, body, settings=_settings(request), person=caller.id)


@router.put(REPLY, summary="Write a reply")
async def change(
    escalation_id: UUID,
    reply_id: UUID,
    body: ChangeIn,
    request: Request,
    caller: EscalationWorker,
    connection: UnitOfWork,
) -> ReplyOut:
    return await workflow.change(
        connection, (escalation_id, reply_id), body, settings=_settings(request), person=caller.id
    )


@router.post(f"{REPLY}/submit", summary="Ask for approval of a reply")
async def submit(
    escalation_id: UUID,
    reply_id: UUID,
    body: SeenIn,
    request: Request,
    caller: EscalationWorker,
    connection: UnitOfWork,
) -> ReplyOut:
    return await workflow.submit(
        connection, (escalation_id, reply_id), body.version, settings=_settings(request), person=caller.id
    )


@router.post(f"{REPLY}/approve", summary="Approve a reply that somebody else wrote")
async def approve(
    escalation_id: UUID,
    reply_id: UUID,
    body: SeenIn,
    request: Request,
    caller: EscalationManager,
    connection: UnitOfWork,
) -> ReplyOut:
    return await workflow.approve(
        connection, (escalation_id, reply_id), body.version, settings=_settings(request), person=caller.id
    )


@router.post(f"{REPLY}/rewrite", summary="Go on writing a reply that waits or was approved")
async def rewrite(
    escalation_id: UUID,
    reply_id: UUID,
    body: SeenIn,
    request: Request,
    caller: EscalationWorker,
    connection: UnitOfWork,
) -> ReplyOut:
    return await workflow.rewrite(
        connection, (escalation_id, reply_id), body.version, settings=_settings(request), person=caller.id
    )


@router.post(f"{REPLY}/return", summary="Send a reply back to whoever wrote it")
async def give_back(
    escalation_id: UUID,
    reply_id: UUID,
    body: ReturnIn,
    request: Request,
    caller: EscalationManager,
    connection: UnitOfWork,
) -> ReplyOut:
    return await workflow.give_back(
        connection, (escalation_id, reply_id), body, settings=_settings(request), person=caller.id
    )


@router.post(f"{REPLY}/send", status_code=202, summary="Send a reply, after a window in which it can be taken back")
async def send(
    escalation_id: UUID,
    reply_id: UUID,
    body: SeenIn,
    request: Request,
    caller: EscalationWorker,
    connection: UnitOfWork,
) -> ReplyOut:
    return await workflow.send(
        connection, (escalation_id, reply_id), body.version, settings=_settings(request), person=caller.id
    )


@router.post(f"{REPLY}/undo", summary="Take back a reply that nobody has begun to send")
async def take_back(
    escalation_id: UUID, reply_id: UUID, request: Request, caller: EscalationWorker, connection: UnitOfWork
) -> ReplyOut:
    return await workflow.take_back(
        connection, (escalation_id, reply_id), settings=_settings(request), person=caller.id
    )


@router.post(f"{REPLY}/discard", status_code=204, summary="Give up a reply that was not sent")
async def discard(
    escalation_id: UUID, reply_id: UUID, body: SeenIn, caller: EscalationWorker, connection: UnitOfWork
) -> Response:
    await workflow.discard(connection, (escalation_id, reply_id), body.version, person=caller.id)
    return Response(status_code=204)
