"""The page of search: a question, its answers, and the questions that people keep."""

from typing import Any

from fastapi import APIRouter, Request, Response

from labeling.taxonomy import Taxonomy
from service.db import UnitOfWork
from service.errors.access import ForbiddenError
from service.errors.search import UnreadableQuestionError
from service.pages import views
from service.pages.bar import bar
from service.pages.language import N_
from service.pages.rendering import PageRoute, render
from service.search.fields import FIELDS
from service.search.routes import rules_of
from service.search.saved.workflow import may_share, pinned_views
from service.search.saved.workflow import views as kept_views
from service.search.schemas import CaseSearchIn
from service.search.workflow import search, values_of
from service.security import CaseReader

router = APIRouter(route_class=PageRoute, include_in_schema=False)

KEYS = (
    (("/",), N_("To the question, from anywhere")),
    (("J",), N_("Next answer; also the down arrow")),
    (("K",), N_("Answer before; also the up arrow")),
    (("Enter",), N_("Ask; on an answer: open its case")),
    (("Esc",), N_("Back to the question")),
    (("?",), N_("Show these keys")),
    (("G",), N_("Go to the console")),
)
ABOUT = {
    "status": N_("where the case stands"),
    "area": N_("policy area: as decided, before that as the model finds it"),
    "severity": N_("0 to 4: as decided, before that as the model finds it"),
    "queue": N_("the queue it is in"),
    "author": N_("part of the id of who made the content"),
    "reporter": N_("part of the id of who reported it"),
    "subject": N_("part of the platform's id of the content"),
    "kind": N_("what the content is"),
    "lang": N_("language of the content, as a code"),
    "has": N_("what comes with it"),
    "channel": N_("where a report came from"),
    "reason": N_("what a report names"),
    "opened": N_("when the first report came in"),
    "due": N_("when its deadline is, or “over”"),
    "reports": N_("how many reports it has"),
    "decided": N_("by you, or when"),
    "action": N_("what was done"),
    "special": N_("the special route that brought it"),
    "case": N_("a case by its whole id, or that of a report, decision or medium"),
}
WHERE = {
    "content": "",
    "picture": N_("found in a picture"),
    "report": N_("found in a report"),
    "decision": N_("found in a decision"),
    "note": N_("found in a note on the case"),
}
# Filters that are buttons beside the answers, in this order.
FACETS = {
    "status": N_("Status"),
    "area": N_("Policy area"),
    "queue": N_("Queue"),
    "lang": N_("Language"),
    "kind": N_("Kind"),
}


@router.get("/search")
async def search_page(request: Request, me: CaseReader, connection: UnitOfWork) -> Response:
    taxonomy: Taxonomy = request.app.state.taxonomy
    context = {
        **await bar(connection, me),
        "kept": (await kept_views(connection, me)).views,
        "pinned": await pinned_views(connection, me, rules_of(request)),
        "may_share": may_share(me),
        "fields": [(one, ABOUT[one.name]) for one in FIELDS.values()],
        "values": await values_of(connection, me, taxonomy),
        "label": lambda area: views.label_name(taxonomy, area),
        "shortcuts": KEYS,
        "now": views.utc_now(),
    }
    return render("search.html", context)


@router.post("/search/results")
async def results(body: CaseSearchIn, request: Request, me: CaseReader, connection: UnitOfWork) -> Response:
    """A page of answers as HTML. Asked for by POST, so that the words are in no address."""
    try:
        found = await search(connection, body, me=me, rules=rules_of(request))
    except (UnreadableQuestionError, ForbiddenError) as error:
        return render("search_problem.html", _problem(error, body.query), status=error.status)
    taxonomy: Taxonomy = request.app.state.taxonomy
    context = {
        "found": found,
        "first": body.after is None,
        "asked": bool(body.query.strip()),
        "facets": FACETS,
        "where": WHERE,
        "taxonomy": taxonomy,
        "views": views,
        "label": lambda area: views.label_name(taxonomy, area),
        "names": MEDIA_NAMES,
        "now": views.utc_now(),
    }
    return render("search_results.html", context)


MEDIA_NAMES = views.MEDIA_NAMES


def _problem(error: UnreadableQuestionError | ForbiddenError, query: str) -> dict[str, Any]:
    """What is wrong with a question, and the part of it that is."""
    start, end = (error.start, error.end) if isinstance(error, UnreadableQuestionError) else (0, 0)
    return {"detail": error.detail, "before": query[:start], "part": query[start:end], "after": query[end:]}
