"""HTTP of masked parts: beside each page that masks texts, what stands under one mask, for who may open that page."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from service.appeals.following import workflow as appeals_following
from service.appeals.judging import workflow as appeals
from service.cases.workflow import case_history
from service.db import UnitOfWork
from service.exposure.limits import limits_of
from service.masking import no_such_part
from service.notes.workflow import notes_on
from service.quality.calibration import workflow as calibration
from service.quality.feedback import workflow as feedback
from service.quality.reviews import workflow as reviews
from service.security import (
    AppealDecider,
    CaseReader,
    CaseReviewer,
    EscalationWorker,
    QaAdjudicator,
    QaManager,
    QaReviewer,
)
from service.spans import workflow
from service.spans.escalations import texts_of
from service.spans.schemas import SpansOut
from service.spans.workflow import NAME_CHARACTERS, Covering
from service.suspects import workflow as suspects


async def _kept_nowhere(response: Response) -> None:
    """What was uncovered is not left behind in the cache of a shared computer."""
    response.headers["Cache-Control"] = "private, no-store"


router = APIRouter(prefix="/v1", tags=["masked words"], dependencies=[Depends(_kept_nowhere)])

Of = Annotated[
    str,
    Path(pattern=f"^[0-9a-f]{{{NAME_CHARACTERS}}}$", description="The text, by the name that the page gives it."),
]
Index = Annotated[int | None, Query(ge=0, le=100_000, description="Which part, from 0; without it all of the text.")]


@router.get("/cases/{case_id}/spans/{of}", summary="A masked part of a text of a case")
async def of_case(
    case_id: UUID, of: Of, request: Request, caller: CaseReader, connection: UnitOfWork, index: Index = None
) -> SpansOut:
    shown = await case_history(connection, case_id, viewer=caller.id, rules=request.app.state.blur_rules)
    noted = [one.body for one in (await notes_on(connection, case_id, viewer=caller.id)).notes]
    return await _covering(request).answer([*workflow.of_case(shown), *noted], of, index)


@router.get("/qa/spans/check/{of}", summary="A masked part of a text of the check in hand")
async def of_check(
    of: Of, request: Request, caller: QaReviewer, connection: UnitOfWork, index: Index = None
) -> SpansOut:
    check = await reviews.in_hand(connection, person=caller.id, blur=request.app.state.blur_rules)
    return await _covering(request).answer(workflow.of_content(check), of, index)


@router.get("/qa/spans/disputed/{of}", summary="A masked part of a text on which answers differ")
async def of_disputed(
    of: Of, request: Request, caller: QaAdjudicator, connection: UnitOfWork, index: Index = None
) -> SpansOut:
    state = request.app.state
    secret, limits = state.settings.signing_key, limits_of(state.settings)
    found = await reviews.disputed(connection, person=caller.id, blur=state.blur_rules, secret=secret, limits=limits)
    return await _covering(request).answer(workflow.of_disputed(found), of, index)


@router.get("/qa/spans/objections/{of}", summary="A masked part of an objection or of what it is about")
async def of_objections(
    of: Of, request: Request, caller: QaAdjudicator, connection: UnitOfWork, index: Index = None
) -> SpansOut:
    found = await feedback.objections(connection, person=caller.id)
    return await _covering(request).answer(workflow.of_objections(found), of, index)


@router.get("/qa/spans/feedback/{of}", summary="A masked part of one's own feedback")
async def of_feedback(
    of: Of, request: Request, caller: CaseReviewer, connection: UnitOfWork, index: Index = None
) -> SpansOut:
    state = request.app.state
    days = state.settings.qa_dispute_days
    found = await feedback.mine(connection, person=caller.id, days=days, taxonomy=state.taxonomy)
    on_appeal = (await appeals_following.feedback(connection, person=caller.id)).feedback
    return await _covering(request).answer(workflow.of_feedback(found, on_appeal), of, index)


@router.get("/qa/spans/calibrations/{session_id}/{of}", summary="A masked part of a text of a calibration session")
async def of_session(
    session_id: UUID, of: Of, request: Request, caller: QaManager, connection: UnitOfWork, index: Index = None
) -> SpansOut:
    secret = request.app.state.settings.signing_key
    found = await calibration.one(connection, session_id, person=caller.id, secret=secret)
    return await _covering(request).answer(workflow.of_session(found), of, index)


@router.get("/qa/spans/suspects/{decision_id}/{of}", summary="A masked part of content whose label is in doubt")
async def of_suspect(
    decision_id: UUID, of: Of, request: Request, caller: QaReviewer, connection: UnitOfWork, index: Index = None
) -> SpansOut:
    blur = request.app.state.blur_rules
    found = await suspects.content(connection, decision_id, viewer=caller.id, blur=blur)
    return await _covering(request).answer(workflow.of_content(found), of, index)


@router.get("/appeals/{appeal_id}/spans/{of}", summary="A masked part of an appeal or of what it is about")
async def of_appeal(
    appeal_id: UUID, of: Of, request: Request, caller: AppealDecider, connection: UnitOfWork, index: Index = None
) -> SpansOut:
    row = await appeals.require(connection, appeal_id, person=caller.id)
    blur = request.app.state.blur_rules
    judged = await appeals.in_hand(connection, person=caller.id, blur=blur) if row.in_hand else None
    return await _covering(request).answer(workflow.of_appeal(row, judged), of, index)


@router.get("/escalations/{escalation_id}/spans/{of}", summary="A masked part of a text of an escalation")
async def of_escalation(
    escalation_id: UUID, of: Of, request: Request, caller: EscalationWorker, connection: UnitOfWork, index: Index = None
) -> SpansOut:
    covering, rules = _covering(request), request.app.state.blur_rules
    async for texts in texts_of(connection, escalation_id, viewer=caller.id, rules=rules):
        if covering.has(texts, of):
            return await covering.answer(texts, of, index)
    raise no_such_part()


def _covering(request: Request) -> Covering:
    covering: Covering = request.app.state.covering
    return covering
