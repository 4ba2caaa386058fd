"""Root causes and improvements: a part of an escalation's page, the register, and the Pareto of what escalations have in common."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response

from service.causes.codes import codes
from service.causes.estimates import LEAST_DAYS_AFTER, LEAST_EVENTS, Compared
from service.causes.figures import MEASURES, QUERIES
from service.causes.schemas import ParetoAsked, RegisterAsked
from service.causes.workflow import PARETO_DAYS, cause_of, effect, of_record, pareto, register, teams
from service.db import UnitOfWork
from service.errors.requests import InvalidRequestError
from service.pages import views
from service.pages.bar import bar
from service.pages.escalation_words import SOURCES
from service.pages.language import N_, _
from service.pages.rendering import PageRoute, render
from service.pages.sections import Filling, Seen
from service.pages.words import spoken
from service.security import EscalationWorker

router = APIRouter(route_class=PageRoute, include_in_schema=False)

STATES: Mapping[str, str] = {
    "proposed": N_("proposed"),
    "agreed": N_("agreed"),
    "doing": N_("under way"),
    "done": N_("done"),
    "dropped": N_("dropped"),
}
DIRECTIONS: Mapping[str, str] = {
    "upstream": N_("upstream: where it came from"),
    "downstream": N_("downstream: where it was met"),
}
SIDES: Mapping[str, str] = {"upstream": N_("upstream"), "downstream": N_("downstream")}
SOURCE_NAMES: Mapping[str, str] = {str(source): name for source, name in SOURCES.items()}
BY: Mapping[str, str] = {"cause": N_("Root cause"), "area": N_("Policy area"), "source": N_("Source")}
WITHOUT: Mapping[str, str] = {
    "cause": N_("No cause filed yet"),
    "area": N_("No policy area"),
    "source": N_("No source"),
}
VERDICTS: Mapping[str, str] = {
    "too_early": N_("Too early to say: measured from %(days)s days after the action on."),
    "too_few": N_("Too few to say: %(events)s of %(least)s before and after."),
    "fewer": N_("Fewer than before."),
    "more": N_("More than before."),
    "no_difference": N_("No difference that chance could not have made."),
}
# Each takes two queries; the others are at their address.
EFFECTS_MOST = 10


def words_for_actions() -> dict[str, Any]:
    """What the list of actions and its dialog are filled with, wherever they stand."""
    return {
        "states": STATES,
        "directions": DIRECTIONS,
        "sides": SIDES,
        "measures": {name: QUERIES[name].title for name in MEASURES},
        "codes": codes(),
        "cause_words": cause_words,
    }


def cause_words(name: str) -> str:
    """A code and its part, such as `process/late`, in words."""
    code, _slash, part = name.partition("/")
    known = codes().get(code)
    if known is None:
        return name
    return _("%(cause)s: %(part)s", cause=_(known.name), part=_(known.subcodes.get(part, spoken(part))))


def verdict(found: Compared) -> str:
    """What can be said of before and after."""
    events = found.before.events + found.after.events
    return _(VERDICTS[found.verdict], days=LEAST_DAYS_AFTER, events=events, least=LEAST_EVENTS)


async def causes_part(seen: Seen) -> Filling:
    """The root cause of a record, and what is done about it."""
    found = await of_record(seen.connection, seen.id, viewer=seen.me.id)
    effects = {}
    for one in [one for one in found.improvements if one.state == "done"][:EFFECTS_MOST]:
        if compared := await effect(seen.connection, one.id, viewer=seen.me.id):
            effects[one.id] = {**asdict(compared), "words": verdict(compared)}
    return {
        "record": seen.row,
        "cause": await cause_of(seen.connection, seen.id, viewer=seen.me.id),
        "improvements": found.improvements,
        "effects": effects,
        **words_for_actions(),
    }


@router.get("/improvements")
async def improvements(
    asked: Annotated[RegisterAsked, Query()], me: EscalationWorker, connection: UnitOfWork
) -> Response:
    found = await register(connection, asked, viewer=me.id)
    given = asked.model_dump(exclude_none=True)
    query = {name: str(value).lower() if isinstance(value, bool) else value for name, value in given.items() if value}
    context = {
        **await bar(connection, me),
        "asked": asked,
        "found": found,
        "teams": await teams(connection, viewer=me.id),
        "file": f"/v1/improvements.csv?{urlencode(query)}",
        "now": views.utc_now(),
        **words_for_actions(),
    }
    return render("causes.html", context)


@router.get("/improvements/pareto")
async def what_is_common(
    asked: Annotated[ParetoAsked, Query()], request: Request, me: EscalationWorker, connection: UnitOfWork
) -> Response:
    taxonomy = request.app.state.taxonomy
    now = views.utc_now()
    try:
        found, problem = await pareto(connection, asked, viewer=me.id, today=now.date()), None
    except InvalidRequestError as error:
        found, problem = None, error.detail

    def named(name: str) -> str:
        if not name:
            return _(WITHOUT[asked.by])
        if asked.by == "cause":
            return cause_words(name)
        return _(views.label_name(taxonomy, name)) if asked.by == "area" else _(SOURCE_NAMES.get(name, spoken(name)))

    rows = [(named(one.name), one) for one in found.rows] if found else []
    file = (
        f"/v1/improvements/pareto.csv?{urlencode({'by': found.by, 'since': found.since, 'until': found.until})}"
        if found
        else ""
    )
    context = {
        **await bar(connection, me),
        "asked": asked,
        "found": found,
        "problem": problem,
        "rows": rows,
        "by": BY,
        "days": PARETO_DAYS,
        "file": file,
        "now": now,
    }
    return render("causes_pareto.html", context, status=422 if problem else 200)
