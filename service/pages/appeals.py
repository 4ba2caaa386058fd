"""The pages of appeals: the public one for whoever appeals, the queue, and the desk of who judges."""

from typing import Annotated, Any, get_args
from urllib.parse import parse_qs
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from service.appeals.filing import workflow as filing
from service.appeals.filing.routes import rules_of
from service.appeals.following import workflow as following
from service.appeals.judging import workflow as judging
from service.appeals.schemas import REASONS_CHARACTERS, WHY_OVERTURNED, WHY_UPHELD, OutcomeGroup
from service.appeals.targets import targets
from service.catalogues import catalogues
from service.db import UnitOfWork
from service.errors.requests import UnreadableBodyError
from service.media.viewing.workflow import preferences_of
from service.pages import views
from service.pages.bar import bar
from service.pages.language import N_, _, language_of, speaking
from service.pages.masking import HIDE, SHOW, masking_of
from service.pages.rendering import PageRoute, render
from service.pages.sections import Filling, Seen
from service.security import AppealDecider, Capability, Principal
from service.spans.workflow import of_appeal

router = APIRouter(route_class=PageRoute, include_in_schema=False)

QUEUE_KEYS = (
    (("N",), N_("Take the next appeal")),
    (("?",), N_("Show these keys")),
    (("G",), N_("Go to the console")),
)
DESK_KEYS = (
    (("1", "2", "3"), N_("The decision holds, does not hold, or holds in part")),
    (("T",), N_("Explanation")),
    (("Ctrl", "Enter"), N_("Record the outcome")),
    (("V",), N_("Reveal a picture, video or sound, first step")),
    (("R",), N_("Give the appeal back")),
    (("?",), N_("Show these keys")),
    (("G",), N_("Go to the console")),
)
REASON_WORDS = {
    "correct": N_("The policy was applied as it is"),
    "nothing_new": N_("The appeal says nothing that changes it"),
    "manifestly_unfounded": N_("The appeal is manifestly unfounded"),
    "policy_misapplied": N_("The policy was misread"),
    "context_missed": N_("The context was missed"),
    "new_information": N_("The appeal brings something new"),
    "disproportionate": N_("The rule was broken, but the action was too hard"),
    "technical_error": N_("It was a technical mistake"),
}
OUTCOME_WORDS = {
    "upheld": N_("The decision holds"),
    "overturned": N_("The decision does not hold"),
    "partly": N_("The decision holds in part"),
}
DISPUTE_WORDS = {
    "for_appellant": N_("decided for whoever appealed"),
    "for_platform": N_("decided for the platform"),
    "settled": N_("settled"),
    "inadmissible": N_("not taken up"),
    "withdrawn": N_("withdrawn"),
}
STATUS_WORDS = {"open": N_("open"), "decided": N_("decided"), "withdrawn": N_("withdrawn")}
GROUP_WORDS = {
    "area": N_("Policy area"),
    "source": N_("Source"),
    "vendor": N_("Vendor"),
    "market": N_("Market"),
    "bundle": N_("Model"),
    "language": N_("Language"),
    "side": N_("Who appealed"),
}
SIDE_WORDS = {"author": N_("the author"), "reporter": N_("a reporter")}
# The most of a form that is read; the words of whoever appeals take at most twelve bytes each, encoded.
FORM_BYTES = 200_000
# Nothing of the address leaves this page, not even to fetch its style.
PRIVATE = {"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow"}

Token = Annotated[str, Path(max_length=200)]


@router.get("/appeal/{token}")
async def public_form(token: Token, request: Request, connection: UnitOfWork, speak: str = "") -> Response:
    """For whoever was given the address; one that is unknown, used or too late looks the same."""
    request.app.state.appeal_pace.step(request)
    found = await filing.opened(connection, token, rules=rules_of(request))
    return _public(request, speak, {"found": found, "token": token}, status=404 if found is None else 200)


@router.post("/appeal/{token}")
async def public_file(token: Token, request: Request, connection: UnitOfWork, speak: str = "") -> Response:
    request.app.state.appeal_pace.step(request)
    said = await _form(request)
    rules = rules_of(request)
    try:
        receipt = await filing.file_by_link(connection, token, said, rules=rules)
    except ValidationError as error:
        names = {str(one["loc"][0]) for one in error.errors()}
        found = await filing.opened(connection, token, rules=rules)
        context = {"found": found, "token": token, "said": said, "wrong": names}
        return _public(request, speak, context, status=404 if found is None else 422)
    status = 404 if receipt is None else 201
    return _public(request, speak, {"found": None, "token": token, "receipt": receipt}, status=status)


