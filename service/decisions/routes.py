"""HTTP of decisions."""

from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from service.cases.workflow import keep_late_draft
from service.db import UnitOfWork
from service.decisions import workflow
from service.decisions.schemas import DecisionIn, DecisionMade, UndoneOut
from service.decisions.workflow import DecisionRules
from service.errors import ContentChangedError, LeaseStaleError
from service.security import CaseReviewer

router = APIRouter(prefix="/v1", tags=["decisions"])


@router.post(
    "/cases/{case_id}/decisions", status_code=201, summary="Decide a claimed case", response_model=DecisionMade
)
async def decide(
    case_id: UUID, body: DecisionIn, request: Request, caller: CaseReviewer, connection: UnitOfWork
) -> DecisionMade | JSONResponse:
    state = request.app.state
    rules = DecisionRules(state.taxonomy, state.jobs, state.settings.undo_seconds)
    try:
        return await workflow.decide(connection, case_id, body, holder=caller.id, rules=rules)
    except (LeaseStaleError, ContentChangedError) as error:
        # Answered instead of raised: raising would roll the draft back. Neither refusal has stored anything else
        # but that the changed content was shown.
        draft = body.model_dump(mode="json", exclude={"lease_token"})
        await keep_late_draft(connection, case_id, token=body.lease_token, holder=caller.id, body=draft)
        return JSONResponse(error.shape(), status_code=error.status)


@router.post("/decisions/{decision_id}/undo", summary="Take a decision back before its effects are sent")
async def undo(decision_id: UUID, request: Request, caller: CaseReviewer, connection: UnitOfWork) -> UndoneOut:
    state = request.app.state
    return await workflow.undo(
        connection, decision_id, person=caller.id, taxonomy=state.taxonomy, config=state.rank_config
    )
