"""The page of one case: what its holder may do with it, what is nearly the same, and when it is due."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.taxonomy import Taxonomy
from models.languages import primary_language
from service.authors.workflow import author_of
from service.banks.workflow import banks_for
from service.cases.schemas import CaseHistoryOut, CaseOut
from service.cases.workflow import case_history, case_why, require_visible
from service.clocks.workflow import clocks_of
from service.db import UnitOfWork
from service.decisions.schemas import ActionsOut
from service.decisions.workflow import DecisionRules, actions_of
from service.holds.schemas import HoldOut
from service.holds.workflow import holds_of
from service.leases.workflow import Lease, held_by
from service.media.viewing.workflow import preferences_of
from service.notes.schemas import MOST_CHARACTERS
from service.notes.workflow import notes_on
from service.opinions.workflow import mine
from service.pages import desk, hints, views
from service.pages.bar import bar
from service.pages.crisis import guidance_for
from service.pages.escalation_beside import beside_case
from service.pages.language import N_
from service.pages.masking import HIDE, SHOW, masking_of
from service.pages.rendering import PageRoute, render
from service.policies.schemas import Area
from service.policies.workflow import text_in_force
from service.security import Capability, CaseReader, Principal
from service.similar.workflow import similar
from service.spans.workflow import of_case

router = APIRouter(route_class=PageRoute, include_in_schema=False)

# Actions beyond the ninth have no digit; 0 is left to the severities.
DIGIT_KEYS = 9

# For how long a case is usually kept back, in minutes; those beyond the setting are not offered.
HOLD_MINUTES = (15, 60, 240, 480, 1440)

# Of the similar cases so many are seen at once, the others on request.
SIMILAR_SHOWN = 4
AUTHOR_SHOWN = 3

_EVERYWHERE = ((("?",), N_("Show these keys")), (("G",), N_("Go to the console")))
TAKE_UP = (("C",), N_("Take the case up again"))
NOTE = (("N",), N_("Write a note for colleagues; Ctrl + Enter adds it"))
TRANSLATE = (("E",), N_("Translate the text by machine; again to hide it"))
POLICY = (("I",), N_("Read the whole policy of the area, or fold it again"))
DECIDE_ALL = (("D",), N_("Decide all similar cases as this one, after a preview"))
CASE_KEYS = (
    (("Shift", "0", "…", "4"), N_("Severity; or S, then the digit")),
    (("A",), N_("Policy area; type to find it, Esc to leave")),
    (("F",), N_("Follow the recommendation: choose its actions")),
    (("T",), N_("Note of the decision")),
    (("Ctrl", "Enter"), N_("Record the decision")),
    (("U",), N_("Undo the last decision while it can be undone")),
    (("L",), N_("Look at a part of a picture through a lens; arrow keys move it")),
    (("V",), N_("Reveal a picture, video or sound, first step")),
    (("B",), N_("Blur more; from the strongest back to the weakest that is allowed")),
    (("Y",), N_("Line drawing instead of the blurred picture")),
    (("P",), N_("Play a video, blurred and muted")),
    (("Esc",), N_("Blur again, mask words again; leave a field")),
    (("K",), N_("Keep the case for longer")),
    (("H",), N_("Hold the case back for yourself")),
    (("O",), N_("Hand the case over to a colleague")),
    (("Q",), N_("Ask for a second opinion")),
    (("X",), N_("Skip the case")),
    (("R",), N_("Release the case")),
)


@dataclass(frozen=True, slots=True)
class Due:
    """The clock that runs out first: `legal` or one of a contract, and what it rests on."""

    kind: str
    basis: str
    at: datetime
    seconds: float


@dataclass(frozen=True, slots=True)
class Ahead:
    """What a page does about the next case: fetch it, go to the one that was fetched, or neither."""

    fetch: bool
    fetched: Lease | None


@dataclass(frozen=True, slots=True)
class Bankable:
    """The decision that pictures of the case can be banked for, and the banks of its area."""

    decision_id: UUID
    banks: Sequence[tuple[UUID, str]]


@router.get("/cases/{case_id}")
async def case(case_id: UUID, request: Request, me: CaseReader, connection: UnitOfWork) -> Response:
    taxonomy: Taxonomy = request.app.state.taxonomy
    shown = await case_history(connection, case_id, viewer=me.id, rules=request.app.state.blur_rules)
    leases = await held_by(connection, me.id)
    lease = next((one for one in leases if one.case_id == case_id), None)
    context = {
        **await bar(connection, me),
        "case": shown,
        **await _texts(connection, request, shown, me),
        "reads_pictures": request.app.state.settings.read_pictures,
        "media_preferences": await preferences_of(connection, me.id),
        "title": views.case_title(shown, taxonomy),
        "risk": views.risk_sum(shown, taxonomy, shown.server_now),
        "levels": views.level_rows(shown.score, taxonomy),
        "unassessed": [views.label_name(taxonomy, area) for area in shown.score.unassessed] if shown.score else [],
        "unsure": views.unsure_names(shown.score, taxonomy),
        "policy_options": views.policy_options(taxonomy),
        "taxonomy": taxonomy,
        "views": views,
        "desk": desk,
        "hints": hints.offer(shown, taxonomy),
        "now": shown.server_now,
        **await _beside(connection, request, shown, me),
        **await _standing(connection, shown, me, lease),
        **await _work(connection, request, shown, me, leases),
    }
    return render("case.html", {**context, "shortcuts": _keys(context)})


@router.get("/cases/{case_id}/policy/{area}")
async def policy(case_id: UUID, area: Area, request: Request, me: CaseReader, connection: UnitOfWork) -> Response:
    """The policy of one area, to stand beside a case: a part of a page."""
    await require_visible(connection, case_id, viewer=me.id)
    context = {"policy": await text_in_force(connection, area), "area": area, "taxonomy": request.app.state.taxonomy}
    return render("case_policy_text.html", {**context, "views": views})


async def _texts(connection: AsyncConnection, request: Request, shown: CaseHistoryOut, me: Principal) -> dict[str, Any]:
    """What people wrote on the case, masked as this person wants it."""
    noted = (await notes_on(connection, shown.id, viewer=me.id)).notes
    texts = [*of_case(shown), *(one.body for one in noted)]
    at = f"/v1/cases/{shown.id}/spans"
    return {
        **await masking_of(request, connection, me, at=at, texts=texts),
        "noted": noted,
        "note_characters": MOST_CHARACTERS,
        "may_note": Capability.CASE_REVIEW in me.capabilities,
    }


async def _beside(
    connection: AsyncConnection, request: Request, shown: CaseHistoryOut, me: Principal
) -> dict[str, Any]:
    """What helps to judge it: the model's suggestion, the policy, the author, who reported it."""
    state = request.app.state
    suggestion = views.suggestion(shown.score, state.taxonomy)
    area = desk.policy_area(shown, suggestion, state.taxonomy)
    target = state.settings.translation_language
    foreign = primary_language(shown.subject.language) != primary_language(target)
    # What a special route brings is read by people alone.
    sent = state.translator and shown.subject.text and shown.score_state != "bypassed"
    return {
        "guidance": await guidance_for(connection, me, shown),
        "suggestion": suggestion,
        "likeliest": desk.likeliest(shown, state.taxonomy),
        "area": area,
        "policy": await text_in_force(connection, area) if area else None,
        "areas": desk.areas_said(shown, state.taxonomy),
        "groups": desk.report_groups(shown),
        "groups_shown": desk.GROUPS_SHOWN,
        "notes_shown": desk.NOTES_SHOWN if len(shown.report_groups) <= desk.NOTES_SHOWN else 1,
        "reporters_named": desk.REPORTERS_NAMED,
        "author": await author_of(connection, shown.id, viewer=me.id, rules=state.strike_rules),
        "author_shown": AUTHOR_SHOWN,
        "translates_into": target if sent and foreign else None,
    }


