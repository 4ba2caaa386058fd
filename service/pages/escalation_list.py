"""The list of escalations: in the order in which they are to be done, worked through by keyboard."""

from typing import Annotated, Any, get_args
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from service.db import UnitOfWork
from service.escalations.listing.workflow import unowned
from service.escalations.schemas import Source, Status
from service.handling.schemas import EscalationSearchIn, ListOut, ListQuery
from service.handling.workflow import SOON_HOURS, listed
from service.pages import escalation_words
from service.pages.bar import bar
from service.pages.crisis import crisis_now
from service.pages.language import N_
from service.pages.masking import masking_of
from service.pages.rendering import PageRoute, render
from service.pages.restricted import alarms_for
from service.pages.sla import overdue_for
from service.security import Capability, EscalationWorker, Principal

router = APIRouter(route_class=PageRoute, include_in_schema=False)

KEYS = (
    (("N",), N_("Take the next: the nearest clock of a law, then the gravest")),
    (("J",), N_("Go to the one below")),
    (("K",), N_("Go to the one above")),
    (("Enter",), N_("Open it")),
    (("F",), N_("Find by words")),
)
# What is looked at again and again, each in one step: name, what of the address it sets.
QUICK: tuple[tuple[str, dict[str, str]], ...] = (
    (N_("All open"), {}),
    (N_("Mine"), {"who": "mine"}),
    (N_("With nobody"), {"who": "unowned"}),
    (N_("Those I follow"), {"who": "watching"}),
    (N_("Due in 4 hours"), {"due_hours": str(SOON_HOURS)}),
    (N_("Resolved"), {"status": "resolved"}),
)


class Asked(BaseModel):
    """The filters as they came: what cannot be read restricts nothing, and is not taken for an address."""

    model_config = ConfigDict(extra="ignore")

    who: str = ""
    status: str = ""
    source: str = ""
    due_hours: str = ""
    high_profile: str = ""
    grey_area: str = ""
    after: str = ""


@router.get("/escalations")
async def escalations(
    asked: Annotated[Asked, Query()], request: Request, me: EscalationWorker, connection: UnitOfWork
) -> Response:
    given = {name: value.strip() for name, value in asked.model_dump().items() if value.strip()}
    wanted = read(given)
    found: ListOut = await listed(connection, wanted, viewer=me.id)
    filters = {name: value for name, value in given.items() if name != "after"}
    context: dict[str, Any] = {
        **await bar(connection, me),
        **await _shown(found, request, connection, me),
        **await crisis_now(connection, me),
        "asked": asked,
        "quick": [(name, _address(query), query == filters) for name, query in QUICK],
        "filtered": bool(filters),
        "first": _address(filters) if wanted.after else None,
        "following": _address({**filters, "after": found.next}) if found.next else None,
        "restricted": await alarms_for(connection, me),
        "unowned": await unowned(connection, viewer=me.id),
        "sla_overdue": await overdue_for(request, connection, me),
        "may_open": Capability.ESCALATION_OPEN in me.capabilities,
        "statuses": get_args(Status),
        "sources": get_args(Source),
        "shortcuts": KEYS,
    }
    return render("escalations.html", context)


@router.post("/escalations/found")
async def found_by_words(
    body: EscalationSearchIn, request: Request, me: EscalationWorker, connection: UnitOfWork
) -> Response:
    """The list of those that have these words, as HTML. Asked for by POST, so that the words are in no address."""
    found = await listed(connection, body, viewer=me.id)
    shown = await _shown(found, request, connection, me)
    return render("escalations_found.html", {**shown, "filtered": True, "first": None, "following": None})


async def _shown(found: ListOut, request: Request, connection: AsyncConnection, me: Principal) -> dict[str, Any]:
    masking = await masking_of(request, connection, me, at="", texts=[one.title for one in found.escalations])
    triggers = request.app.state.forms.triggers
    return {"found": found, "words": escalation_words, "triggers": triggers, "now": found.server_now, **masking}


def read(given: dict[str, str]) -> ListQuery:
    """The question that an address asks; of what makes no sense nothing is asked."""
    while True:
        try:
            return ListQuery.model_validate(given)
        except ValidationError as error:
            wrong = {str(one["loc"][0]) for one in error.errors()}
            given = {name: value for name, value in given.items() if name not in wrong}


def _address(query: dict[str, str]) -> str:
    return f"/escalations?{urlencode(query)}" if query else "/escalations"
