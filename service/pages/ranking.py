"""The page of the order: the rules at work, other constants tried on what waits now, and earlier versions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from annotated_types import Ge, Le
from fastapi import APIRouter, Request, Response

from labeling.taxonomy import Taxonomy
from models.rank import RankConfig
from service.db import UnitOfWork
from service.pages import views
from service.pages.bar import bar
from service.pages.language import N_, _
from service.pages.rendering import PageRoute, render
from service.ranking.schemas import RankConfigOut
from service.ranking.workflow import ranking
from service.routing.workflow import visible_queues
from service.security import QueueManager
from service.tuning.schemas import ConstantsIn
from service.tuning.workflow import POLICY

router = APIRouter(route_class=PageRoute, include_in_schema=False)

KEYS = (
    (("P",), N_("Preview on what waits now")),
    (("?",), N_("Show these keys")),
    (("G",), N_("Go to the console")),
)
TOPS = (50, 100)


@dataclass(frozen=True, slots=True)
class Words:
    """How a constant is called, what it is measured in, and what it does."""

    name: str
    title: str
    unit: str
    help: str


@dataclass(frozen=True, slots=True)
class Input:
    """A constant as an input of the form, with its bounds and its value now."""

    name: str
    title: str
    unit: str
    help: str
    least: float
    most: float
    value: str


GROUPS: tuple[tuple[str, tuple[Words, ...]], ...] = (
    (
        N_("Waiting and deadlines"),
        (
            Words(
                "doubling_hours",
                N_("Waiting doubles a risk every"),
                N_("hours"),
                N_("Less lets old cases rise sooner."),
            ),
            Words(
                "latest_start_hours",
                N_("Latest start after"),
                N_("hours"),
                N_("Every case is due then, however low its risk."),
            ),
            Words(
                "guard_minutes",
                N_("Deadlines go first"),
                N_("minutes before"),
                N_("The time to decide a case comes on top."),
            ),
            Words(
                "random_share",
                N_("Drawn at random"),
                N_("share of claims"),
                N_("Labels from anywhere in the queue, for honest measures."),
            ),
        ),
    ),
    (
        N_("Risk of a case"),
        (
            Words(
                "least_views_per_hour",
                N_("Views count as at least"),
                N_("an hour"),
                N_("What nobody sees now is not worth nothing."),
            ),
            Words(
                "vulnerability_of_person",
                N_("Harm to a person counts"),
                N_("times"),
                N_("For areas that are aimed at people."),
            ),
            Words(
                "minutes_per_picture",
                N_("Each picture takes"),
                N_("minutes"),
                N_("On top of the time that its area takes."),
            ),
        ),
    ),
    (
        N_("What reporters say"),
        (
            Words(
                "reason_trust",
                N_("Trust in a stated reason"),
                N_("probability"),
                N_("Where the model can assess the area itself."),
            ),
            Words(
                "reason_trust_unassessed",
                N_("The same without the model"),
                N_("probability"),
                N_("Where the model cannot assess the area."),
            ),
            Words(
                "reporter_precision",
                N_("A reporter without history is right in"),
                N_("share of reports"),
                N_("What a history is compared with."),
            ),
            Words(
                "reporter_strength",
                N_("A history counts half after"),
                N_("reports"),
                N_("More makes reporters earn trust more slowly."),
            ),
            Words("reporter_cap", N_("Reporters change the odds by at most"), N_("times"), N_("In both directions.")),
        ),
    ),
    (
        N_("Cases without a score"),
        (
            Words(
                "unscored_prior",
                N_("Each area is taken to apply with"),
                N_("probability"),
                N_("Well above what most reports deserve, so that these are looked at early."),
            ),
            Words(
                "unscored_reason",
                N_("A stated reason is right with"),
                N_("probability"),
                N_("As long as no model has read the text."),
            ),
        ),
    ),
    (
        N_("Giving up under overload"),
        (
            Words(
                "shed_above_load",
                N_("Above a load of"),
                N_("work that came by work done"),
                N_("Below it nothing is given up."),
            ),
            Words(
                "shed_window_hours",
                N_("Measured over"),
                N_("hours"),
                N_("A whole cycle of the work: a day, or a week."),
            ),
            Words(
                "shed_least_history_hours",
                N_("Not before"),
                N_("hours of history"),
                N_("A queue that is new says nothing yet."),
            ),
            Words(
                "shed_least_decisions",
                N_("Not with fewer than"),
                N_("decisions"),
                N_("A queue that nobody works on is an outage and no overload."),
            ),
            Words(
                "shed_below_severity",
                N_("Only below severity"),
                N_("0 to 4"),
                N_("What is likely to be as severe or more is never given up."),
            ),
        ),
    ),
)


@router.get("/ranking")
async def page(request: Request, me: QueueManager, connection: UnitOfWork) -> Response:
    taxonomy: Taxonomy = request.app.state.taxonomy
    found = await ranking(connection, request.app.state.rank_config)
    kept = {one.version: one for one in found.configurations}
    current = kept.get(found.current) or kept_of(request.app.state.rank_config)
    values = as_constants(current)
    context = {
        **await bar(connection, me),
        "current": current,
        "other_policy": current.policy != POLICY,
        "since": next((one.chosen_at for one in found.choices if one.version == current.version), None),
        "groups": [(title, [as_input(one, values) for one in words]) for title, words in GROUPS],
        "severities": list(zip(taxonomy.severities, map(number, values["unscored_severity"]), strict=True)),
        "shed": values["shed"],
        "queues": [(queue.name, queue.title) for queue in await visible_queues(connection, me)],
        "tops": TOPS,
        "choices": found.choices,
        "versions": [(one, changes(current, one)) for one in found.configurations if one.version != current.version],
        "data": {
            "current": current.version,
            "areas": {area.id: _(area.name) for area in taxonomy.areas},
            "reads": "case.read" in me.capabilities,
        },
        "shortcuts": KEYS,
        "now": views.utc_now(),
    }
    return render("ranking.html", context)


def kept_of(config: RankConfig) -> RankConfigOut:
    """The configuration of this process as one that was kept, where none was yet."""
    constants = {name: getattr(config, name) for name in ConstantsIn.model_fields}
    constants["unscored_severity"] = list(config.unscored_severity)
    given = {name: getattr(config, name) for name in ("version", "owner", "reason", "decided_on", "policy")}
    return RankConfigOut(**given, constants=constants, first_used_at=views.utc_now())


def as_constants(config: RankConfigOut) -> dict[str, Any]:
    """The constants of a version; those that it does not know are as shipped."""
    shipped = ConstantsIn().model_dump()
    return {name: config.constants.get(name, value) for name, value in shipped.items()}


def as_input(words: Words, values: Mapping[str, Any]) -> Input:
    """The input of a constant; its bounds are those of the API."""
    bounds = ConstantsIn.model_fields[words.name].metadata
    least = next(one.ge for one in bounds if isinstance(one, Ge))
    most = next(one.le for one in bounds if isinstance(one, Le))
    value = number(values[words.name])
    return Input(words.name, words.title, words.unit, words.help, float(str(least)), float(str(most)), value)


def number(value: float) -> str:
    """A constant as it was given: what the form shows is what it sends, so no digit may be lost."""
    return f"{value:.15g}"


def changes(current: RankConfigOut, other: RankConfigOut) -> list[tuple[str, str, str]]:
    """What differs between two versions: the constant, its value now, and that of the other one."""
    titles = {one.name: one.title for _title, words in GROUPS for one in words}
    now, then = as_constants(current), as_constants(other)
    found = [
        (_(titles.get(name, name)), _shown(now[name]), _shown(then[name])) for name in now if now[name] != then[name]
    ]
    if current.policy != other.policy:
        found.insert(0, (_("Policy"), current.policy, other.policy))
    return found


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list | tuple):
        return " / ".join(number(one) for one in value)
    return number(value)
