"""HTTP of kept questions."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from service.db import UnitOfWork
from service.search.routes import rules_of
from service.search.saved import workflow
from service.search.saved.schemas import ViewChangeIn, ViewIn, ViewOut, ViewsOut
from service.security import CaseReader

router = APIRouter(prefix="/v1/views", tags=["search"])


@router.get("", summary="Your kept questions and those that are shared")
async def views(caller: CaseReader, connection: UnitOfWork) -> ViewsOut:
    return await workflow.views(connection, caller)


@router.post("", status_code=201, summary="Keep a question")
async def add(body: ViewIn, request: Request, caller: CaseReader, connection: UnitOfWork) -> ViewOut:
    return await workflow.add(connection, body, me=caller, rules=rules_of(request))


@router.patch("/{view_id}", summary="Change a kept question of your own")
async def change(
    view_id: UUID, body: ViewChangeIn, request: Request, caller: CaseReader, connection: UnitOfWork
) -> ViewOut:
    return await workflow.change(connection, view_id, body, me=caller, rules=rules_of(request))


@router.delete("/{view_id}", status_code=204, summary="Remove a kept question of your own")
async def remove(view_id: UUID, caller: CaseReader, connection: UnitOfWork) -> Response:
    await workflow.remove(connection, view_id, me=caller)
    return Response(status_code=204)


@router.post("/{view_id}/look", summary="Look at a kept question: what it finds now is not new any more")
async def look(view_id: UUID, caller: CaseReader, connection: UnitOfWork) -> ViewOut:
    return await workflow.look(connection, view_id, me=caller)
