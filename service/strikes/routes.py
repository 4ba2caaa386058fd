"""HTTP of strikes."""

from typing import Annotated

from fastapi import APIRouter, Path, Request

from service.db import UnitOfWork
from service.security import CaseReader
from service.strikes import workflow
from service.strikes.schemas import AuthorStrikesOut

router = APIRouter(prefix="/v1/authors", tags=["strikes"])


# The platform's own ids may hold slashes.
@router.get("/{author_id:path}/strikes", summary="What counts against an author, and what no longer does")
async def strikes(
    author_id: Annotated[str, Path(max_length=200, pattern=r"^[^\x00]+$")],
    request: Request,
    caller: CaseReader,
    connection: UnitOfWork,
) -> AuthorStrikesOut:
    return await workflow.history(connection, author_id, viewer=caller.id, rules=request.app.state.strike_rules)
