"""HTTP of continuity plans."""

from typing import Annotated

from fastapi import APIRouter, Path, Request

from service.crisis.plans import workflow
from service.crisis.plans.schemas import (
    ContinuityPlanIn,
    ContinuityPlanOut,
    ContinuityPlansOut,
    DrillsOut,
    PlanActivationIn,
    PlanName,
)
from service.crisis.schemas import CrisisWholeOut
from service.db import UnitOfWork
from service.security import FloorReader, QueueManager

router = APIRouter(prefix="/v1/continuity", tags=["crises"])

Named = Annotated[PlanName, Path()]


@router.get("", summary="Continuity plans and when each was last drilled")
async def plans(_caller: FloorReader, connection: UnitOfWork) -> ContinuityPlansOut:
    return await workflow.plans(connection)


@router.get("/{name}", summary="A continuity plan")
async def plan(name: Named, _caller: FloorReader, connection: UnitOfWork) -> ContinuityPlanOut:
    return await workflow.plan(connection, name)


@router.put("/{name}", summary="Save a continuity plan")
async def save(name: Named, body: ContinuityPlanIn, caller: QueueManager, connection: UnitOfWork) -> ContinuityPlanOut:
    return await workflow.save(connection, name, body, actor=caller.id)


@router.post("/{name}/activate", status_code=201, summary="Draft a crisis that puts the plan to work")
async def activate(
    name: Named, body: PlanActivationIn, request: Request, caller: QueueManager, connection: UnitOfWork
) -> CrisisWholeOut:
    taxonomy = request.app.state.taxonomy
    return await workflow.activate(connection, name, body, actor=caller.id, taxonomy=taxonomy)


@router.get("/{name}/drills", summary="What the latest drills of a plan found")
async def drills(name: Named, _caller: FloorReader, connection: UnitOfWork) -> DrillsOut:
    return await workflow.drills(connection, name)
