"""HTTP of plans."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request

from service.db import UnitOfWork
from service.limits import PlanResultsTurn, turn_of
from service.quality.dependencies import Rules
from service.quality.plans import workflow
from service.quality.plans.schemas import CheckPlanIn, CheckPlanOut, CheckPlansOut, DrawIn, DrawPreviewOut, ResultsOut
from service.security import QaManager

router = APIRouter(prefix="/v1/qa/plans", tags=["quality"])
# Reading a frame of up to two hundred thousand decisions is heavy: a few at a time.
DrawTurn = Annotated[None, Depends(turn_of("draws"), scope="function")]


@router.post("", status_code=201, summary="Draw decisions to be checked")
async def make(
    body: CheckPlanIn, request: Request, _turn: DrawTurn, caller: QaManager, connection: UnitOfWork
) -> CheckPlanOut:
    return await workflow.make(connection, body, actor=caller.id, taxonomy=request.app.state.taxonomy)


@router.post("/preview", summary="What a plan would draw from, and how many of each stratum")
async def preview(
    body: DrawIn, request: Request, _turn: DrawTurn, caller: QaManager, connection: UnitOfWork
) -> DrawPreviewOut:
    return await workflow.preview(connection, body, viewer=caller.id, taxonomy=request.app.state.taxonomy)


@router.get("", summary="Plans with their progress, newest first")
async def listed(_caller: QaManager, connection: UnitOfWork) -> CheckPlansOut:
    return await workflow.listed(connection)


@router.get("/{plan_id}", summary="One plan with its progress")
async def read(plan_id: UUID, _caller: QaManager, connection: UnitOfWork) -> CheckPlanOut:
    return await workflow.one(connection, plan_id)


@router.post(
    "/{plan_id}/close",
    summary="End a plan: items without any answer fall away, others are settled or disputed by those they have",
)
async def close(plan_id: UUID, rules: Rules, caller: QaManager, connection: UnitOfWork) -> CheckPlanOut:
    return await workflow.close(connection, plan_id, actor=caller.id, rules=rules)


@router.get("/{plan_id}/results", summary="What a plan found: weighted accuracy, agreement, kinds of error")
async def results(
    _turn: PlanResultsTurn, plan_id: UUID, request: Request, _caller: QaManager, connection: UnitOfWork
) -> ResultsOut:
    return await workflow.results(connection, plan_id, taxonomy=request.app.state.taxonomy)
