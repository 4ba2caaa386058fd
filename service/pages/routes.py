"""The pages of the review console. Data come from the same workflows as the API; every change goes through the API."""

import re
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.taxonomy import Taxonomy
from service.cases.workflow import case_history, case_view
from service.db import UnitOfWork
from service.leases.workflow import held_by
from service.pages import hints, views
from service.pages.rendering import PageRoute, redirect, render
from service.queues.workflow import list_queues, upcoming
from service.security import Capability, CaseReader, Principal, SignedIn, find_principal

router = APIRouter(route_class=PageRoute, include_in_schema=False)

START = "/console"
PREVIEW_ROWS = 10

# Actions beyond the ninth have no digit; 0 is left to the severities.
DIGIT_KEYS = 9

# Where a sign-in may lead; anything else could send a reviewer to a page that only looks like this one.
_OWN_PAGES = re.compile(r"/console|/models|/routing|/cases/[0-9a-f-]{36}")

_EVERYWHERE = ((("?",), "Show these keys"), (("G",), "Go to the console"))
CONSOLE_KEYS = (
    (("N",), "Continue the case you hold, else claim the next"),
    (("C",), "Continue the case you hold"),
    *_EVERYWHERE,
)
CASE_KEYS = (
    (("Shift", "0", "…", "4"), "Severity; or S, then the digit"),
    (("A",), "Policy area; type to find it, Esc to leave"),
    (("T",), "Note"),
    (("Ctrl", "Enter"), "Record the decision"),
    (("U",), "Undo the last decision while it can be undone"),
    (("V",), "Reveal a picture, first step"),
    (("Esc",), "Blur again; leave a field"),
    (("K",), "Keep the case for longer"),
    (("R",), "Release the case"),
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
    context = {
        "me": me,
        "may_review": may_review,
        "queues": queues,
        "held": await _held(connection, me, taxonomy) if may_review else [],
        "previews": {name: views.upcoming_rows(rows, taxonomy, now) for name, rows in previews.items()},
        "shortcuts": CONSOLE_KEYS if may_review else _EVERYWHERE,
        "now": now,
    }
    return render("console.html", context)


@router.get("/cases/{case_id}")
async def case(case_id: UUID, request: Request, me: CaseReader, connection: UnitOfWork) -> Response:
    taxonomy: Taxonomy = request.app.state.taxonomy
    shown = await case_history(connection, case_id, viewer=me.id, taxonomy=taxonomy)
    lease = next((one for one in await held_by(connection, me.id) if one.case_id == case_id), None)
    now = shown.server_now
    offered = hints.offer(shown, taxonomy)
    context = {
        "me": me,
        "case": shown,
        "lease": lease,
        "lease_seconds": request.app.state.settings.lease_seconds,
        "title": views.case_title(shown, taxonomy),
        "risk": views.risk_sum(shown, taxonomy, now),
        "levels": views.level_rows(shown.score, taxonomy),
        "suggestion": views.suggestion(shown.score, taxonomy),
        "unassessed": [views.label_name(taxonomy, area) for area in shown.score.unassessed] if shown.score else [],
        "unsure": views.unsure_names(shown.score, taxonomy),
        "policy_options": views.policy_options(taxonomy),
        "taxonomy": taxonomy,
        "views": views,
        "hints": offered,
        "shortcuts": (*((hints.KEY,) if offered else ()), *(_case_keys(taxonomy) if lease else _EVERYWHERE)),
        "now": now,
    }
    return render("case.html", context)


def _case_keys(taxonomy: Taxonomy) -> tuple[tuple[tuple[str, ...], str], ...]:
    last = min(len(taxonomy.actions), DIGIT_KEYS)
    digits = ("1",) if last == 1 else ("1", "…", str(last))
    return ((digits, "Choose or drop an action"), *CASE_KEYS)


async def _held(connection: AsyncConnection, me: Principal, taxonomy: Taxonomy) -> list[views.HeldCase]:
    held = []
    for lease in await held_by(connection, me.id):
        shown = await case_view(connection, lease.case_id, viewer=me.id, taxonomy=taxonomy)
        held.append(views.held_case(lease, shown, taxonomy))
    return held
