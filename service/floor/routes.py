"""HTTP of the floor."""

from fastapi import APIRouter, Request, Response
from starlette.responses import StreamingResponse

from service.db import UnitOfWork
from service.floor import workflow
from service.floor.live import Watch, stream
from service.floor.schemas import FloorOut
from service.security import Capability, FirstFloorReader, FloorReader, find_principal

router = APIRouter(prefix="/v1/floor", tags=["shedding"])


@router.get("", summary="Every queue now: ages, rates, deadlines that will be missed at this pace, people at work")
async def floor(request: Request, caller: FloorReader, connection: UnitOfWork) -> FloorOut:
    idle = request.app.state.settings.session_idle_minutes
    return await workflow.floor(connection, viewer=caller, idle_minutes=idle)


@router.get("/depth.csv", summary="Cases of each queue at every full hour of the last day, as comma-separated values")
async def depth_csv(caller: FloorReader, connection: UnitOfWork) -> Response:
    content = workflow.depths_as_csv(await workflow.depths(connection, viewer=caller))
    headers = {
        "Content-Disposition": 'attachment; filename="depth.csv"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)


@router.get(
    "/events",
    summary="Server-sent events: `news` when numbers of the floor have changed, `over` when the caller may no longer look",
    response_class=StreamingResponse,
)
async def events(request: Request, caller: FirstFloorReader) -> StreamingResponse:
    state = request.app.state
    watch: Watch = state.watch
    watch.require_room()

    async def still_allowed() -> bool:
        async with state.engine.connect() as connection:
            now = await find_principal(request, connection)
        return now is not None and now.id == caller.id and Capability.FLOOR_READ in now.capabilities

    told = stream(watch, still_allowed=still_allowed)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(told, media_type="text/event-stream", headers=headers)
