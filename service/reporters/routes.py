"""HTTP of reporters."""

from typing import Annotated

from fastapi import APIRouter, Path, Request

from service.db import UnitOfWork
from service.reporters import workflow
from service.reporters.schemas import ReporterOut
from service.security import FloorReader
from service.wire import Stored

router = APIRouter(prefix="/v1/reporters", tags=["reporters"])


@router.get("/{reporter_id:path}", summary="What came of somebody's reports, and what their word counts for it")
async def read(
    reporter_id: Annotated[str, Path(min_length=1, max_length=200, description="the platform's id"), Stored],
    request: Request,
    caller: FloorReader,
    connection: UnitOfWork,
) -> ReporterOut:
    return await workflow.reporter(connection, reporter_id, viewer=caller.id, config=request.app.state.rank_config)
