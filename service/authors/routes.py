"""HTTP of what is known of an author."""

from uuid import UUID

from fastapi import APIRouter, Request

from service.authors import workflow
from service.authors.schemas import AuthorOut
from service.db import UnitOfWork
from service.security import CaseReader

router = APIRouter(prefix="/v1/cases", tags=["cases"])


@router.get("/{case_id}/author", summary="Other cases of the author of a case, and what was decided on them")
async def author(case_id: UUID, request: Request, caller: CaseReader, connection: UnitOfWork) -> AuthorOut:
    rules = request.app.state.strike_rules
    return await workflow.author_of(connection, case_id, viewer=caller.id, rules=rules)
