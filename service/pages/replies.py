"""Replies on the page of an escalation, and the pages of their templates, of what waits for approval and of what was given up."""

from collections.abc import Mapping
from typing import Any, get_args
from uuid import UUID

from fastapi import APIRouter, Request, Response

from service.crisis.holding.workflow import offered
from service.db import UnitOfWork
from service.escalations.schemas import Source
from service.pages import views
from service.pages.bar import bar
from service.pages.escalation_words import SOURCES
from service.pages.language import N_
from service.pages.masking import masking_of
from service.pages.rendering import PageRoute, render
from service.pages.sections import Filling, Seen
from service.replies.approval import configured
from service.replies.schemas import Purpose, TemplateOut
from service.replies.sending.workflow import dead_letters
from service.replies.shipped import LANGUAGES
from service.replies.workflow import library, placeholders, versions_of
from service.replies.writing.workflow import OPEN, replies, waiting
from service.security import Capability, EscalationWorker, Principal

router = APIRouter(route_class=PageRoute, include_in_schema=False)

PURPOSES: Mapping[Purpose, str] = {
    "holding": N_("Holding reply"),
    "needs_information": N_("Question for what is missing"),
    "final": N_("Final answer"),
    "decision": N_("Decision and how to contest it"),
    "refusal": N_("Refusal"),
    "receipt": N_("Receipt"),
}
STATES: Mapping[str, str] = {
    "pending": N_("goes out soon"),
    "sending": N_("being sent"),
    "delivered": N_("sent"),
    "cancelled": N_("taken back"),
    "failed": N_("given up"),
}
CHECKS: Mapping[str, str] = {
    "placeholder": N_("Not filled in"),
    "staff": N_("Names a member of staff"),
    "namesake": N_("Also a user name"),
    "internal": N_("Also in internal text"),
    "personal": N_("Personal data of somebody else"),
    "media": N_("Media"),
    "recipient": N_("No recipient"),
}
_KEYS = ((("?",), N_("Show these keys")), (("G",), N_("Go to the console")))
SHOWN = 10


async def part(seen: Seen) -> Filling:
    """The composer of a record, and what went out for it."""
    settings = seen.request.app.state.settings
    found = await replies(seen.connection, seen.id, viewer=seen.me.id, settings=settings)
    being_written = next((one for one in found.replies if one.state in OPEN), None)
    going = [one for one in reversed(found.deliveries) if one.state != "cancelled"]
    return {
        "open": being_written,
        "holding": await offered(seen.connection, seen.row, viewer=seen.me.id, settings=settings),
        "mine": being_written is not None and seen.me.username in being_written.writers,
        "manages": _manages(seen.me),
        "letters": going[:SHOWN],
        "more": max(0, len(going) - SHOWN),
        "addresses": found.addresses,
        "sender": found.sender,
        "resolved": seen.row.status == "resolved",
        "languages": _languages(seen.row.language),
        "wanted": seen.row.language if seen.row.language in LANGUAGES else "en",
        "names": _names(),
    }


@router.get("/replies")
async def templates_page(request: Request, me: EscalationWorker, connection: UnitOfWork) -> Response:
    found = (await library(connection)).templates
    context = {
        **await _shared(request, connection, me),
        **await masking_of(request, connection, me, at="", texts=()),
        "waiting": (await waiting(connection, viewer=me.id)).waiting if _manages(me) else [],
        "letters": (await dead_letters(connection, viewer=me.id)).letters,
        "groups": [(purpose, _by_source(found, purpose)) for purpose in PURPOSES],
        "rules": configured(request.app.state.settings).rules,
        "sender": request.app.state.settings.reply_sender,
    }
    return render("repl_templates.html", context)


@router.get("/replies/{template_id}")
async def template_page(template_id: UUID, request: Request, me: EscalationWorker, connection: UnitOfWork) -> Response:
    versions = (await versions_of(connection, template_id)).versions
    shown = next((one for one in versions if one.id == template_id), versions[0])
    context = {
        **await _shared(request, connection, me),
        "shown": shown,
        "versions": versions,
        "placeholders": placeholders().placeholders,
        "areas": request.app.state.taxonomy.areas,
        "languages": _languages(shown.language),
    }
    return render("repl_template.html", context)


def _by_source(found: list[TemplateOut], purpose: str) -> list[tuple[str | None, str | None, list[TemplateOut]]]:
    """Templates of a purpose, one row for each source and area with its languages side by side."""
    rows: dict[tuple[str | None, str | None], list[TemplateOut]] = {}
    for one in found:
        if one.purpose == purpose:
            rows.setdefault((one.source, one.area), []).append(one)
    return [(source, area, templates) for (source, area), templates in rows.items()]


def _languages(more: str) -> list[str]:
    known = [*LANGUAGES, *([more] if more not in {*LANGUAGES, "und"} else [])]
    return sorted(known)


def _names() -> dict[str, Any]:
    return {"purposes": PURPOSES, "sources": SOURCES, "states": STATES, "checks": CHECKS}


async def _shared(request: Request, connection: Any, me: Principal) -> dict[str, Any]:
    taxonomy = request.app.state.taxonomy
    return {
        **await bar(connection, me),
        "names": _names(),
        "source_ids": get_args(Source),
        "area_name": lambda area: views.label_name(taxonomy, area),
        "manages": _manages(me),
        "shortcuts": _KEYS,
        "now": views.utc_now(),
    }


def _manages(me: Principal) -> bool:
    return Capability.ESCALATION_MANAGE in me.capabilities
