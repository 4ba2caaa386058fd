"""HTTP of crises."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request

from service.crisis import workflow
from service.crisis.schemas import (
    AloneIn,
    ApproveIn,
    CrisesOut,
    CrisisChangeIn,
    CrisisEndIn,
    CrisisIn,
    CrisisPreviewOut,
    CrisisWholeOut,
    ExtendIn,
    GuidancesOut,
    NumbersOut,
    PreviewAsked,
    ReviewIn,
)
from service.db import UnitOfWork
from service.security import CaseReviewer, FloorReader, QueueManager

router = APIRouter(prefix="/v1", tags=["crises"])


@router.get("/crises", summary="Crises: at work, drafted, over")
async def crises(_caller: FloorReader, connection: UnitOfWork) -> CrisesOut:
    return await workflow.crises(connection)


@router.get("/guidance", summary="Notes and holding statements of crises at work")
async def guidance(caller: CaseReviewer, connection: UnitOfWork) -> GuidancesOut:
    return await workflow.guidance(connection, caller.id)


@router.post("/crises/{crisis_id}/read", status_code=204, summary="Confirm that one has read the note of a crisis")
async def confirm_read(crisis_id: UUID, caller: CaseReviewer, connection: UnitOfWork) -> None:
    await workflow.confirm_read(connection, crisis_id, person=caller.id)


@router.post("/crises", status_code=201, summary="Draft a crisis")
async def draft(body: CrisisIn, request: Request, caller: QueueManager, connection: UnitOfWork) -> CrisisWholeOut:
    return await workflow.draft(connection, body, actor=caller.id, taxonomy=request.app.state.taxonomy)


@router.get("/crises/{crisis_id}", summary="A crisis with its timeline and its reviews")
async def crisis(crisis_id: UUID, _caller: FloorReader, connection: UnitOfWork) -> CrisisWholeOut:
    return await workflow.crisis(connection, crisis_id)


@router.put("/crises/{crisis_id}", summary="Change one's own draft")
async def change(
    crisis_id: UUID, body: CrisisChangeIn, request: Request, caller: QueueManager, connection: UnitOfWork
) -> CrisisWholeOut:
    return await workflow.change(connection, crisis_id, body, actor=caller.id, taxonomy=request.app.state.taxonomy)


@router.get("/crises/{crisis_id}/preview", summary="What a crisis would change now")
async def preview(
    crisis_id: UUID,
    asked: Annotated[PreviewAsked, Query()],
    request: Request,
    caller: QueueManager,
    connection: UnitOfWork,
) -> CrisisPreviewOut:
    state = request.app.state
    by = workflow.Previewing(caller, state.taxonomy, state.rank_config, request.is_disconnected)
    return await workflow.preview(connection, crisis_id, asked.queue, by)


@router.post("/crises/{crisis_id}/approve", summary="As the second person, put a crisis to work or let it go on")
async def approve(
    crisis_id: UUID, body: ApproveIn, request: Request, caller: QueueManager, connection: UnitOfWork
) -> CrisisWholeOut:
    return await workflow.approve(connection, crisis_id, body, actor=caller.id, jobs=request.app.state.jobs)


@router.post("/crises/{crisis_id}/begin-alone", summary="Put one's own crisis to work for four hours")
async def begin_alone(
    crisis_id: UUID, body: AloneIn, request: Request, caller: QueueManager, connection: UnitOfWork
) -> CrisisWholeOut:
    return await workflow.begin_alone(connection, crisis_id, body, actor=caller.id, jobs=request.app.state.jobs)


@router.post("/crises/{crisis_id}/extend", summary="Let a crisis last longer, with a reason")
async def extend(
    crisis_id: UUID, body: ExtendIn, request: Request, caller: QueueManager, connection: UnitOfWork
) -> CrisisWholeOut:
    return await workflow.extend(connection, crisis_id, body, actor=caller.id, jobs=request.app.state.jobs)


@router.post("/crises/{crisis_id}/end", summary="End a crisis before its time")
async def end(
    crisis_id: UUID, body: CrisisEndIn, request: Request, caller: QueueManager, connection: UnitOfWork
) -> CrisisWholeOut:
    return await workflow.end(connection, crisis_id, body, actor=caller.id, jobs=request.app.state.jobs)


@router.post("/crises/{crisis_id}/reviews", status_code=201, summary="Say what is to be said of a crisis that is over")
async def review(crisis_id: UUID, body: ReviewIn, caller: QueueManager, connection: UnitOfWork) -> CrisisWholeOut:
    return await workflow.review(connection, crisis_id, body, actor=caller.id)


@router.get("/crises/{crisis_id}/numbers", summary="Reports during a crisis and before it, with the SQL")
async def numbers(crisis_id: UUID, _caller: FloorReader, connection: UnitOfWork) -> NumbersOut:
    return await workflow.numbers(connection, crisis_id)
