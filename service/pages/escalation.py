"""The page of one escalation, and the list of those that wait."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from service.db import UnitOfWork
from service.escalations.workflow import links_of, messages_of, require, timeline
from service.pages import views
from service.pages.bar import bar
from service.pages.causes import causes_part
from service.pages.language import N_
from service.pages.narratives import narratives_part
from service.pages.rendering import PageRoute, render
from service.pages.sections import Filling, Part, Seen, filled
from service.security import EscalationWorker

router = APIRouter(route_class=PageRoute, include_in_schema=False)


async def _messages(seen: Seen) -> Filling:
    return {"messages": (await messages_of(seen.connection, seen.id, viewer=seen.me.id)).messages}


async def _links(seen: Seen) -> Filling:
    return {"links": await links_of(seen.connection, seen.id, viewer=seen.me.id)}


async def _timeline(seen: Seen) -> Filling:
    return {"events": (await timeline(seen.connection, seen.id, viewer=seen.me.id)).events}


# In the order of the page. A subject adds its part here; the first stand in the wide column, those of ASIDE beside it.
PARTS: tuple[Part, ...] = (
    Part("messages", N_("Messages"), "escalation_messages.html", _messages),
    Part("causes", N_("Root cause and actions"), "causes_part.html", causes_part),
    Part("timeline", N_("Timeline"), "escalation_timeline.html", _timeline),
)
ASIDE: tuple[Part, ...] = (
    Part("about", N_("What it is about"), "escalation_links.html", _links),
    Part("narratives", N_("Narratives"), "narrative_part.html", narratives_part),
)


@router.get("/escalations/{escalation_id}")
async def escalation(escalation_id: UUID, request: Request, me: EscalationWorker, connection: UnitOfWork) -> Response:
    row = await require(connection, escalation_id, viewer=me.id)
    seen = Seen(request, connection, row, me)
    context = {
        **await bar(connection, me),
        "record": row,
        "parts": await filled(PARTS, seen),
        "aside": await filled(ASIDE, seen),
        "taxonomy": request.app.state.taxonomy,
        "views": views,
        "now": views.utc_now(),
    }
    return render("escalation.html", context)