@router.get("/appeals")
async def queue(
    request: Request,
    me: AppealDecider,
    connection: UnitOfWork,
    by: Annotated[OutcomeGroup, Query()] = "area",
) -> Response:
    """What waits; for those who lead also what appeals came to, and who files in vain."""
    leads = Capability.SCORECARDS_READ in me.capabilities
    context = {
        "waiting": await judging.queue(connection, person=me.id),
        "outcomes": await following.outcomes(connection, by) if leads else None,
        "appellants": (await following.appellants(connection)).appellants if leads else [],
        "by": by,
        "groups": {name: GROUP_WORDS[name] for name in get_args(OutcomeGroup)},
        "targets": targets(),
        **await _frame(request, connection, me),
        "shortcuts": QUEUE_KEYS,
    }
    return render("appeals.html", context)


@router.get("/appeals/{appeal_id}")
async def one(appeal_id: UUID, request: Request, me: AppealDecider, connection: UnitOfWork) -> Response:
    """The desk for whoever has it in hand; for others how it stands."""
    row = await judging.require(connection, appeal_id, person=me.id)
    judged = None
    if row.in_hand:
        judged = await judging.in_hand(connection, person=me.id, blur=request.app.state.blur_rules)
    texts = of_appeal(row, judged)
    masking = await masking_of(request, connection, me, at=f"/v1/appeals/{appeal_id}/spans", texts=texts)
    keys = (SHOW, HIDE) if masking["any_masked"] else ()
    context = {
        "appeal": row,
        "judged": judged,
        "disputes": await following.disputes_of(connection, appeal_id),
        "may_escalate": Capability.ESCALATION_WORK in me.capabilities,
        **masking,
        **await _frame(request, connection, me),
        "media_preferences": await preferences_of(connection, me.id),
        "reads_pictures": request.app.state.settings.read_pictures,
        "policy_options": views.policy_options(request.app.state.taxonomy),
        "shortcuts": (*keys, *(DESK_KEYS if judged else QUEUE_KEYS)),
    }
    return render("appeal.html", context)


async def appeals_part(seen: Seen) -> Filling:
    """Appeals that go on as an escalation, for its page."""
    found = await following.of_escalation(seen.connection, seen.id, person=seen.me.id)
    links = Capability.APPEAL_DECIDE in seen.me.capabilities
    words = {"outcomes": OUTCOME_WORDS, "statuses": STATUS_WORDS}
    return {"appeals": found, "links": links, **words} if found else None


async def _frame(request: Request, connection: AsyncConnection, me: Principal) -> dict[str, Any]:
    return {
        **await bar(connection, me),
        "taxonomy": request.app.state.taxonomy,
        "views": views,
        "now": views.utc_now(),
        "why_upheld": WHY_UPHELD,
        "why_overturned": WHY_OVERTURNED,
        "reason_words": REASON_WORDS,
        "outcome_words": OUTCOME_WORDS,
        "dispute_words": DISPUTE_WORDS,
        "status_words": STATUS_WORDS,
        "side_words": SIDE_WORDS,
    }


def _public(request: Request, speak: str, context: dict[str, Any], *, status: int) -> Response:
    chosen = speak if speak in catalogues() else language_of(request)
    empty: dict[str, Any] = {"receipt": None, "said": {}, "wrong": set()}
    known = {"taxonomy": request.app.state.taxonomy, "views": views, "characters": REASONS_CHARACTERS, "speak": speak}
    with speaking(chosen):
        page = render("appeal_public.html", empty | known | context, status=status)
    page.headers.update(PRIVATE)
    return page


async def _form(request: Request) -> dict[str, str]:
    """The fields of the form, each once. Raises UnreadableBodyError."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > FORM_BYTES:
            raise UnreadableBodyError(_("this is more than an appeal can hold"))
    try:
        fields = parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=10, errors="strict")
    except ValueError as error:
        raise UnreadableBodyError(_("the form could not be read; load the page anew and send it again")) from error
    # A browser ends lines with two characters, and counts one.
    return {name: fields.get(name, [""])[0].replace("\r\n", "\n") for name in ("reasons", "contact")}
