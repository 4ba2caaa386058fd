"""The pages of intake: who raises what, the form of it and its receipt; and the parts of a record's page that follow."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response

from service.db import UnitOfWork
from service.errors.requests import NotFoundError
from service.escalations.closing import NOTHING_KEPT
from service.intake.checking import moment_of
from service.intake.checklist import workflow as checklists
from service.intake.completing.workflow import needs_of
from service.intake.forms import LANGUAGES, REQUESTER, Forms
from service.intake.mails.workflow import mails_of, set_aside
from service.intake.schemas import ATTACHMENTS
from service.pages import views
from service.pages.bar import bar
from service.pages.language import N_
from service.pages.rendering import PageRoute, render
from service.pages.sections import Filling, Seen
from service.security import Capability, EscalationOpener, EscalationWorker
from service.settings import Settings

router = APIRouter(route_class=PageRoute, include_in_schema=False)

ASSETS = {
    "account": N_("Account"),
    "page": N_("Page"),
    "business": N_("Business"),
    "ad_account": N_("Ad account"),
    "ad": N_("Ad"),
    "post": N_("Post"),
    "domain": N_("Domain"),
}
CONFIDENTIALITY = {
    "normal": N_("Everybody who works on escalations sees it."),
    "confidential": N_("Confidential: only whoever owns or watches it and those who oversee see it."),
    "restricted": N_(
        "Restricted: only people who are named for this path see it. You are told its number and no more."
    ),
}
# A text of more letters that the summary is made of is not shown a second time under its label.
LONG_ENOUGH = 60
CHOOSING_KEYS = ((("F",), N_("Find what it is")),)
FORM_KEYS = ((("Ctrl", "Enter"), N_("Send the form")),)


@router.get("/escalations/new")
async def choose(request: Request, me: EscalationOpener, connection: UnitOfWork) -> Response:
    context = {
        **await bar(connection, me),
        "forms": request.app.state.forms,
        "works": Capability.ESCALATION_WORK in me.capabilities,
        "shortcuts": CHOOSING_KEYS,
        "now": views.utc_now(),
    }
    return render("intake_choose.html", context)


@router.get("/escalations/new/received")
async def received(me: EscalationOpener, connection: UnitOfWork) -> Response:
    """What was received is kept by the browser: no number of a record stands in an address."""
    works = Capability.ESCALATION_WORK in me.capabilities
    return render("intake_received.html", {**await bar(connection, me), "works": works, "now": views.utc_now()})


@router.get("/escalations/mail")
async def aside(me: EscalationWorker, connection: UnitOfWork) -> Response:
    mails = (await set_aside(connection, viewer=me.id)).mails
    return render("intake_aside.html", {**await bar(connection, me), "mails": mails, "now": views.utc_now()})


@router.get("/escalations/new/{source}/{trigger}")
async def form(source: str, trigger: str, request: Request, me: EscalationOpener, connection: UnitOfWork) -> Response:
    forms: Forms = request.app.state.forms
    shape = forms.form(source, trigger)
    if shape is None:
        raise NotFoundError("no source raises this; choose what it is on the page before")
    confidentiality, path = forms.closed(source, trigger, shape.area)
    # Of what may be abuse of a child nothing is to be kept.
    takes = Capability.MEDIA_WRITE in me.capabilities and path != NOTHING_KEPT
    context = {
        **await bar(connection, me),
        "source": source,
        "trigger": trigger,
        "forms": forms,
        "form": shape,
        "who": [name for name in REQUESTER if name in shape.fields],
        "what": [name for name in shape.fields if name not in REQUESTER],
        "kept": CONFIDENTIALITY[confidentiality],
        "kept_closed": CONFIDENTIALITY["confidential"],
        "closed": confidentiality,
        "limits": limits_of(request.app.state.settings) if takes else None,
        "restricted": path is not None,
        "assets": ASSETS,
        "languages_of_answers": LANGUAGES,
        "taxonomy": request.app.state.taxonomy,
        "shortcuts": FORM_KEYS,
        "now": views.utc_now(),
    }
    return render("intake_form.html", context)


def limits_of(settings: Settings) -> dict[str, int]:
    """How many files the form takes, and how many bytes each may have."""
    return {"most": ATTACHMENTS, "picture": settings.media_max_bytes, "clip": settings.media_clip_max_bytes}


def said(seen: Seen) -> list[tuple[str, str, str, datetime | None]]:
    """What was said in its form: field, label, words, and the moment that they name. What stands elsewhere is left out."""
    fields, row = _forms(seen).fields, seen.row
    told = []
    # In the order of the forms: storage has one of its own.
    for name in sorted(row.fields, key=[*fields, *row.fields].index):
        value = row.fields[name]
        elsewhere = row.requester.get(REQUESTER.get(name, ""))
        if not value or value == elsewhere or (value == row.summary and len(value) > LONG_ENOUGH):
            continue
        known = fields.get(name)
        when = moment_of(value) if known and known.kind == "moment" else None
        told.append((name, known.label if known else "", value, when))
    return told


async def missing(seen: Seen) -> Filling:
    """What a record lacks, with fields to fill it in."""
    forms = _forms(seen)
    needs = await needs_of(seen.connection, seen.id, forms=forms, viewer=seen.me.id)
    if needs is None or seen.row.status == "resolved":
        return None
    return {"needs": needs, "fields": forms.fields, "said": seen.row.fields, "id": seen.id}


async def mails(seen: Seen) -> Filling:
    """Mails that came in, with who is said to have sent them and what came along."""
    found = await mails_of(seen.connection, seen.id, viewer=seen.me.id)
    # Anybody may write a number into a subject.
    requester = str(seen.row.requester.get("email", "")).lower()
    return {"mails": found, "requester": requester, "texts": [one.subject for one in found]} if found else None


async def checklist(seen: Seen) -> Filling:
    """What is looked at before the record is answered."""
    found = await checklists.checklist_of(seen.connection, seen.id, forms=_forms(seen), viewer=seen.me.id)
    if not found.items:
        return None
    return {"list": found, "resolved": seen.row.status == "resolved", "id": seen.id}


def _forms(seen: Seen) -> Forms:
    state: Any = seen.request.app.state
    forms: Forms = state.forms
    return forms
