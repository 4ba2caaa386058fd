"""HTTP of scorecards."""

from datetime import UTC, datetime
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Query, Response

from service.db import UnitOfWork
from service.limits import ScorecardTurn
from service.scorecards import tables
from service.scorecards.schemas import AskedIn, ScorecardOut, TrendOut
from service.scorecards.trend import as_csv, trend
from service.scorecards.workflow import scorecard
from service.security import ScorecardReader

router = APIRouter(prefix="/v1", tags=["scorecards"])

Asked = Annotated[AskedIn, Query()]
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@router.get(
    "/scorecards", summary="Quality, deadlines, times and cost by vendor, site, language, policy version or area"
)
async def card(_turn: ScorecardTurn, asked: Asked, _caller: ScorecardReader, connection: UnitOfWork) -> ScorecardOut:
    return await scorecard(connection, asked, today=datetime.now(UTC).date())


@router.get("/scorecards.csv", summary="The same figures as comma-separated values")
async def card_csv(_turn: ScorecardTurn, asked: Asked, _caller: ScorecardReader, connection: UnitOfWork) -> Response:
    made = await scorecard(connection, asked, today=datetime.now(UTC).date())
    return _file(tables.as_csv(made), "text/csv; charset=utf-8", f"{tables.name_of(made)}.csv")


@router.get("/scorecards.xlsx", summary="The same figures as an Excel file, with their definitions")
async def card_xlsx(_turn: ScorecardTurn, asked: Asked, _caller: ScorecardReader, connection: UnitOfWork) -> Response:
    made = await scorecard(connection, asked, today=datetime.now(UTC).date())
    return _file(await to_thread.run_sync(tables.as_xlsx, made), _XLSX, f"{tables.name_of(made)}.xlsx")


@router.get("/scorecards/trend", summary="Figures of all groups together over time, in steps of at least a week")
async def over_time(_turn: ScorecardTurn, asked: Asked, _caller: ScorecardReader, connection: UnitOfWork) -> TrendOut:
    return await trend(connection, asked, today=datetime.now(UTC).date())


@router.get("/scorecards/trend.csv", summary="The same figures as comma-separated values")
async def over_time_csv(
    _turn: ScorecardTurn, asked: Asked, _caller: ScorecardReader, connection: UnitOfWork
) -> Response:
    made = await trend(connection, asked, today=datetime.now(UTC).date())
    return _file(as_csv(made), "text/csv; charset=utf-8", f"trend-{made.since}-{made.until}.csv")


def _file(content: str | bytes, kind: str, name: str) -> Response:
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(content, media_type=kind, headers=headers)
