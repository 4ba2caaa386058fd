"""HTTP of cases."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from service.cases import workflow
from service.cases.schemas import CaseHistoryOut, DecisionDraftIn
from service.db import UnitOfWork
from service.ranking.schemas import WhyOut
from service.security import CaseReader, CaseReviewer

router = APIRouter(prefix="/v1/cases", tags=["cases"])


@router.get("/{case_id}", summary="A case with reports, score, rank, decisions and events")
async def read(case_id: UUID, request: Request, caller: CaseReader, connection: UnitOfWork) -> CaseHistoryOut:
    return await workflow.case_history(connection, case_id, viewer=caller.id, rules=request.app.state.blur_rules)


@router.get("/{case_id}/why", summary="Why a case stands where it stands, in parts and in words")
async def why(case_id: UUID, request: Request, caller: CaseReader, connection: UnitOfWork) -> WhyOut:
    return await workflow.case_why(connection, case_id, viewer=caller.id, taxonomy=request.app.state.taxonomy)


@router.put("/{case_id}/draft", status_code=204, summary="Keep an unfinished decision")
async def save_draft(case_id: UUID, body: DecisionDraftIn, caller: CaseReviewer, connection: UnitOfWork) -> Response:
    await workflow.save_draft(connection, case_id, token=body.lease_token, holder=caller.id, body=body.body)
    return Response(status_code=204)
