"""The pages of quality: plans and results, the blind desk, what answers differ on, labels in doubt, feedback, calibration."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.taxonomy import Taxonomy
from service.appeals.following import workflow as appeals
from service.db import UnitOfWork
from service.exposure.limits import limits_of
from service.exposure.workflow import milder_only
from service.limits import PlanResultsTurn
from service.pages import views
from service.pages.appeals import OUTCOME_WORDS, REASON_WORDS
from service.pages.bar import bar
from service.pages.language import N_
from service.pages.masking import HIDE, SHOW, masking_of
from service.pages.plans import KINDS, STRATA, plan_form
from service.pages.rendering import PageRoute, redirect, render
from service.quality.calibration import workflow as calibration
from service.quality.feedback import workflow as feedback
from service.quality.golden import workflow as golden
from service.quality.plans import workflow as plans
from service.quality.reviews import workflow as reviews
from service.security import Capability, CaseReviewer, Principal, QaAdjudicator, QaManager, QaReviewer
from service.spans import workflow as spans
from service.suspects import workflow as suspects

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_EVERYWHERE = ((("?",), N_("Show these keys")), (("G",), N_("Go to the console")))
_LABEL_KEYS = (
    (("Shift", "0", "…", "4"), N_("Severity")),
    (("A",), N_("Policy area; type to find it, Esc to leave")),
    (("T",), N_("Note")),
    (("Ctrl", "Enter"), N_("Record the answer")),
)
_ANSWER_KEYS = ((("1", "…"), N_("Choose or drop an action")), *_LABEL_KEYS)
SUSPECT_KEYS = (
    (("S",), N_("The label stands")),
    *_LABEL_KEYS,
    (("L",), N_("Leave it for now, or for somebody else")),
    (("N",), N_("Show the next label, where this one is no longer in doubt")),
)
DESK_KEYS = (*_ANSWER_KEYS, (("R",), N_("Give the check back")))
_SPANS = "/v1/qa/spans"
ERRORS = {
    "false_positive": N_("enforced, but nothing was violated"),
    "false_negative": N_("left as it is, but something was violated"),
    "wrong_area": N_("another policy area"),
    "wrong_severity": N_("severity more than one step off"),
    "wrong_action": N_("other actions"),
}


@router.get("/qa")
async def start(
    request: Request, me: QaReviewer, connection: UnitOfWork, policy: Annotated[UUID | None, Query()] = None
) -> Response:
    """Plans for those who make them, the form with a policy version chosen where one is named; the desk for everybody else."""
    if Capability.QA_MANAGE not in me.capabilities:
        return redirect("/qa/review")
    shown = await plans.listed(connection)
    context = {
        "plans": shown.plans,
        "golden": (await golden.listed(connection, person=me.id)).golden,
        **await plan_form(connection, me, request.app.state.taxonomy, chosen=policy),
        **await _frame(request, connection, me, _EVERYWHERE),
    }
    return render("qa.html", context)


@router.get("/qa/plans/{plan_id}")
async def plan(
    _turn: PlanResultsTurn, plan_id: UUID, request: Request, me: QaManager, connection: UnitOfWork
) -> Response:
    taxonomy: Taxonomy = request.app.state.taxonomy
    context = {
        "plan": await plans.one(connection, plan_id),
        "results": await plans.results(connection, plan_id, taxonomy=taxonomy),
        "kinds": KINDS,
        "strata": STRATA,
        "errors": ERRORS,
        **await _frame(request, connection, me, _EVERYWHERE),
    }
    return render("qa_plan.html", context)


@router.get("/qa/review")
async def review(request: Request, me: QaReviewer, connection: UnitOfWork) -> Response:
    """The check in hand, if there is one: reading a page takes nothing."""
    check = await reviews.in_hand(connection, person=me.id, blur=request.app.state.blur_rules)
    keys = (*DESK_KEYS, *_EVERYWHERE) if check else ((("N",), N_("Take the next check")), *_EVERYWHERE)
    shows = _Texts(f"{_SPANS}/check", spans.of_content(check), judged=True)
    return render("qa_review.html", {"check": check, **await _frame(request, connection, me, keys, shows)})


@router.get("/qa/disputed")
async def disputed(
    request: Request, me: QaAdjudicator, connection: UnitOfWork, item: Annotated[UUID | None, Query()] = None
) -> Response:
    """What answers differ on; one of them is opened when asked for."""
    state = request.app.state
    secret, limits = state.settings.signing_key, limits_of(state.settings)
    found = await reviews.disputed(connection, person=me.id, blur=state.blur_rules, secret=secret, limits=limits)
    shown = next((one for one in found.items if one.item_id == item), None)
    keys = (*_ANSWER_KEYS, *_EVERYWHERE) if shown else _EVERYWHERE
    opened = found.model_copy(update={"items": [shown] if shown else []})
    shows = _Texts(f"{_SPANS}/disputed", spans.of_disputed(opened), judged=True)
    context = {"disputed": found, "shown": shown, **await _frame(request, connection, me, keys, shows)}
    return render("qa_disputed.html", context)


@router.get("/qa/objections")
async def objections(
    request: Request,
    me: QaAdjudicator,
    connection: UnitOfWork,
    asked: Annotated[UUID | None, Query(alias="feedback")] = None,
) -> Response:
    """Objections to what was settled; one of them is opened when asked for."""
    found = await feedback.objections(connection, person=me.id)
    shown = next((one for one in found.objections if one.feedback_id == asked), None)
    keys = (*_ANSWER_KEYS, *_EVERYWHERE) if shown else _EVERYWHERE
    opened = found.model_copy(update={"objections": [shown] if shown else []})
    shows = _Texts(f"{_SPANS}/objections", spans.of_objections(opened), judged=True)
    frame = await _frame(request, connection, me, keys, shows)
    context = {"objections": found.objections, "shown": shown, **frame}
    return render("qa_objections.html", context)


@router.get("/qa/suspects")
async def suspects_page(
    request: Request, me: QaReviewer, connection: UnitOfWork, after: Annotated[UUID | None, Query()] = None
) -> Response:
    """The most doubtful label behind those that were left, with its content."""
    mild = await milder_only(connection, me.id, limits_of(request.app.state.settings))
    found = await suspects.waiting(connection, person=me.id, limit=1, after=after, mild=mild)
    suspect = found.suspects[0] if found.suspects else None
    content, at = None, ""
    keys: tuple[Any, ...] = _EVERYWHERE
    if suspect:
        decision, blur = suspect.decision_id, request.app.state.blur_rules
        content = await suspects.content(connection, decision, viewer=me.id, blur=blur)
        keys, at = (*SUSPECT_KEYS, *_EVERYWHERE), f"{_SPANS}/suspects/{decision}"
    context = {
        "suspect": suspect,
        "shown": content,
        "waiting": found.waiting,
        "mild": mild,
        "counted": suspects.COUNTED,
        **await _frame(request, connection, me, keys, _Texts(at, spans.of_content(content), judged=True)),
    }
    return render("qa_suspects.html", context)


@router.get("/qa/feedback")
async def own_feedback(request: Request, me: CaseReviewer, connection: UnitOfWork) -> Response:
    state = request.app.state
    days = state.settings.qa_dispute_days
    found = await feedback.mine(connection, person=me.id, days=days, taxonomy=state.taxonomy)
    on_appeal = (await appeals.feedback(connection, person=me.id)).feedback
    shows = _Texts(f"{_SPANS}/feedback", spans.of_feedback(found, on_appeal))
    frame = await _frame(request, connection, me, _EVERYWHERE, shows)
    words = {"on_appeal": on_appeal, "appeal_words": OUTCOME_WORDS, "appeal_reasons": REASON_WORDS}
    return render("qa_feedback.html", {"feedback": found, "errors": ERRORS, **words, **frame})


@router.get("/qa/calibration")
async def sessions(request: Request, me: QaManager, connection: UnitOfWork) -> Response:
    found = (await calibration.listed(connection)).sessions
    return render("qa_calibration.html", {"sessions": found, **await _frame(request, connection, me, _EVERYWHERE)})


@router.get("/qa/calibration/{session_id}")
async def session(session_id: UUID, request: Request, me: QaManager, connection: UnitOfWork) -> Response:
    secret = request.app.state.settings.signing_key
    found = await calibration.one(connection, session_id, person=me.id, secret=secret)
    shows = _Texts(f"{_SPANS}/calibrations/{session_id}", spans.of_session(found))
    context = {"session": found, **await _frame(request, connection, me, _EVERYWHERE, shows)}
    return render("qa_session.html", context)


@dataclass(frozen=True, slots=True)
class _Texts:
    """Texts that a page shows, where their masked parts are asked for, and whether one key may show them all."""

    at: str
    texts: Sequence[str]
    judged: bool = False


_NO_TEXTS = _Texts("", ())


async def _frame(
    request: Request, connection: AsyncConnection, me: Principal, keys: tuple[Any, ...], shows: _Texts = _NO_TEXTS
) -> dict[str, Any]:
    taxonomy: Taxonomy = request.app.state.taxonomy
    masking = await masking_of(request, connection, me, at=shows.at, texts=shows.texts)
    if masking["any_masked"]:
        keys = (*((SHOW,) if shows.judged else ()), HIDE, *keys)
    return {
        **await bar(connection, me),
        **masking,
        "reads_pictures": request.app.state.settings.read_pictures,
        "here": request.url.path,
        "taxonomy": taxonomy,
        "policy_options": views.policy_options(taxonomy),
        "views": views,
        "shortcuts": keys,
        "now": views.utc_now(),
    }
