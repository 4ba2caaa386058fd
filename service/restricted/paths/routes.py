"""HTTP of restricted paths."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi import Path as InPath

from service.db import UnitOfWork
from service.escalations.schemas import Path
from service.restricted.paths import workflow
from service.restricted.paths.schemas import MemberIn, PathRemovalIn, PathsOut
from service.security import PeopleManager, SignedIn

router = APIRouter(prefix="/v1/restricted", tags=["restricted material"])


@router.get("/paths", summary="Restricted paths that the caller may know of, who is named there, and what is wrong")
async def paths(caller: SignedIn, connection: UnitOfWork) -> PathsOut:
    return await workflow.paths_view(connection, caller)


@router.post("/paths/{path}/members", status_code=202, summary="Propose to name somebody; a second person confirms")
async def ask(path: Path, body: MemberIn, caller: PeopleManager, connection: UnitOfWork) -> PathsOut:
    await workflow.ask(connection, path, body, actor=caller.id)
    return await workflow.paths_view(connection, caller)


@router.post("/paths/{path}/members/{username}/remove", summary="Take somebody off a path, at once")
async def remove(
    path: Path,
    username: Annotated[str, InPath(max_length=64, pattern=r"^[^\x00]*$")],
    body: PathRemovalIn,
    caller: PeopleManager,
    connection: UnitOfWork,
) -> PathsOut:
    await workflow.remove(connection, path, username, reason=body.reason, actor=caller.id)
    return await workflow.paths_view(connection, caller)


@router.post(
    "/changes/{change_id}/confirm", status_code=204, summary="Confirm that somebody is named, as second person"
)
async def confirm(change_id: UUID, caller: SignedIn, connection: UnitOfWork) -> Response:
    await workflow.settle(connection, change_id, confirmed=True, caller=caller)
    return Response(status_code=204)


@router.post("/changes/{change_id}/decline", status_code=204, summary="Decline that somebody is named")
async def decline(change_id: UUID, caller: SignedIn, connection: UnitOfWork) -> Response:
    await workflow.settle(connection, change_id, confirmed=False, caller=caller)
    return Response(status_code=204)
