"""HTTP of search. Questions go by POST: words may be content, and addresses end up in logs."""

from fastapi import APIRouter, Request

from service.db import UnitOfWork
from service.search import workflow
from service.search.schemas import CaseSearchIn, CompletionsIn, CompletionsOut, SearchOut
from service.search.workflow import SearchRules
from service.security import CaseReader

router = APIRouter(prefix="/v1/search", tags=["search"])


@router.post("", summary="Cases by words, handles, ids and whatever else tells them apart")
async def search(body: CaseSearchIn, request: Request, caller: CaseReader, connection: UnitOfWork) -> SearchOut:
    return await workflow.search(connection, body, me=caller, rules=rules_of(request))


@router.post("/completions", summary="What a question could go on with")
async def completions(
    body: CompletionsIn, request: Request, caller: CaseReader, connection: UnitOfWork
) -> CompletionsOut:
    return await workflow.completions(connection, body, me=caller, taxonomy=request.app.state.taxonomy)


def rules_of(request: Request) -> SearchRules:
    """By what this application answers."""
    return SearchRules(request.app.state.taxonomy, request.app.state.covering.masking)
