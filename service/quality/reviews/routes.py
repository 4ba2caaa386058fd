"""HTTP of blind reviews and of settling what they disagree on."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from service.db import UnitOfWork
from service.exposure.limits import limits_of
from service.quality.dependencies import Rules
from service.quality.reviews import workflow
from service.quality.reviews.schemas import (
    AdjudicationIn,
    AnsweredOut,
    BlindCheckOut,
    DisputedOut,
    SettledOut,
)
from service.quality.settling.schemas import BlindAnswerIn
from service.security import QaAdjudicator, QaReviewer

router = APIRouter(prefix="/v1/qa", tags=["quality"])


@router.post(
    "/claim",
    summary="The next item to judge blindly, or the one in hand",
    response_model=BlindCheckOut,
    responses={204: {"description": "There is nothing for the caller to check."}},
)
async def claim(request: Request, caller: QaReviewer, connection: UnitOfWork) -> BlindCheckOut | Response:
    state = request.app.state
    terms = workflow.Terms(state.settings.qa_review_minutes, limits_of(state.settings))
    found = await workflow.claim(connection, caller=caller, terms=terms, blur=state.blur_rules)
    return found or Response(status_code=204)


@router.post("/reviews/{token}", summary="Answer the item in hand")
async def answer(
    token: UUID, body: BlindAnswerIn, rules: Rules, caller: QaReviewer, connection: UnitOfWork
) -> AnsweredOut:
    return await workflow.answer(connection, token, body, person=caller.id, rules=rules)


@router.post("/reviews/{token}/release", status_code=204, summary="Give the item in hand back")
async def release(token: UUID, caller: QaReviewer, connection: UnitOfWork) -> Response:
    await workflow.release(connection, token, person=caller.id)
    return Response(status_code=204)


@router.get("/disputed", summary="Items on which answers differ, for somebody who gave none of them")
async def disputed(request: Request, caller: QaAdjudicator, connection: UnitOfWork) -> DisputedOut:
    state = request.app.state
    secret, limits = state.settings.signing_key, limits_of(state.settings)
    return await workflow.disputed(connection, person=caller.id, blur=state.blur_rules, secret=secret, limits=limits)


@router.post("/items/{item_id}/adjudicate", status_code=201, summary="Say what holds for a disputed item")
async def adjudicate(
    item_id: UUID, body: AdjudicationIn, rules: Rules, caller: QaAdjudicator, connection: UnitOfWork
) -> SettledOut:
    return await workflow.adjudicate(connection, item_id, body, person=caller.id, rules=rules)
