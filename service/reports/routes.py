"""HTTP of intake."""

import re
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from pydantic import ValidationError

from service.db import UnitOfWork
from service.plain import PlainRoute
from service.reports import workflow
from service.reports.schemas import Intake, ReportAccepted, ReportIn
from service.security import Capability, ReportWriter, identify

_KEY = re.compile(r"[\x21-\x7e]{1,200}")


class ReportRoute(PlainRoute):
    """Reports whose body and key are as they should be."""

    async def plain(self, request: Request) -> Response | None:
        """The body is read with its JSON, without the objects in between."""
        key = request.headers.get("idempotency-key")
        if request.headers.get("content-type") != "application/json" or (key is not None and not _KEY.fullmatch(key)):
            return None
        try:
            body = ReportIn.model_validate_json(await request.body())
        except ValidationError:
            return None
        async with request.app.state.engine.begin() as connection:
            caller = await identify(request, connection, Capability.REPORT_WRITE)
            accepted = await receive(body, request, caller, connection, key)
        return Response(accepted.model_dump_json(), status_code=201, media_type="application/json")


router = APIRouter(prefix="/v1/reports", tags=["reports"], route_class=ReportRoute)

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
