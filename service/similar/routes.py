"""HTTP of near-duplicates and cluster decisions."""

from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from service.cases.workflow import keep_late_draft
from service.db import UnitOfWork
from service.decisions.workflow import DecisionRules
from service.errors.cases import ContentChangedError, LeaseStaleError
from service.security import BulkDecider, CaseReader
from service.similar import workflow
from service.similar.schemas import (
    ClusterDecisionIn,
    ClusterMade,
    ClusterOut,
    ClusterPreviewIn,
    ClusterPreviewOut,
    ClusterUndone,
    SimilarOut,
)
from service.similar.workflow import ClusterRules

router = APIRouter(prefix="/v1", tags=["similar"])


@router.get("/cases/{case_id}/similar", summary="How many cases are nearly the same, and what was decided on them")
async def similar(case_id: UUID, caller: CaseReader, connection: UnitOfWork) -> SimilarOut:
    return await workflow.similar(connection, case_id, viewer=caller.id)


@router.post("/cases/{case_id}/cluster/preview", summary="Which cases a cluster decision would decide, and which not")
async def preview(
    case_id: UUID, request: Request, caller: BulkDecider, connection: UnitOfWork, body: ClusterPreviewIn | None = None
) -> ClusterPreviewOut:
    radius = (body or ClusterPreviewIn()).radius
    return await workflow.preview(connection, case_id, viewer=caller.id, radius=radius, rules=_rules(request))


@router.post(
    "/cases/{case_id}/cluster/decide",
    status_code=201,
    summary="Decide a claimed case and the cases of a preview as one",
    response_model=ClusterMade,
)
async def decide(
    case_id: UUID, body: ClusterDecisionIn, request: Request, caller: BulkDecider, connection: UnitOfWork
) -> ClusterMade | JSONResponse:
    try:
        return await workflow.decide(connection, case_id, body, holder=caller.id, rules=_rules(request))
    except (LeaseStaleError, ContentChangedError) as error:
        # As with a single decision: answered instead of raised, so that the draft is kept. Nothing is decided.
        draft = body.model_dump(mode="json", exclude={"lease_token", "preview_token"})
        await keep_late_draft(connection, case_id, token=body.lease_token, holder=caller.id, body=draft)
        return JSONResponse(error.shape(), status_code=error.status)


@router.get("/clusters/{cluster_id}", summary="A cluster decision with all that it decided and skipped")
async def read(cluster_id: UUID, caller: CaseReader, connection: UnitOfWork) -> ClusterOut:
    return await workflow.read(connection, cluster_id, viewer=caller.id)


@router.post("/clusters/{cluster_id}/undo", summary="Take a cluster decision back before its effects are sent")
async def undo(cluster_id: UUID, request: Request, caller: BulkDecider, connection: UnitOfWork) -> ClusterUndone:
    rules, config = _rules(request).decisions, request.app.state.rank_config
    return await workflow.undo(connection, cluster_id, person=caller.id, rules=rules, config=config)


def _rules(request: Request) -> ClusterRules:
    state = request.app.state
    made = DecisionRules(
        state.taxonomy, state.jobs, state.settings.undo_seconds, state.strike_rules, state.statement_rules
    )
    return ClusterRules(decisions=made, cap=state.settings.cluster_cap, key=state.settings.signing_key)
