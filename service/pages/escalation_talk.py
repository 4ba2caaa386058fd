"""What was said about an escalation, and what happened to it: the newest on its page, what is older in parts on request."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from service.db import UnitOfWork
from service.escalations.news.workflow import unseen_of
from service.escalations.schemas import EscalationEventOut, EscalationMessageOut, MessagesQuery, TimelineQuery
from service.escalations.workflow import messages_named, messages_of, timeline
from service.pages import escalation_words, views
from service.pages.escalation_trace import details_of
from service.pages.masking import masking_of
from service.pages.rendering import PageRoute, render
from service.pages.sections import Filling, Seen
from service.security import EscalationWorker

router = APIRouter(route_class=PageRoute, include_in_schema=False)

# Of messages and events so many at a time.
AT_ONCE = 30


async def messages_part(seen: Seen) -> Filling:
    """The newest messages of a record."""
    return await _messages(seen.connection, seen.id, MessagesQuery(limit=AT_ONCE), viewer=seen.me.id)


async def timeline_part(seen: Seen) -> Filling:
    """The newest of what happened to a record."""
    return await _timeline(seen.connection, seen.id, TimelineQuery(limit=AT_ONCE), viewer=seen.me.id)


@router.get("/escalations/{escalation_id}/messages")
async def older_messages(
    escalation_id: UUID,
    asked: Annotated[MessagesQuery, Query()],
    request: Request,
    me: EscalationWorker,
    connection: UnitOfWork,
) -> Response:
    """Messages before one, as a part of the page."""
    part = await _messages(connection, escalation_id, asked, viewer=me.id)
    at = spans_at(escalation_id)
    masking = await masking_of(request, connection, me, at=at, texts=part["texts"])
    return render("escalation_messages_older.html", {"part": part, "words": escalation_words, **masking})


@router.get("/escalations/{escalation_id}/timeline")
async def older_events(
    escalation_id: UUID,
    asked: Annotated[TimelineQuery, Query()],
    request: Request,
    me: EscalationWorker,
    connection: UnitOfWork,
) -> Response:
    """What happened before an event, as a part of the page."""
    part = await _timeline(connection, escalation_id, asked, viewer=me.id)
    texts = [message.body for _event, message in part["events"] if message]
    masking = await masking_of(request, connection, me, at=spans_at(escalation_id), texts=texts)
    context = {
        **masking,
        "part": part,
        "news": await unseen_of(connection, escalation_id, viewer=me.id),
        "words": escalation_words,
        "details_of": details_of,
        "now": views.utc_now(),
    }
    return render("escalation_timeline_older.html", context)


def spans_at(escalation: UUID) -> str:
    """Where masked parts of texts of a record are asked for."""
    return f"/v1/escalations/{escalation}/spans"


async def _messages(
    connection: AsyncConnection, escalation: UUID, asked: MessagesQuery, *, viewer: UUID
) -> dict[str, Any]:
    found = await messages_of(connection, escalation, asked, viewer=viewer)
    older = f"/escalations/{escalation}/messages?limit={AT_ONCE}&before={found.next}" if found.next else None
    return {"messages": found.messages, "older": older, "texts": [one.body for one in found.messages]}


async def _timeline(
    connection: AsyncConnection, escalation: UUID, asked: TimelineQuery, *, viewer: UUID
) -> dict[str, Any]:
    found = await timeline(connection, escalation, asked, viewer=viewer)
    told = [one for one in reversed(found.events) if not _is_reason(one)]
    said = [UUID(str(one.data["message"])) for one in told if "message" in one.data]
    messages = await messages_named(connection, escalation, said, viewer=viewer)
    older = f"/escalations/{escalation}/timeline?limit={AT_ONCE}&before={found.next}" if found.next else None
    return {"events": [(one, _message_of(one, messages)) for one in told], "older": older}


def _is_reason(event: EscalationEventOut) -> bool:
    """Why something was done stands with what was done."""
    return (event.kind, event.data.get("kind")) == ("escalation.said", "reason")


def _message_of(event: EscalationEventOut, messages: dict[UUID, EscalationMessageOut]) -> EscalationMessageOut | None:
    return messages.get(UUID(str(event.data["message"]))) if "message" in event.data else None
