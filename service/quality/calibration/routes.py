"""HTTP of calibration sessions."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import PlainTextResponse

from service.db import UnitOfWork
from service.quality.calibration import workflow
from service.quality.calibration.pack import markdown
from service.quality.calibration.schemas import (
    AgreedIn,
    CalibrationIn,
    CalibrationOut,
    CalibrationsOut,
    GuidanceIn,
    PackOut,
)
from service.security import QaManager

router = APIRouter(prefix="/v1/qa/calibrations", tags=["quality"])


@router.post("", status_code=201, summary="Begin a session about what people disagreed on")
async def make(body: CalibrationIn, request: Request, caller: QaManager, connection: UnitOfWork) -> CalibrationOut:
    return await workflow.make(connection, body, person=caller.id, secret=_secret(request))


@router.get("", summary="Sessions, newest first")
async def listed(_caller: QaManager, connection: UnitOfWork) -> CalibrationsOut:
    return await workflow.listed(connection)


@router.get("/{session_id}", summary="A session with its items")
async def read(session_id: UUID, request: Request, caller: QaManager, connection: UnitOfWork) -> CalibrationOut:
    return await workflow.one(connection, session_id, person=caller.id, secret=_secret(request))


@router.put("/{session_id}/items/{item_id}", status_code=204, summary="What the session agreed on for an item")
async def agree(
    session_id: UUID, item_id: UUID, body: AgreedIn, request: Request, caller: QaManager, connection: UnitOfWork
) -> Response:
    taxonomy = request.app.state.taxonomy
    entry = workflow.Entry(session_id, item_id)
    await workflow.agree(connection, entry, body, person=caller.id, taxonomy=taxonomy)
    return Response(status_code=204)


@router.post("/{session_id}/close", status_code=204, summary="End a session with its guidance")
async def close(session_id: UUID, body: GuidanceIn, caller: QaManager, connection: UnitOfWork) -> Response:
    await workflow.close(connection, session_id, body, person=caller.id)
    return Response(status_code=204)


@router.get(
    "/{session_id}/pack",
    summary="A session to take along, as JSON or Markdown; nobody is named in it",
    response_model=PackOut,
    responses={200: {"content": {"text/markdown": {}}}},
)
async def pack(
    session_id: UUID,
    request: Request,
    caller: QaManager,
    connection: UnitOfWork,
    form: Annotated[Literal["json", "markdown"], Query(alias="format")] = "json",
) -> PackOut | Response:
    taxonomy = request.app.state.taxonomy
    found = await workflow.pack(connection, session_id, person=caller.id, taxonomy=taxonomy, secret=_secret(request))
    if form == "json":
        return found
    return PlainTextResponse(markdown(found), media_type="text/markdown; charset=utf-8")


def _secret(request: Request) -> str:
    key: str = request.app.state.settings.signing_key
    return key
