"""HTTP of decisions."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from service.cases.workflow import keep_late_draft
from service.db import UnitOfWork
from service.decisions import workflow
from service.decisions.schemas import ActionsOut, DecisionIn, DecisionMade, UndoneOut
from service.decisions.workflow import DecisionRules
from service.errors.cases import ContentChangedError, LeaseStaleError
from service.errors.requests import InvalidRequestError
from service.security import CaseReader, CaseReviewer

router = APIRouter(prefix="/v1", tags=["decisions"])


@router.post(
    "/cases/{case_id}/decisions", status_code=201, summary="Decide a claimed case", response_model=DecisionMade
)
async def decide(
    case_id: UUID, body: DecisionIn, request: Request, caller: CaseReviewer, connection: UnitOfWork
) -> DecisionMade | JSONResponse:
    try:
        return await workflow.decide(connection, case_id, body, holder=caller.id, rules=_rules(request))
    except (LeaseStaleError, ContentChangedError) as error:
        # Answered instead of raised: raising would roll the draft back. Neither refusal has stored anything else
        # but that the changed content was shown.
        draft = body.model_dump(mode="json", exclude={"lease_token"}, exclude_none=True)
        await keep_late_draft(connection, case_id, token=body.lease_token, holder=caller.id, body=draft)
        return JSONResponse(error.shape(), status_code=error.status)


@router.post("/decisions/{decision_id}/undo", summary="Take a decision back before its effects are sent")
async def undo(decision_id: UUID, request: Request, caller: CaseReviewer, connection: UnitOfWork) -> UndoneOut:
    config = request.app.state.rank_config
    return await workflow.undo(connection, decision_id, person=caller.id, rules=_rules(request), config=config)


@router.get("/cases/{case_id}/actions", summary="What the caller may do about a case, and what is recommended")
async def actions(
    case_id: UUID,
    request: Request,
    caller: CaseReader,
    connection: UnitOfWork,
    policy_area: Annotated[str | None, Query(max_length=100, description="recommend for this area")] = None,
    severity: Annotated[int | None, Query(ge=0, le=4, description="recommend for this severity")] = None,
) -> ActionsOut:
    if (policy_area is None) != (severity is None):
        raise InvalidRequestError("policy_area and severity: name both, or neither for those of the model")
    named = None if policy_area is None or severity is None else (policy_area, severity)
    return await workflow.actions_of(connection, case_id, person=caller.id, rules=_rules(request), named=named)


def _rules(request: Request) -> DecisionRules:
    state = request.app.state
    return DecisionRules(
        state.taxonomy, state.jobs, state.settings.undo_seconds, state.strike_rules, state.statement_rules
    )
