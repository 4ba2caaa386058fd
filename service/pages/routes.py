"""The pages of the review console. Data come from the same workflows as the API; every change goes through the API."""

import re
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from labeling.taxonomy import Taxonomy
from service.catalogues import catalogues
from service.db import UnitOfWork
from service.exposure.limits import limits_of
from service.exposure.workflow import desk
from service.leases.workflow import held_by
from service.pages import views
from service.pages.bar import bar
from service.pages.crisis import crisis_now
from service.pages.failures import SIGN_IN_REASONS
from service.pages.language import N_, language_of, speaking
from service.pages.rendering import PageRoute, redirect, render
from service.pages.restricted import alarms_for
from service.pages.work import held_cases, waiting_for
from service.people.interface import keep_language
from service.policies.workflow import unread
from service.queues.workflow import list_queues, upcoming
from service.security import Capability, SignedIn, find_principal
from service.sessions import how_it_ended

router = APIRouter(route_class=PageRoute, include_in_schema=False)

START = "/console"
PREVIEW_ROWS = 10

# Where a sign-in may lead; anything else could send a reviewer to a page that only looks like this one.
OWN_PAGES = re.compile(
    r"/console|/work|/exposure|/banks|/floor|/models|/routing|/ranking|/scorecards(?:/trend)?|/search"
    r"|/qa(?:/(?:review|disputed|objections|feedback|suspects|calibration)|/(?:plans|calibration)/[0-9a-f-]{36})?"
    r"|/admin/(?:people(?:/[a-z0-9._-]{2,64})?|roles|keys|queues|taxonomy|media|audit|webhooks(?:/[0-9a-f-]{36})?)"
    r"|/policies(?:/[a-z_]{1,64}(?:/drafts/[0-9a-f-]{36})?)?|/cases/[0-9a-f-]{36}(?:/statements?)?"
    r"|/escalations(?:/[0-9a-f-]{36}(?:/narrative)?)?|/escalations/mail|/escalations/new(?:/received|/[a-z_]{1,64}/[a-z0-9_]{1,64})?"
    r"|/consults(?:/precedents|/teams|/[0-9a-f-]{36})?|/restricted(?:/[0-9a-f-]{36}/packages/[0-9a-f-]{36})?"
    r"|/sla|/replies(?:/[0-9a-f-]{36})?|/statements(?:/(?:missing/)?[0-9a-f-]{36})?|/appeals(?:/[0-9a-f-]{36})?"
    r"|/improvements(?:/pareto)?|/crisis(?:/[0-9a-f-]{36})?"
)

CONSOLE_KEYS = (
    (("N",), N_("Continue the case you hold, else claim the next")),
    (("C",), N_("Continue the case you hold")),
)


@router.get("/")
async def start(_me: SignedIn) -> Response:
    return redirect(START)


@router.get("/sign-in")
async def sign_in(
    request: Request,
    connection: UnitOfWork,
    after: Annotated[str, Query(alias="next")] = START,
    why: str = "",
    speak: str = "",
) -> Response:
    """`why` says in one word why somebody is asked to, `speak` is a language that they have just chosen."""
    target = after if OWN_PAGES.fullmatch(after) else START
    if await find_principal(request, connection) is not None:
        return redirect(target)
    why = await how_it_ended(request, connection) or why
    context = {"next": target, "why": why, "reason": SIGN_IN_REASONS.get(why, "")}
    chosen = speak in catalogues()
    with speaking(speak if chosen else language_of(request)):
        page = render("sign_in.html", context)
    if chosen:
        keep_language(request, page, speak)
    return page


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
        **await crisis_now(connection, me),
        "may_review": may_review,
        "queues": queues,
        # One that was fetched ahead nobody has seen yet: it comes by itself after the case in hand, or goes back.
        "held": await held_cases(
            connection, [one for one in leases if not one.prefetched], request.app.state.blur_rules
        ),
        "fetched": any(one.prefetched for one in leases),
        "to_read": (await unread(connection, me.id)).unread if may_review else [],
        "waiting": await waiting_for(connection, me, now) if may_review else None,
        "restricted": await alarms_for(connection, me),
        "desk": await desk(connection, me.id, limits_of(request.app.state.settings)) if may_review else None,
        "taxonomy": taxonomy,
        "views": views,
        "previews": {name: views.upcoming_rows(rows, taxonomy, now) for name, rows in previews.items()},
        "shortcuts": CONSOLE_KEYS if may_review else (),
        "now": now,
    }
    return render("console.html", context)
