"""The page of the log of events: filters, one sentence a line, older pages, and the same as a file."""

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, ValidationError

from service.audit.schemas import LogFilter, LogOut
from service.audit.workflow import EXPORT_ROWS, HIDDEN_FROM_LEADS, page
from service.db import UnitOfWork
from service.pages import views
from service.pages.audit_words import choices, details, exact, sentence_of
from service.pages.bar import bar
from service.pages.language import N_, _
from service.pages.rendering import PageRoute, render
from service.security import AuditReader, Capability

router = APIRouter(route_class=PageRoute, include_in_schema=False)

KEYS = (
    (("F",), N_("Follow the log, or stop")),
    (("?",), N_("Show these keys")),
    (("G",), N_("Go to the console")),
)
SHOWN = 100
PROBLEMS = {
    "kind": N_("There is no such kind of event."),
    "case_id": N_("A case is named by its whole id, such as 018f0000-0000-7000-8000-000000000000."),
    "since": N_("Give the first day as a date."),
    "until": N_("Give the last day as a date."),
}


class Asked(BaseModel):
    """The filters as they were typed: what cannot be read is said on the page and not taken for an address."""

    model_config = ConfigDict(extra="ignore")

    kind: str = ""
    actor: str = ""
    case_id: str = ""
    subject: str = ""
    since: str = ""
    until: str = ""
    before: str = ""


@router.get("/admin/audit")
async def audit(asked: Annotated[Asked, Query()], me: AuditReader, connection: UnitOfWork) -> Response:
    given = {name: value.strip() for name, value in asked.model_dump().items() if value.strip()}
    wanted, problems = read(given)
    found = await page(connection, wanted, viewer=me, limit=SHOWN) if wanted else LogOut(events=[], next=None)
    everything = Capability.AUDIT_ALL in me.capabilities
    filters = {name: value for name, value in given.items() if name != "before"}
    context = {
        **await bar(connection, me),
        "found": found,
        "asked": asked,
        "problems": problems,
        "filtered": bool(filters),
        "paged": "before" in given,
        "everything": everything,
        "may_read": Capability.CASE_READ in me.capabilities,
        "may_escalations": Capability.ESCALATION_WORK in me.capabilities,
        "groups": [one for one in choices() if everything or one[0] not in HIDDEN_FROM_LEADS],
        "sentence_of": sentence_of,
        "details": details,
        "exact": exact,
        "most": EXPORT_ROWS,
        "newest": _address(filters),
        "older": _address({**filters, "before": found.next}) if found.next else None,
        "files": {kind: f"/v1/events/export?{urlencode({**filters, 'format': kind})}" for kind in ("csv", "jsonl")},
        "shortcuts": KEYS,
        "now": views.utc_now(),
    }
    return render("audit.html", context)


def read(given: dict[str, str]) -> tuple[LogFilter | None, dict[str, str]]:
    """The filter that was asked for or, by field, what is wrong with it."""
    try:
        return LogFilter.model_validate(given), {}
    except ValidationError as error:
        named = {str(one["loc"][0]) for one in error.errors()}
        return None, {name: _(PROBLEMS.get(name, N_("This cannot be searched for."))) for name in named}


def _address(query: dict[str, Any]) -> str:
    return f"/admin/audit?{urlencode(query)}" if query else "/admin/audit"
