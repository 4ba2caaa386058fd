"""What the form of a plan offers: the filters of the API, each with the values that there are."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.taxonomy import Taxonomy
from models.languages import UNKNOWN_LANGUAGE
from service.pages import views
from service.pages.language import N_, _
from service.pages.words import day
from service.policies.schemas import PolicySummary
from service.policies.workflow import judged_by
from service.quality.plans.schemas import IN_HOUSE, SIZE_MOST, Kind, Origin, Stratum
from service.routing.workflow import visible_queues
from service.scorecards import workflow as scorecards
from service.security import Principal

KINDS: Mapping[Kind, str] = {
    "random": N_("Each decision alike"),
    "stratified": N_("By strata"),
    "doubt": N_("Where the model doubts the decision"),
    "policy": N_("By a policy version, or a draft of one"),
}
STRATA: Mapping[Stratum, str] = {
    "area": N_("Policy area"),
    "vendor": N_("Vendor"),
    "language": N_("Language"),
    "tenure": N_("Time at work"),
}
ORIGINS: Mapping[Origin, str] = {
    "human": N_("Enforced by somebody who looked"),
    "automated": N_("Enforced for a cluster"),
    "leave_up": N_("Left as it is"),
}


@dataclass(frozen=True, slots=True)
class Filter:
    """One part of a plan's scope: what it is called, and (value, name) of what can be chosen."""

    name: str
    title: str
    values: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class PolicyChoice:
    """A policy version that a plan can be about."""

    id: str
    words: str


async def plan_form(
    connection: AsyncConnection, me: Principal, taxonomy: Taxonomy, *, chosen: UUID | None
) -> dict[str, Any]:
    """All that the form needs; chosen is a policy version to begin with, if it is among those that are offered."""
    offered = await judged_by(connection, me.id)
    return {
        "kinds": KINDS,
        "origins": ORIGINS,
        "strata": STRATA,
        "filters": await _filters(connection, me, taxonomy),
        "policies": _by_area(offered, taxonomy),
        "chosen": str(chosen) if chosen in {one.id for one in offered} else None,
        "size_most": SIZE_MOST,
    }


async def _filters(connection: AsyncConnection, me: Principal, taxonomy: Taxonomy) -> list[Filter]:
    known = await scorecards.choices(connection)
    # Nothing is drawn from the others, whoever asks.
    queues = [
        (one.name, one.title)
        for one in await visible_queues(connection, me)
        if one.special is None and not one.restricted
    ]
    return [
        Filter("areas", N_("Policy areas"), [(one.id, one.name) for one in views.policy_options(taxonomy)]),
        Filter("queues", N_("Queues"), queues),
        Filter(
            "languages",
            N_("Languages"),
            [(one, _("Not stated") if one == UNKNOWN_LANGUAGE else one) for one in known["language"]],
        ),
        Filter("vendors", N_("Vendors"), [(IN_HOUSE, _("In house")), *((one, one) for one in known["vendor"])]),
    ]


def _by_area(versions: list[PolicySummary], taxonomy: Taxonomy) -> list[tuple[str, list[PolicyChoice]]]:
    named = [(views.label_name(taxonomy, area), list(found)) for area, found in groupby(versions, lambda one: one.area)]
    return [
        (name, [PolicyChoice(str(one.id), policy_words(name, one)) for one in found])
        for name, found in sorted(named, key=lambda one: one[0])
    ]


def policy_words(area: str, version: PolicySummary) -> str:
    """A version in a line: area, number, title, and since when."""
    values = {"area": area, "number": version.number, "title": version.title}
    if version.effective_at is None:
        return _("%(area)s %(number)s: %(title)s, a draft", **values)
    return _("%(area)s %(number)s: %(title)s, since %(day)s", **values, day=day(version.effective_at))
