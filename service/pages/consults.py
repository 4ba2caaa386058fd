"""Pages of questions to teams: the desk of those who answer, one question, kept answers, and the teams."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from labeling.taxonomy import Taxonomy
from service.consults.schemas import Fact, PrecedentsQuery
from service.consults.teams.workflow import every_team, teams_of, teams_view
from service.consults.workflow import consult_view, desk, for_record, precedents
from service.db import UnitOfWork
from service.pages import views
from service.pages.bar import bar
from service.pages.escalation_words import SOURCES
from service.pages.language import N_, _
from service.pages.rendering import PageRoute, render
from service.pages.sections import Filling, Seen
from service.security import Capability, ConsultAnswerer, ConsultReader, EscalationManager

router = APIRouter(route_class=PageRoute, include_in_schema=False)

DESK_KEYS = (
    (("J",), N_("Next question")),
    (("K",), N_("Question before")),
    (("Enter",), N_("Open it")),
    (("N",), N_("Open the one that is due first")),
)
QUESTION_KEYS = (
    (("T",), N_("Take the question")),
    (("A",), N_("Write the answer")),
    (("B",), N_("Ask back, or add to the question")),
    (("Ctrl", "Enter"), N_("Send what you write")),
)
# Titles of the teams that the product ships; each is translated where it is shown.
TEAM_TITLES = (
    N_("Legal"),
    N_("Public Policy"),
    N_("Communications"),
    N_("Law enforcement response"),
    N_("Safety"),
    N_("Sales"),
    N_("Product"),
)
STATES = {
    "waiting": N_("waits"),
    "taken": N_("taken"),
    "asked_back": N_("asked back"),
    "answered": N_("answered"),
    "withdrawn": N_("withdrawn"),
}
FACTS: dict[Fact, str] = {
    "title": N_("Title"),
    "summary": N_("Summary"),
    "source": N_("Source"),
    "trigger": N_("What came in"),
    "severity": N_("Severity"),
    "policy_area": N_("Policy area"),
    "jurisdiction": N_("Jurisdiction"),
    "language": N_("Language"),
}


class Typed(BaseModel):
    """What was typed into the form of precedents; fields come empty where nothing is chosen."""

    words: Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")] = ""
    area: Annotated[str, Query(max_length=64, pattern=r"^[a-z0-9_]*$")] = ""
    jurisdiction: Annotated[str, Query(max_length=2, pattern=r"^[A-Za-z]*$")] = ""
    team: Annotated[str, Query(max_length=40, pattern=r"^[a-z0-9_]*$")] = ""
    offset: Annotated[int, Query(ge=0, le=10_000)] = 0

    def asked(self) -> PrecedentsQuery:
        """The same as the API takes it."""
        return PrecedentsQuery(**{**self.model_dump(), "jurisdiction": self.jurisdiction.upper()})


@router.get("/consults")
async def desk_page(me: ConsultAnswerer, connection: UnitOfWork, *, done: bool = False) -> Response:
    context = {
        **await bar(connection, me),
        "consults": (await desk(connection, me.id, open_ones=not done)).consults,
        "done": done,
        "teams": await teams_of(connection, me.id),
        "titles": await every_team(connection),
        "states": STATES,
        "shortcuts": DESK_KEYS,
        "now": views.utc_now(),
    }
    return render("consults.html", context)


@router.get("/consults/precedents")
async def precedents_page(
    request: Request, typed: Annotated[Typed, Query()], me: ConsultReader, connection: UnitOfWork
) -> Response:
    taxonomy: Taxonomy = request.app.state.taxonomy
    found = await precedents(connection, typed.asked(), viewer=me.id)
    context = {
        **await bar(connection, me),
        "found": found,
        "typed": typed,
        "filtered": bool(typed.words or typed.area or typed.jurisdiction or typed.team),
        "areas": taxonomy.areas,
        "area_names": {area.id: area.name for area in taxonomy.areas},
        "teams": list((await every_team(connection)).values()),
        "answers": Capability.CONSULT_ANSWER in me.capabilities,
        "now": views.utc_now(),
    }
    return render("consults_precedents.html", context)


@router.get("/consults/teams")
async def teams_page(me: EscalationManager, connection: UnitOfWork) -> Response:
    context = {
        **await bar(connection, me),
        "teams": (await teams_view(connection, viewer=me.id)).teams,
        "now": views.utc_now(),
    }
    return render("consults_teams.html", context)


@router.get("/consults/{consult_id}")
async def consult_page(consult_id: UUID, request: Request, me: ConsultReader, connection: UnitOfWork) -> Response:
    taxonomy: Taxonomy = request.app.state.taxonomy
    one = await consult_view(connection, consult_id, viewer=me.id)
    open_now = one.status not in ("answered", "withdrawn")
    answering = one.asked_of_me and Capability.CONSULT_ANSWER in me.capabilities and one.asked_by != me.username
    context = {
        **await bar(connection, me),
        "one": one,
        "states": STATES,
        "facts": FACTS,
        "fields": request.app.state.forms.fields,
        # What the codes among the facts are called.
        "said": {code: _(words) for code, words in (*SOURCES.items(), *((one.id, one.name) for one in taxonomy.areas))},
        "open_now": open_now,
        "may_take": open_now and answering and one.taken_by != me.username,
        "may_answer": open_now and answering and one.taken_by in (None, me.username),
        "may_work": one.escalation_id is not None,
        "shortcuts": QUESTION_KEYS if open_now else (),
        "now": views.utc_now(),
    }
    return render("consult.html", context)


async def fill_consults(seen: Seen) -> Filling:
    """The part of an escalation's page: questions that this person may read, and the form that asks."""
    teams = [
        team
        for team in (await teams_view(seen.connection, viewer=seen.me.id)).teams
        if not team.closed and any(one.answers for one in team.members)
    ]
    found = await for_record(seen.connection, seen.id, viewer=seen.me.id)
    return {
        "consults": found,
        "texts": [text for one in found for text in (one.question, one.answer or "")],
        "states": STATES,
        "facts": FACTS,
        "fields": seen.request.app.state.forms.fields,
        "teams": teams,
        "open": seen.row.status != "resolved",
        "record": seen.row,
        "now": views.utc_now(),
    }