async def _standing(
    connection: AsyncConnection, shown: CaseHistoryOut, me: Principal, lease: Lease | None
) -> dict[str, Any]:
    """How the case stands: due when, like what, kept back for whom."""
    return {
        "lease": lease,
        "bankable": await _bankable(connection, shown, me),
        "due": await _due(connection, shown),
        "similar": await similar(connection, shown.id, viewer=me.id),
        "similar_shown": SIMILAR_SHOWN,
        "hold": await _hold(connection, shown.id, me),
        **await beside_case(connection, shown.id, me),
        "own_question": shown.second_opinion is not None and await _asked(connection, shown.id, me),
    }


async def _work(
    connection: AsyncConnection, request: Request, shown: CaseOut, me: Principal, leases: Sequence[Lease]
) -> dict[str, Any]:
    """What only the holder of the case has: allowed actions, ways to put it aside, the case after it."""
    if not any(one.case_id == shown.id for one in leases):
        return {"offer": None, "drawn": False, "may_bulk": False}
    state = request.app.state
    rules = DecisionRules(
        state.taxonomy, state.jobs, state.settings.undo_seconds, state.strike_rules, state.statement_rules
    )
    offer = await actions_of(connection, shown.id, person=me.id, rules=rules, named=None)
    why = await case_why(connection, shown.id, viewer=me.id, taxonomy=state.taxonomy)
    return {
        "lease_seconds": state.settings.lease_seconds,
        "hold_minutes": hold_minutes(state.settings.hold_hours),
        "offer": offer,
        "refused": refused(offer),
        "drawn": bool(why.claims) and why.claims[0].lane == "random",
        "ahead": ahead(leases, shown.id),
        "may_bulk": Capability.CASE_BULK in me.capabilities,
        "hand_over_minutes": state.settings.hand_over_minutes,
        "skip_hours": state.settings.skip_hours,
    }


