"""HTTP of intake."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Header, Request

from service.db import UnitOfWork
from service.reports import workflow
from service.reports.schemas import Intake, ReportAccepted, ReportIn
from service.security import ReportWriter

router = APIRouter(prefix="/v1/reports", tags=["reports"])

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Any printable text of yours. The same key and body again give the same answer and store nothing.",
    ),
]


@router.post("", status_code=201, summary="Report content for review")
async def receive(
    body: ReportIn,
    request: Request,
    caller: ReportWriter,
    connection: UnitOfWork,
    idempotency_key: IdempotencyKey = None,
) -> ReportAccepted:
    state = request.app.state
    intake = Intake(
        report=body, received_from=caller.id, received_at=datetime.now(UTC), idempotency_key=idempotency_key
    )
    return await workflow.receive(
        connection, intake, taxonomy=state.taxonomy, config=state.rank_config, jobs=state.jobs
    )
