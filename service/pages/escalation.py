"""The page of one escalation: what can be done with it, what was said, what it is about, and what happened."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from service.db import UnitOfWork
from service.escalations.around.workflow import (
    attachments_of,
    handover_of,
    links_of,
    precedents_of,
    watchers_of,
)
from service.escalations.closing import NOTHING_KEPT
from service.escalations.news.workflow import unseen_of
from service.escalations.schemas import Status, Verb
from service.escalations.states import possible
from service.escalations.workflow import require
from service.pages import escalation_words, intake, views
from service.pages.appeals import appeals_part
from service.pages.bar import bar
from service.pages.causes import causes_part
from service.pages.consults import fill_consults
from service.pages.escalation_talk import messages_part, spans_at, timeline_part
from service.pages.escalation_trace import details_of
from service.pages.language import N_
from service.pages.masking import HIDE, masking_of
from service.pages.narratives import narratives_part
from service.pages.rendering import PageRoute, render
from service.pages.replies import part as replies_part
from service.pages.restricted import fill_preservations, fill_restricted
from service.pages.sections import Filling, Part, Seen, filled
from service.pages.sla import clocks
from service.security import Capability, EscalationWorker
from service.sla.workflow import nearest

router = APIRouter(route_class=PageRoute, include_in_schema=False)

KEYS = (
    (("T",), N_("Take the escalation, or take it up again")),
    (("O",), N_("Go on with what waited")),
    (("R",), N_("Resolve it")),
    (("W",), N_("Let it wait")),
    (("I",), N_("Say that information is missing")),
    (("A",), N_("Give it to somebody")),
    (("M",), N_("Write a message; Ctrl + Enter keeps it")),
    (("F",), N_("Follow it, or no longer")),
    (("P",), N_("Go to the parts of the page")),
    (("L",), N_("Go to the list of escalations")),
)


# M is for messages here.
SHOW = (("S",), N_("Show all masked words, or mask them again"))


async def _summary(seen: Seen) -> Filling:
    texts = [seen.row.title, seen.row.summary, seen.row.resolution_note or "", *seen.row.fields.values()]
    return {"record": seen.row, "said": intake.said(seen), "texts": texts}


async def _attachments(seen: Seen) -> Filling:
    rules = seen.request.app.state.blur_rules
    found = await attachments_of(seen.connection, seen.id, viewer=seen.me.id, rules=rules)
    may_add = Capability.MEDIA_WRITE in seen.me.capabilities and seen.row.path != NOTHING_KEPT
    texts = [name for name, _medium in found]
    return {"attachments": found, "may_add": may_add, "texts": texts} if found or may_add else None


async def _precedents(seen: Seen) -> Filling:
    found = (await precedents_of(seen.connection, seen.id, viewer=seen.me.id)).precedents
    return {"precedents": found, "texts": [one.resolution_note for one in found]}


async def _facts(seen: Seen) -> Filling:
    trigger = seen.request.app.state.forms.triggers.get(seen.row.trigger)
    return {"record": seen.row, "trigger": trigger.label if trigger else None}


async def _links(seen: Seen) -> Filling:
    return {"links": (await links_of(seen.connection, seen.id, viewer=seen.me.id)).links}


async def _watchers(seen: Seen) -> Filling:
    found = (await watchers_of(seen.connection, seen.id, viewer=seen.me.id)).watchers
    return {"watchers": found, "follows": seen.me.username in found}


# In the order of the page. A subject adds its part here; the first stand in the wide column, those of ASIDE beside it.
PARTS: tuple[Part, ...] = (
    Part("summary", N_("What came in"), "escalation_summary.html", _summary),
    Part("missing", N_("Missing information"), "intake_missing.html", intake.missing),
    Part("replies", N_("Replies"), "repl_part.html", replies_part),
    Part("messages", N_("Messages"), "escalation_messages.html", messages_part),
    Part("mails", N_("Mail"), "intake_mails.html", intake.mails),
    Part("attachments", N_("Attachments"), "escalation_attachments.html", _attachments),
    Part("checklist", N_("Checklist"), "intake_checklist.html", intake.checklist),
    Part("precedents", N_("Ended before, and alike"), "escalation_precedents.html", _precedents),
    Part("consults", N_("Questions to other teams"), "consult_part.html", fill_consults),
    Part("restricted", N_("Restricted path"), "restricted_part.html", fill_restricted),
    Part("causes", N_("Root cause and actions"), "causes_part.html", causes_part),
    Part("timeline", N_("Timeline"), "escalation_timeline.html", timeline_part),
)
ASIDE: tuple[Part, ...] = (
    Part("clocks", N_("Clocks"), "escalation_clocks.html", clocks),
    Part("facts", N_("Facts"), "escalation_facts.html", _facts),
    Part("about", N_("What it is about"), "escalation_links.html", _links),
    Part("watchers", N_("Who follows it"), "escalation_watchers.html", _watchers),
    Part("preservation", N_("Preservation"), "restricted_preservation.html", fill_preservations),
    Part("appeals", N_("Appeals"), "appeal_escalation.html", appeals_part),
    Part("narratives", N_("Narratives"), "narrative_part.html", narratives_part),
)


@router.get("/escalations/{escalation_id}")
async def escalation(escalation_id: UUID, request: Request, me: EscalationWorker, connection: UnitOfWork) -> Response:
    row = await require(connection, escalation_id, viewer=me.id)
    seen = Seen(request, connection, row, me)
    parts, aside = await filled(PARTS, seen), await filled(ASIDE, seen)
    handover = await handover_of(connection, escalation_id, viewer=me.id)
    texts = [text for one in parts for text in one.filling.get("texts", ())] + ([handover.body] if handover else [])
    masking = await masking_of(request, connection, me, at=spans_at(escalation_id), texts=texts)
    context: dict[str, Any] = {
        **await bar(connection, me),
        **masking,
        "record": row,
        "verbs": offered(row.status, mine=row.owner_id == me.id, owned=row.owner_id is not None),
        "clock": (await nearest(connection, [row.id])).get(row.id),
        "handover": handover,
        "news": await unseen_of(connection, escalation_id, viewer=me.id),
        "parts": parts,
        "aside": aside,
        "words": escalation_words,
        "details_of": details_of,
        "taxonomy": request.app.state.taxonomy,
        "areas": views.policy_options(request.app.state.taxonomy),
        "views": views,
        "shortcuts": (SHOW, HIDE, *KEYS) if masking["any_masked"] else KEYS,
        "now": views.utc_now(),
    }
    return render("escalation.html", context)


def offered(status: Status, *, mine: bool, owned: bool) -> list[Verb]:
    """The verbs that a page offers, the likeliest first: of those that lead anywhere, what would change something."""
    vain: set[Verb] = {"take"} if mine else set()
    if not owned:
        vain.add("release")
    order = [verb for verb in escalation_words.ACTIONS if verb in possible(status) and verb not in vain]
    # What waits is gone on with, rather than taken without a word.
    return sorted(order, key=lambda verb: verb != ("go_on" if "go_on" in order else order[0]))
