"""The page of webhooks: endpoints and how they do, what was sent to one of them, and what was given up."""

from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from service.db import UnitOfWork
from service.outbox.schemas import State
from service.outbox.workflow import dead_letters, delivery_log, list_endpoints
from service.pages import views
from service.pages.bar import bar
from service.pages.language import N_
from service.pages.rendering import PageRoute, render
from service.security import Principal, WebhookManager

router = APIRouter(route_class=PageRoute, include_in_schema=False)

KEYS = (
    (("A",), N_("Add an endpoint")),
    (("?",), N_("Show these keys")),
    (("G",), N_("Go to the console")),
)
LETTERS = 50
MESSAGES = 50
# From that share of failed attempts on, an endpoint needs somebody.
FAILING = 0.1

KINDS = {
    "decision.made": N_("A decision stands, once its undo window is over"),
    "appeal.filed": N_("An appeal was filed, by its address or by the platform"),
    "appeal.decided": N_("An appeal was decided, once its undo window is over"),
    "statement.made": N_("A statement of reasons was made up for afterwards"),
    "case.shed": N_("A case was given up openly under load"),
    "case.unshed": N_("A case that was given up came back"),
    "crisis.told": N_("A crisis began, lasts longer or is over"),
    "reply.sent": N_("A reply to whoever raised an escalation"),
    "webhook.test": N_("A test message"),
}
STATES = {
    "pending": N_("waits"),
    "sending": N_("being tried"),
    "delivered": N_("delivered"),
    "cancelled": N_("taken back"),
    "failed": N_("given up"),
}


@router.get("/admin/webhooks")
async def webhooks(
    request: Request,
    me: WebhookManager,
    connection: UnitOfWork,
    after: Annotated[UUID | None, Query()] = None,
) -> Response:
    endpoints = (await list_endpoints(connection)).webhooks
    letters = await dead_letters(connection, endpoint=None, after=after, limit=LETTERS)
    context = {
        **await _shared(request, connection, me),
        "open": [one for one in endpoints if one.active],
        "closed": [one for one in endpoints if not one.active],
        "letters": letters.dead_letters,
        "older": f"/admin/webhooks?{urlencode({'after': letters.next})}#letters" if letters.next else None,
        "paged": after is not None,
        "failing": failing,
    }
    return render("webhooks.html", context)


@router.get("/admin/webhooks/{webhook_id}")
async def webhook(
    webhook_id: UUID,
    request: Request,
    me: WebhookManager,
    connection: UnitOfWork,
    state: Annotated[State | None, Query()] = None,
    after: Annotated[UUID | None, Query()] = None,
) -> Response:
    log = await delivery_log(connection, webhook_id, state=state, after=after, limit=MESSAGES)
    [endpoint] = [one for one in (await list_endpoints(connection)).webhooks if one.id == webhook_id]
    path = f"/admin/webhooks/{webhook_id}"
    chosen = {"state": state} if state else {}
    context = {
        **await _shared(request, connection, me),
        "endpoint": endpoint,
        "messages": log.messages,
        "state": state,
        "states": STATES,
        "path": path,
        "paged": after is not None,
        "newest": f"{path}?{urlencode(chosen)}" if chosen else path,
        "older": f"{path}?{urlencode({**chosen, 'after': log.next})}" if log.next else None,
    }
    return render("webhook.html", context)


def failing(tried: int, failed: int) -> bool:
    """Whether so many of the attempts failed that somebody should look."""
    return tried > 0 and failed >= FAILING * tried


async def _shared(request: Request, connection: AsyncConnection, me: Principal) -> dict[str, Any]:
    settings = request.app.state.settings
    return {
        **await bar(connection, me),
        "kinds": KINDS,
        "attempts": settings.webhook_attempts,
        "timeout": settings.webhook_timeout_seconds,
        "shortcuts": KEYS,
        "now": views.utc_now(),
    }
