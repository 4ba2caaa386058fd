"""HTTP of questions to teams."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from service.consults import workflow
from service.consults.schemas import (
    ConsultAnswerIn,
    ConsultOut,
    ConsultPrecedentsOut,
    ConsultQuestionIn,
    ConsultsOut,
    PrecedentIn,
    PrecedentsQuery,
    RemarkIn,
    TakeIn,
)
from service.db import UnitOfWork
from service.security import ConsultAnswerer, ConsultReader, EscalationWorker

router = APIRouter(prefix="/v1", tags=["consults"])


@router.post("/escalations/{escalation_id}/consults", status_code=201, summary="Ask a team about an escalation")
async def ask(
    escalation_id: UUID, body: ConsultQuestionIn, caller: EscalationWorker, connection: UnitOfWork
) -> ConsultOut:
    return await workflow.ask(connection, escalation_id, body, person=caller.id)


@router.get("/escalations/{escalation_id}/consults", summary="Questions about an escalation that the caller may read")
async def of_record(escalation_id: UUID, caller: EscalationWorker, connection: UnitOfWork) -> ConsultsOut:
    return ConsultsOut(consults=await workflow.for_record(connection, escalation_id, viewer=caller.id))


@router.get("/consults", summary="Questions to the teams of the caller")
async def desk(
    caller: ConsultAnswerer,
    connection: UnitOfWork,
    *,
    done: Annotated[bool, Query(description="those that were answered or withdrawn")] = False,
) -> ConsultsOut:
    return await workflow.desk(connection, caller.id, open_ones=not done)


@router.get("/consults/precedents", summary="Answers that were kept for later cases")
async def precedents(
    asked: Annotated[PrecedentsQuery, Query()], caller: ConsultReader, connection: UnitOfWork
) -> ConsultPrecedentsOut:
    return await workflow.precedents(connection, asked, viewer=caller.id)


@router.get("/consults/{consult_id}", summary="A question")
async def read(consult_id: UUID, caller: ConsultReader, connection: UnitOfWork) -> ConsultOut:
    return await workflow.consult_view(connection, consult_id, viewer=caller.id)


@router.post("/consults/{consult_id}/take", summary="Take a question of one's team")
async def take(consult_id: UUID, body: TakeIn, caller: ConsultAnswerer, connection: UnitOfWork) -> ConsultOut:
    return await workflow.take(connection, consult_id, over=body.over, person=caller.id)


@router.post("/consults/{consult_id}/ask-back", summary="Ask the asker for more")
async def ask_back(consult_id: UUID, body: RemarkIn, caller: ConsultAnswerer, connection: UnitOfWork) -> ConsultOut:
    return await workflow.ask_back(connection, consult_id, body.body, person=caller.id)


@router.post("/consults/{consult_id}/answer", summary="Answer a question; the answer stands")
async def answer(
    consult_id: UUID, body: ConsultAnswerIn, caller: ConsultAnswerer, connection: UnitOfWork
) -> ConsultOut:
    return await workflow.answer(connection, consult_id, body.answer, person=caller.id)


@router.post("/consults/{consult_id}/explain", summary="Add to a question, as the team asked")
async def explain(consult_id: UUID, body: RemarkIn, caller: EscalationWorker, connection: UnitOfWork) -> ConsultOut:
    return await workflow.explain(connection, consult_id, body.body, person=caller.id)


@router.post("/consults/{consult_id}/withdraw", summary="Take a question back")
async def withdraw(consult_id: UUID, caller: EscalationWorker, connection: UnitOfWork) -> ConsultOut:
    return await workflow.withdraw(connection, consult_id, person=caller.id)


@router.put("/consults/{consult_id}/precedent", summary="Keep an answer for later cases, or no longer")
async def precedent(
    consult_id: UUID, body: PrecedentIn, caller: EscalationWorker, connection: UnitOfWork
) -> ConsultOut:
    return await workflow.keep_precedent(connection, consult_id, body.title, person=caller.id)
