"""Crises and continuity plans: the pages of those who lead, the banner on others, and the note at the desk."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.taxonomy import Taxonomy
from models.languages import primary_language
from models.overlay import LEAST_FACTOR, MOST_FACTOR
from service.cases.schemas import CaseHistoryOut
from service.crisis.notices.workflow import confirmed, notices
from service.crisis.plans.workflow import plans
from service.crisis.schemas import MOST_DAYS, CrisisWholeOut, GuidanceOut
from service.crisis.workflow import crises, crisis, guidance, now, numbers
from service.db import UnitOfWork
from service.pages import views
from service.pages.bar import bar
from service.pages.language import N_, _
from service.pages.rendering import PageRoute, render
from service.routing.rules import market_code
from service.routing.schemas import RuleIn
from service.routing.words import sentence
from service.routing.workflow import visible_queues
from service.security import Capability, FloorReader, Principal

router = APIRouter(route_class=PageRoute, include_in_schema=False)

STATES: Mapping[str, str] = {
    "draft": N_("Draft"),
    "at_work": N_("At work"),
    "ended": N_("Waits for its review"),
    "reviewed": N_("Reviewed"),
}
MOMENTS: Mapping[str, str] = {
    "drafted": N_("Drafted"),
    "changed": N_("Draft changed"),
    "begun": N_("Approved and begun"),
    "begun_alone": N_("Begun by one person alone"),
    "approved": N_("Approved by a second person"),
    "extended": N_("Extended"),
    "ended": N_("Ended by hand"),
    "expired": N_("Over by its time"),
    "reviewed": N_("Reviewed"),
    "review_asked": N_("Review asked for"),
}
# Rows of the form in which areas are given a factor.
FACTORS = 3


async def crisis_now(connection: AsyncConnection, me: Principal) -> dict[str, Any]:
    """What the banner shows: crises at work and, to those who lead, what happened, what needs a second person or a review."""
    leads = Capability.QUEUES_MANAGE in me.capabilities
    shown = leads or Capability.FLOOR_READ in me.capabilities or Capability.CASE_REVIEW in me.capabilities
    found = await now(connection, reviews=leads) if shown else []
    return {
        "crises_now": found,
        "crises_told": (await notices(connection, me.id)).notices if leads else [],
        "crisis_moments": MOMENTS,
        "crisis_leads": leads,
        "crisis_reads": Capability.FLOOR_READ in me.capabilities,
    }


async def guidance_for(connection: AsyncConnection, me: Principal, case: CaseHistoryOut) -> list[GuidanceOut]:
    """Notes that hold for a case: of its market and language, about one of its likely or reported areas or about any."""
    if Capability.CASE_REVIEW not in me.capabilities:
        return []
    areas = {one.reason for one in case.reports}
    if case.score:
        areas |= {area for area, chance in case.score.areas.items() if chance >= 0.1} | {case.score.primary_area}
    found = (await guidance(connection, me.id)).guidance
    spoken = primary_language(case.subject.language)
    return [
        one
        for one in found
        if one.guidance
        and (not one.about or areas & set(one.about))
        and (not one.languages or spoken in one.languages)
        and (not one.markets or market_code(case.subject.market) in one.markets)
    ]


@router.get("/crisis")
async def all_crises(request: Request, me: FloorReader, connection: UnitOfWork) -> Response:
    taxonomy: Taxonomy = request.app.state.taxonomy
    kept = (await plans(connection)).plans
    context = {
        **await _shared(connection, me),
        **await crisis_now(connection, me),
        "crises": (await crises(connection)).crises,
        "plans": kept,
        "plan_texts": {one.name: json.dumps(one.plan.model_dump(mode="json"), indent=2) for one in kept},
        "areas": [(area.id, area.name) for area in taxonomy.areas],
        "factors": FACTORS,
        "least_factor": LEAST_FACTOR,
        "most_factor": MOST_FACTOR,
    }
    return render("crisis.html", context)


@router.get("/crisis/{crisis_id}")
async def one_crisis(crisis_id: UUID, request: Request, me: FloorReader, connection: UnitOfWork) -> Response:
    taxonomy: Taxonomy = request.app.state.taxonomy
    found = await crisis(connection, crisis_id)
    shared = await _shared(connection, me)
    told = (await notices(connection, me.id)).notices if shared["may_change"] else []
    context = {
        **shared,
        "crisis": found,
        "does": does(found, taxonomy),
        "rules": [
            (rule, sentence(rule.rule(), taxonomy)) for rule in map(RuleIn.model_validate, found.spec.get("rules", ()))
        ],
        "statements": found.spec.get("statements", ()),
        "area_name": lambda area: _(views.label_name(taxonomy, area)) if area else _("any area"),
        "numbers": None if found.state == "draft" else await numbers(connection, crisis_id),
        "crisis_moments": MOMENTS,
        "crises_told": [one for one in told if one.crisis == crisis_id],
        "confirmed": await confirmed(connection, crisis_id),
        "mine": found.owner == me.username,
    }
    return render("crisis_one.html", context)


async def _shared(connection: AsyncConnection, me: Principal) -> dict[str, Any]:
    at = views.utc_now()
    return {
        **await bar(connection, me),
        "states": STATES,
        "queues": [one.name for one in await visible_queues(connection, me)],
        "soonest": f"{at:%Y-%m-%dT%H:%M}",
        "latest": f"{at + timedelta(days=MOST_DAYS):%Y-%m-%dT%H:%M}",
        "may_change": Capability.QUEUES_MANAGE in me.capabilities,
        "now": at,
    }


def does(found: CrisisWholeOut, taxonomy: Taxonomy) -> list[str]:
    """What a crisis does, in sentences; its rules are shown beside them."""
    spec = found.spec
    said = [
        _(
            "%(area)s counts %(times)s times.",
            area=_(views.label_name(taxonomy, one["area"])),
            times=format(one["factor"], "g"),
        )
        for one in spec.get("areas", ())
    ]
    if spec.get("guard_minutes"):
        said.append(
            _(
                "Deadlines go first %(minutes)s minutes before they are due, or earlier.",
                minutes=format(spec["guard_minutes"], "g"),
            )
        )
    if spec.get("markets"):
        said.append(_("Only for the markets %(markets)s.", markets=", ".join(spec["markets"])))
    if spec.get("languages"):
        said.append(_("Only for the languages %(languages)s.", languages=", ".join(spec["languages"])))
    return [*said, *_continuity(spec)]


def _continuity(spec: Mapping[str, Any]) -> list[str]:
    said = [_("The queue %(queue)s goes on by severity alone.", queue=one) for one in spec.get("severity_only", ())]
    said += [
        _("The queue %(queue)s stands still; its cases go to %(into)s.", queue=one["queue"], into=one["into"])
        for one in spec.get("stopped", ())
    ]
    said += [
        _("%(person)s may take %(queues)s meanwhile.", person=one["person"], queues=", ".join(one["queues"]))
        for one in spec.get("reskilled", ())
    ]
    if shed := spec.get("shed"):
        said.append(
            _(
                "Under load, cases likely below severity %(level)s are given up openly first.",
                level=shed["below_severity"],
            )
        )
    return said
