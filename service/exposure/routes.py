"""HTTP of exposure: one's own ledger and breaks, and how exposure lies across people for those who lead."""

from fastapi import APIRouter, Request, Response

from service.db import UnitOfWork
from service.exposure import workflow
from service.exposure.limits import limits_of
from service.exposure.schemas import BreakOut, ExposureOut, NotNowIn, NotNowOut, RestOut, SpreadOut
from service.security import CaseReviewer, FloorReader

router = APIRouter(prefix="/v1", tags=["exposure"])

# One's own ledger is not left behind in the cache of a shared computer.
NO_STORE = {"Cache-Control": "private, no-store"}


@router.get("/me/exposure", summary="What you have seen for how long, and what cases come because of it")
async def mine(request: Request, response: Response, caller: CaseReviewer, connection: UnitOfWork) -> ExposureOut:
    response.headers.update(NO_STORE)
    return await workflow.ledger(connection, caller.id, limits_of(request.app.state.settings))


@router.get("/me/exposure.csv", summary="Your last 14 days by level, as comma-separated values")
async def mine_csv(request: Request, caller: CaseReviewer, connection: UnitOfWork) -> Response:
    days = await workflow.days(connection, caller.id, limits_of(request.app.state.settings))
    headers = NO_STORE | {"Content-Disposition": 'attachment; filename="my-exposure.csv"'}
    return Response(workflow.as_csv(days), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/me/breaks", summary="Whether it is time for a break")
async def rest(request: Request, response: Response, caller: CaseReviewer, connection: UnitOfWork) -> RestOut:
    response.headers.update(NO_STORE)
    return await workflow.rest(connection, caller.id, limits_of(request.app.state.settings))


@router.post("/me/breaks", status_code=201, summary="Take a break; the next case ends it")
async def take_break(request: Request, caller: CaseReviewer, connection: UnitOfWork) -> BreakOut:
    return await workflow.take_break(connection, caller.id, limits_of(request.app.state.settings))


@router.delete("/me/breaks", status_code=204, summary="End your break")
async def end_break(caller: CaseReviewer, connection: UnitOfWork) -> Response:
    await workflow.end_break(connection, caller.id)
    return Response(status_code=204)


@router.put("/me/not-now", summary="No graphic cases for now; nobody else is told, and no reason is asked")
async def not_now(body: NotNowIn, caller: CaseReviewer, connection: UnitOfWork) -> NotNowOut:
    return await workflow.not_now(connection, caller.id, until=body.until)


@router.get("/exposure/spread", summary="How exposure of the last 24 hours lies across people")
async def spread(request: Request, _caller: FloorReader, connection: UnitOfWork) -> SpreadOut:
    return await workflow.spread(connection, limits_of(request.app.state.settings))
