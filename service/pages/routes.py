"""The pages of the review console. Data come from the same workflows as the API; every change goes through the API."""

import re
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.taxonomy import Taxonomy
from service.cases.workflow import case_view
from service.db import UnitOfWork
from service.exposure.limits import limits_of
from service.exposure.workflow import desk
from service.holds.workflow import holds_of
from service.leases.workflow import Lease, held_by
from service.media.levels import Rules as BlurRules
from service.opinions.workflow import mine
from service.pages import views
from service.pages.bar import bar
from service.pages.masking import masking_of
from service.pages.rendering import PageRoute, redirect, render
from service.policies.workflow import unread
from service.queues.workflow import list_queues, upcoming
from service.security import Capability, Principal, SignedIn, find_principal

router = APIRouter(route_class=PageRoute, include_in_schema=False)

START = "/console"
PREVIEW_ROWS = 10

# Second opinions that are seen at once, and how many older ones on request.
ASKED_SHOWN = 5
ASKED_LISTED = 20

# Where a sign-in may lead; anything else could send a reviewer to a page that only looks like this one.
_OWN_PAGES = re.compile(
    r"/console|/search|/exposure|/banks|/floor|/models|/routing|/scorecards|/qa|/qa/(?:review|disputed|objections|feedback|suspects|calibration)"
    r"|/qa/(?:plans|calibration)/[0-9a-f-]{36}|/policies(?:/[a-z_]{1,64}(?:/drafts/[0-9a-f-]{36})?)?|/cases/[0-9a-f-]{36}"
)

_EVERYWHERE = ((("?",), "Show these keys"), (("G",), "Go to the console"))
CONSOLE_KEYS = (
    (("N",), "Continue the case you hold, else claim the next"),
    (("C",), "Continue the case you hold"),
    *_EVERYWHERE,
)


@router.get("/")
async def start(_me: SignedIn) -> Response:
    return redirect(START)


@router.get("/sign-in")
async def sign_in(
    request: Request, connection: UnitOfWork, after: Annotated[str, Query(alias="next")] = START
) -> Response:
    target = after if _OWN_PAGES.fullmatch(after) else START
    if await find_principal(request, connection) is not None:
        return redirect(target)
    return render("sign_in.html", {"next": target})


@router.get("/console")
async def console(request: Request, me: SignedIn, connection: UnitOfWork) -> Response:
    taxonomy: Taxonomy = request.app.state.taxonomy
    now = views.utc_now()
    may_review = Capability.CASE_REVIEW in me.capabilities
    queues = (await list_queues(connection, me)).queues if Capability.QUEUE_READ in me.capabilities else []
    previews = (
        {queue.name: await upcoming(connection, queue.name, limit=PREVIEW_ROWS) for queue in queues}
        if may_review
        else {}
    )
    leases = await held_by(connection, me.id) if may_review else []
    context = {
        **await bar(connection, me),
        **await masking_of(request, connection, me, at="", texts=()),
        "may_review": may_review,
        "queues": queues,
        # One that was fetched ahead nobody has seen yet: it comes by itself after the case in hand, or goes back.
        "held": await _held(connection, [one for one in leases if not one.prefetched], request.app.state.blur_rules),
        "fetched": any(one.prefetched for one in leases),
        **(await _mine(connection, me) if may_review else {}),
        "desk": await desk(connection, me.id, limits_of(request.app.state.settings)) if may_review else None,
        "taxonomy": taxonomy,
        "views": views,
        "previews": {name: views.upcoming_rows(rows, taxonomy, now) for name, rows in previews.items()},
        "shortcuts": CONSOLE_KEYS if may_review else _EVERYWHERE,
        "now": now,
    }
    return render("console.html", context)


async def _held(connection: AsyncConnection, leases: Sequence[Lease], blur: BlurRules) -> list[views.HeldCase]:
    held = []
    for lease in leases:
        shown = await case_view(connection, lease.case_id, viewer=lease.holder, rules=blur)
        held.append(views.held_case(lease, shown, blur.taxonomy))
    return held


async def _mine(connection: AsyncConnection, me: Principal) -> dict[str, Any]:
    """What waits for this person alone: cases kept back for them, and answers to what they asked."""
    holds = (await holds_of(connection, me.id)).holds
    asked = (await mine(connection, me.id, side="asked")).opinions
    return {
        "to_read": (await unread(connection, me.id)).unread,
        "holds": [one for one in holds if not one.taken_up],
        "asked": asked[:ASKED_LISTED],
        "asked_shown": ASKED_SHOWN,
    }
