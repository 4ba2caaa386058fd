"""HTTP of service keys."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response

from service.db import UnitOfWork
from service.people.keys import workflow
from service.people.keys.schemas import KeyIn, KeyMadeOut, KeysOut
from service.security import PeopleManager

router = APIRouter(prefix="/v1", tags=["people"])

Username = Annotated[str, Path(max_length=64, pattern=r"^[^\x00]*$")]


@router.get("/people/{username}/keys", summary="The keys of an account, without the keys themselves")
async def keys(username: Username, _caller: PeopleManager, connection: UnitOfWork) -> KeysOut:
    return await workflow.keys_of(connection, username)


@router.post("/people/{username}/keys", status_code=201, summary="Make a key for an account; it is shown this once")
async def make(
    username: Username, body: KeyIn, response: Response, caller: PeopleManager, connection: UnitOfWork
) -> KeyMadeOut:
    response.headers["Cache-Control"] = "no-store"
    return await workflow.make_key(connection, username, body, caller=caller)


@router.delete("/people/{username}/keys/{key_id}", status_code=204, summary="End a key at once")
async def revoke(username: Username, key_id: UUID, caller: PeopleManager, connection: UnitOfWork) -> Response:
    await workflow.revoke_key(connection, username, key_id, actor=caller.id)
    return Response(status_code=204)
