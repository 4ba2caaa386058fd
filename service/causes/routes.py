"""HTTP of root causes and improvements."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from service.causes import tables, workflow
from service.causes.schemas import (
    CauseIn,
    CauseOfOut,
    CauseOut,
    EffectOut,
    ImprovementChangeIn,
    ImprovementIn,
    ImprovementOut,
    ParetoAsked,
    ParetoOut,
    RegisterAsked,
    RegisterOut,
)
from service.db import UnitOfWork
from service.errors.requests import NotFoundError
from service.security import EscalationWorker

router = APIRouter(prefix="/v1", tags=["improvements"])

Register = Annotated[RegisterAsked, Query()]
Pareto = Annotated[ParetoAsked, Query()]


@router.get("/escalations/{escalation_id}/cause", summary="Why an escalation came about")
async def cause(escalation_id: UUID, caller: EscalationWorker, connection: UnitOfWork) -> CauseOfOut:
    return CauseOfOut(cause=await workflow.cause_of(connection, escalation_id, viewer=caller.id))


@router.put("/escalations/{escalation_id}/cause", summary="Say why an escalation, and others with it, came about")
async def file_cause(escalation_id: UUID, body: CauseIn, caller: EscalationWorker, connection: UnitOfWork) -> CauseOut:
    return await workflow.file_cause(connection, escalation_id, body, person=caller.id)


@router.post("/escalations/{escalation_id}/improvements", status_code=201, summary="Add what is to be done about it")
async def add_improvement(
    escalation_id: UUID, body: ImprovementIn, caller: EscalationWorker, connection: UnitOfWork
) -> ImprovementOut:
    return await workflow.add_improvement(connection, escalation_id, body, person=caller.id)


@router.get("/escalations/{escalation_id}/improvements", summary="What is done about an escalation")
async def of_record(escalation_id: UUID, caller: EscalationWorker, connection: UnitOfWork) -> RegisterOut:
    return await workflow.of_record(connection, escalation_id, viewer=caller.id)


@router.get("/improvements", summary="The improvement register")
async def register(asked: Register, caller: EscalationWorker, connection: UnitOfWork) -> RegisterOut:
    return await workflow.register(connection, asked, viewer=caller.id)


@router.get("/improvements.csv", summary="The register as comma-separated values, without names of staff")
async def register_csv(asked: Register, caller: EscalationWorker, connection: UnitOfWork) -> Response:
    found = await workflow.register(connection, asked, viewer=caller.id, most=workflow.IN_A_FILE)
    return _file(tables.register_csv(found.improvements), "improvements.csv")


@router.get("/improvements/pareto", summary="Escalations by root cause, policy area or source, the most first")
async def pareto(asked: Pareto, caller: EscalationWorker, connection: UnitOfWork) -> ParetoOut:
    return await workflow.pareto(connection, asked, viewer=caller.id, today=datetime.now(UTC).date())


@router.get("/improvements/pareto.csv", summary="The same counts as comma-separated values")
async def pareto_csv(asked: Pareto, caller: EscalationWorker, connection: UnitOfWork) -> Response:
    found = await workflow.pareto(connection, asked, viewer=caller.id, today=datetime.now(UTC).date())
    return _file(tables.pareto_csv(found), f"pareto-{found.by}-{found.since}-{found.until}.csv")


@router.patch("/improvements/{improvement_id}", summary="Change an action of the register")
async def change(
    improvement_id: UUID, body: ImprovementChangeIn, caller: EscalationWorker, connection: UnitOfWork
) -> ImprovementOut:
    return await workflow.change_improvement(connection, improvement_id, body, person=caller.id)


@router.get("/improvements/{improvement_id}/effect", summary="Rates before and after an action that is done")
async def effect(improvement_id: UUID, caller: EscalationWorker, connection: UnitOfWork) -> EffectOut:
    action = await workflow.improvement(connection, improvement_id, viewer=caller.id)
    found = await workflow.effect(connection, improvement_id, viewer=caller.id)
    if found is None:
        raise NotFoundError(f"I-{action.number} is not done, or was done today: there is nothing after it to measure")
    return EffectOut.model_validate({"measure": action.measure, **asdict(found)})


def _file(content: str, name: str) -> Response:
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)
