"""HTTP of filing appeals, for the platform."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Request, Response

from service.appeals.filing import workflow
from service.appeals.filing.workflow import Filed, FilingRules
from service.appeals.schemas import AppealAccepted, AppealIn, AppealLinkIn, AppealLinkOut, AppealStatusOut
from service.db import UnitOfWork
from service.security import AppealFiler

router = APIRouter(prefix="/v1", tags=["appeals"])

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Any printable text of yours. The same key and body again give the same answer and store nothing.",
    ),
]


@router.post(
    "/decisions/{decision_id}/appeal-link",
    status_code=201,
    summary="An address at which a decision can be appealed without an account, to be put into a notice",
)
async def make_link(
    decision_id: UUID, body: AppealLinkIn, request: Request, caller: AppealFiler, connection: UnitOfWork
) -> AppealLinkOut:
    return await workflow.make_link(connection, decision_id, body, made_by=caller.id, rules=rules_of(request))


@router.post(
    "/appeals",
    status_code=201,
    summary="Pass on the appeal of an author, or of a reporter whose report was not acted on",
)
async def file(
    body: AppealIn,
    request: Request,
    caller: AppealFiler,
    connection: UnitOfWork,
    idempotency_key: IdempotencyKey = None,
) -> AppealAccepted:
    return await workflow.file(connection, Filed(body, caller.id, idempotency_key), rules=rules_of(request))


@router.get("/appeals/{appeal_id}", summary="How an appeal stands")
async def read(appeal_id: UUID, _caller: AppealFiler, connection: UnitOfWork) -> AppealStatusOut:
    return await workflow.status_of(connection, appeal_id)


@router.post("/appeals/{appeal_id}/withdraw", status_code=204, summary="Withdraw an appeal for whoever filed it")
async def withdraw(appeal_id: UUID, caller: AppealFiler, connection: UnitOfWork) -> Response:
    await workflow.withdraw(connection, appeal_id, actor=caller.id)
    return Response(status_code=204)


def rules_of(request: Request) -> FilingRules:
    """What appeals are filed under here."""
    state = request.app.state
    return FilingRules(state.taxonomy, state.jobs, state.settings.appeal_months)
