"""HTTP of escalations."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from service.db import UnitOfWork
from service.escalations import workflow
from service.escalations.around import workflow as around
from service.escalations.news import workflow as news
from service.escalations.schemas import (
    AttachmentIn,
    AttachmentsOut,
    EscalationAttachmentOut,
    EscalationLinkIn,
    EscalationMessageOut,
    EscalationOut,
    EscalationPrecedentsOut,
    LinksOut,
    LookedIn,
    MessageIn,
    MessagesOut,
    MessagesQuery,
    NewsListOut,
    TimelineOut,
    TimelineQuery,
    WatcherIn,
    WatchersOut,
)
from service.security import EscalationWorker

router = APIRouter(prefix="/v1/escalations", tags=["escalations"])


@router.get("/news", summary="Escalations that one follows and has not looked at since something happened")
async def unseen(caller: EscalationWorker, connection: UnitOfWork) -> NewsListOut:
    """What happened by oneself, and what one may not see, is no news."""
    return await news.news_of(connection, viewer=caller.id)


@router.post("/{escalation_id}/looked", status_code=204, summary="Say what one has seen of an escalation")
async def looked(escalation_id: UUID, body: LookedIn, caller: EscalationWorker, connection: UnitOfWork) -> Response:
    await news.looked(connection, escalation_id, body.events, person=caller.id)
    return Response(status_code=204)


@router.get("/{escalation_id}", summary="An escalation")
async def read(escalation_id: UUID, caller: EscalationWorker, connection: UnitOfWork) -> EscalationOut:
    return await workflow.escalation_view(connection, escalation_id, viewer=caller.id)


@router.get("/{escalation_id}/messages", summary="What was said about an escalation, and to whoever raised it")
async def messages(
    escalation_id: UUID,
    asked: Annotated[MessagesQuery, Query()],
    caller: EscalationWorker,
    connection: UnitOfWork,
) -> MessagesOut:
    """The newest; those before them with `before`."""
    return await workflow.messages_of(connection, escalation_id, asked, viewer=caller.id)


@router.post("/{escalation_id}/messages", status_code=201, summary="Keep a note, or what came in, with an escalation")
async def add_message(
    escalation_id: UUID, body: MessageIn, caller: EscalationWorker, connection: UnitOfWork
) -> EscalationMessageOut:
    return await workflow.add_message(connection, escalation_id, body, person=caller.id)


@router.get("/{escalation_id}/timeline", summary="Everything that happened to an escalation")
async def timeline(
    escalation_id: UUID,
    asked: Annotated[TimelineQuery, Query()],
    caller: EscalationWorker,
    connection: UnitOfWork,
) -> TimelineOut:
    """The newest; what happened before it with `before`."""
    return await workflow.timeline(connection, escalation_id, asked, viewer=caller.id)


@router.get("/{escalation_id}/links", summary="What an escalation is about, and which others name it")
async def links(escalation_id: UUID, caller: EscalationWorker, connection: UnitOfWork) -> LinksOut:
    """What the caller may not see is not among it."""
    return await around.links_of(connection, escalation_id, viewer=caller.id)


@router.post("/{escalation_id}/links", status_code=201, summary="Say what else an escalation is about")
async def add_link(
    escalation_id: UUID, body: EscalationLinkIn, caller: EscalationWorker, connection: UnitOfWork
) -> LinksOut:
    return await around.link(connection, escalation_id, body, person=caller.id)


@router.delete("/{escalation_id}/links/{link_id}", status_code=204, summary="An escalation is about this no longer")
async def end_link(escalation_id: UUID, link_id: UUID, caller: EscalationWorker, connection: UnitOfWork) -> Response:
    await around.unlink(connection, escalation_id, link_id, person=caller.id)
    return Response(status_code=204)


@router.get("/{escalation_id}/watchers", summary="Who follows an escalation")
async def watchers(escalation_id: UUID, caller: EscalationWorker, connection: UnitOfWork) -> WatchersOut:
    return await around.watchers_of(connection, escalation_id, viewer=caller.id)


@router.post("/{escalation_id}/watchers", summary="Follow an escalation, or let somebody follow it")
async def watch(escalation_id: UUID, body: WatcherIn, caller: EscalationWorker, connection: UnitOfWork) -> WatchersOut:
    return await around.watch(connection, escalation_id, body, person=caller.id)


@router.delete("/{escalation_id}/watchers/{username}", status_code=204, summary="Somebody follows it no longer")
async def unwatch(escalation_id: UUID, username: str, caller: EscalationWorker, connection: UnitOfWork) -> Response:
    await around.unwatch(connection, escalation_id, username, person=caller.id)
    return Response(status_code=204)


@router.get("/{escalation_id}/attachments", summary="Pictures, clips and sounds that came with an escalation")
async def attachments(
    escalation_id: UUID, request: Request, caller: EscalationWorker, connection: UnitOfWork
) -> AttachmentsOut:
    """Each with the address of its blurred preview. Originals are revealed with a case alone."""
    rules = request.app.state.blur_rules
    found = await around.attachments_of(connection, escalation_id, viewer=caller.id, rules=rules)
    return AttachmentsOut(attachments=[EscalationAttachmentOut(name=name, medium=medium) for name, medium in found])


@router.post("/{escalation_id}/attachments", status_code=204, summary="Keep an upload of one's own with an escalation")
async def attach(escalation_id: UUID, body: AttachmentIn, caller: EscalationWorker, connection: UnitOfWork) -> Response:
    await around.attach_upload(connection, escalation_id, body, person=caller.id)
    return Response(status_code=204)


@router.post("/{escalation_id}/handover/read", status_code=204, summary="Say that one has read the hand-over note")
async def read_handover(escalation_id: UUID, caller: EscalationWorker, connection: UnitOfWork) -> Response:
    await around.read_handover(connection, escalation_id, person=caller.id)
    return Response(status_code=204)


@router.get("/{escalation_id}/precedents", summary="Resolved escalations that are like this one")
async def precedents(escalation_id: UUID, caller: EscalationWorker, connection: UnitOfWork) -> EscalationPrecedentsOut:
    return await around.precedents_of(connection, escalation_id, viewer=caller.id)
