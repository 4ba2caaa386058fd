"""HTTP of judging appeals."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from service.appeals.judging import workflow
from service.appeals.judging.workflow import Judge, OutcomeRules, Terms
from service.appeals.schemas import AppealDecided, AppealDecisionIn, AppealLeaseOut, AppealQueueOut, JudgedOut, TokenIn
from service.db import UnitOfWork
from service.exposure.limits import limits_of
from service.security import AppealDecider

router = APIRouter(prefix="/v1/appeals", tags=["appeals"])


@router.get("", summary="Appeals that wait, in the order in which they are handed out")
async def queue(caller: AppealDecider, connection: UnitOfWork) -> AppealQueueOut:
    return await workflow.queue(connection, person=caller.id)


@router.post(
    "/claim",
    summary="The next appeal that the caller may decide, or the one in hand",
    response_model=JudgedOut,
    responses={204: {"description": "No appeal waits that the caller may decide."}},
)
async def claim(request: Request, caller: AppealDecider, connection: UnitOfWork) -> JudgedOut | Response:
    blur = request.app.state.blur_rules
    found = await workflow.claim(connection, person=caller.id, terms=terms_of(request), blur=blur)
    return found or Response(status_code=204)


@router.post("/{appeal_id}/claim", summary="Take a chosen appeal into one's hands")
async def claim_one(appeal_id: UUID, request: Request, caller: AppealDecider, connection: UnitOfWork) -> JudgedOut:
    blur = request.app.state.blur_rules
    return await workflow.claim_one(connection, appeal_id, person=caller.id, terms=terms_of(request), blur=blur)


@router.post("/{appeal_id}/lease/renew", summary="Keep an appeal in hand")
async def renew(
    appeal_id: UUID, body: TokenIn, request: Request, caller: AppealDecider, connection: UnitOfWork
) -> AppealLeaseOut:
    terms = terms_of(request)
    return await workflow.renew(connection, appeal_id, token=body.lease_token, person=caller.id, terms=terms)


@router.post("/{appeal_id}/lease/release", status_code=204, summary="Give an appeal back")
async def release(appeal_id: UUID, body: TokenIn, caller: AppealDecider, connection: UnitOfWork) -> Response:
    await workflow.release(connection, appeal_id, token=body.lease_token, person=caller.id)
    return Response(status_code=204)


@router.post("/{appeal_id}/decision", status_code=201, summary="Decide an appeal in hand; for people who are signed in")
async def decide(
    appeal_id: UUID, body: AppealDecisionIn, request: Request, caller: AppealDecider, connection: UnitOfWork
) -> AppealDecided:
    state = request.app.state
    # A key comes in this header and goes before a session.
    judge = Judge(caller.id, signed_in=not request.headers.get("authorization", "").lower().startswith("bearer "))
    rules = OutcomeRules(state.taxonomy, state.settings.undo_seconds)
    return await workflow.decide(connection, appeal_id, body, judge=judge, rules=rules)


@router.post("/{appeal_id}/undo", status_code=204, summary="Take an outcome back before it is carried out")
async def undo(appeal_id: UUID, caller: AppealDecider, connection: UnitOfWork) -> Response:
    await workflow.undo(connection, appeal_id, person=caller.id)
    return Response(status_code=204)


def terms_of(request: Request) -> Terms:
    """What appeals are handed out under here."""
    settings = request.app.state.settings
    return Terms(settings.appeal_minutes, limits_of(settings))