def hold_minutes(hours: int) -> list[int]:
    """How long a case can be kept back at the press of a key."""
    return [minutes for minutes in HOLD_MINUTES if minutes <= hours * 60] or [hours * 60]


def ahead(leases: Sequence[Lease], case_id: UUID) -> Ahead:
    """Somebody who has begun more than this case goes on with that; then nothing is fetched, nor gone to directly."""
    others = [one for one in leases if one.case_id != case_id]
    if any(not one.prefetched for one in others):
        return Ahead(fetch=False, fetched=None)
    return Ahead(fetch=not others, fetched=others[0] if others else None)


def refused(offer: ActionsOut) -> list[tuple[str, str]]:
    """Why actions cannot be taken, each reason once with the names of all that it stops."""
    names: dict[str, list[str]] = {}
    for action in offer.actions:
        if action.why_not is not None:
            names.setdefault(action.why_not, []).append(action.name)
    return [(", ".join(stopped), reason) for reason, stopped in names.items()]


async def _due(connection: AsyncConnection, shown: CaseOut) -> Due | None:
    if shown.deadline is None:
        return None
    clocks = (await clocks_of(connection, shown.id)).clocks
    running = (one for one in clocks if one.replaced_by is None and one.ended_at is None)
    clock = next((one for one in running if one.due_at == shown.deadline), None)
    left = (shown.deadline - shown.server_now).total_seconds()
    return Due(clock.kind if clock else "legal", clock.basis if clock else "", shown.deadline, left)


async def _bankable(connection: AsyncConnection, shown: CaseHistoryOut, me: Principal) -> Bankable | None:
    standing = [one for one in shown.decisions if one.undone_at is None and one.undo_until <= shown.server_now]
    if Capability.BANKS_ADD not in me.capabilities or shown.status != "decided" or not shown.media or not standing:
        return None
    banks = await banks_for(connection, standing[-1].policy_area)
    return Bankable(standing[-1].id, banks) if banks else None


async def _hold(connection: AsyncConnection, case_id: UUID, me: Principal) -> HoldOut | None:
    holds = (await holds_of(connection, me.id)).holds
    return next((one for one in holds if one.case_id == case_id), None)


async def _asked(connection: AsyncConnection, case_id: UUID, me: Principal) -> bool:
    asked = (await mine(connection, me.id, side="asked")).opinions
    return any(one.case_id == case_id and one.state == "waiting" for one in asked)


def _keys(context: dict[str, Any]) -> tuple[tuple[tuple[str, ...], str], ...]:
    offered = (hints.KEY,) if context["hints"] else ()
    noting = (POLICY, NOTE) if context["may_note"] else (POLICY,)
    covered = context["any_masked"]
    if not context["lease"]:
        hold = context["hold"]
        taking = (TAKE_UP,) if hold and not hold.taken_up else ()
        return (*offered, *((HIDE,) if covered else ()), *taking, *noting, *_EVERYWHERE)
    offered = (*offered, *((SHOW,) if covered else ()), *((TRANSLATE,) if context["translates_into"] else ()))
    last = min(len(context["taxonomy"].actions), DIGIT_KEYS)
    digits = ("1",) if last == 1 else ("1", "…", str(last))
    bulk = (DECIDE_ALL,) if context["may_bulk"] else ()
    return (*offered, (digits, N_("Choose or drop an action")), *CASE_KEYS, *noting, *bulk, *_EVERYWHERE)
