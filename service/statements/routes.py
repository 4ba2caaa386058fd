"""HTTP of statements of reasons."""

from typing import Annotated
from uuid import UUID

from anyio import to_thread
from fastapi import APIRouter, Query, Request, Response

from service.db import UnitOfWork
from service.errors.access import ForbiddenError
from service.errors.requests import NotFoundError
from service.security import Capability, CaseReader, CaseReviewer, Principal, StatementsExporter
from service.statements import tables, workflow
from service.statements.afterwards import workflow as afterwards
from service.statements.batches import workflow as batches
from service.statements.listing import workflow as listing
from service.statements.rules import StatementRules
from service.statements.schemas import (
    Asked,
    BatchOut,
    CaseStatementsOut,
    ConfirmedOut,
    ConfirmIn,
    CountsOut,
    EditIn,
    MissingOut,
    NoticeLanguage,
    StatementIn,
    StatementOut,
    StatementPreviewIn,
    StatementPreviewOut,
    StatementsOut,
)
from service.wire import Moment

router = APIRouter(prefix="/v1", tags=["statements of reasons"])


@router.post("/cases/{case_id}/statement/preview", summary="What a decision would tell the author")
async def preview(
    case_id: UUID, body: StatementPreviewIn, request: Request, caller: CaseReader, connection: UnitOfWork
) -> StatementPreviewOut | None:
    return await workflow.preview(connection, case_id, body, viewer=caller.id, rules=_rules(request))


@router.put("/cases/{case_id}/statement", status_code=204, summary="Keep what a decision is to tell the author")
async def save(case_id: UUID, body: EditIn, request: Request, caller: CaseReviewer, connection: UnitOfWork) -> Response:
    await workflow.save_edit(connection, case_id, body, holder=caller.id, rules=_rules(request))
    return Response(status_code=204)


@router.delete("/cases/{case_id}/statement", status_code=204, summary="Forget it again")
async def drop(case_id: UUID, lease_token: UUID, caller: CaseReviewer, connection: UnitOfWork) -> Response:
    await workflow.drop_edit(connection, case_id, token=lease_token, holder=caller.id)
    return Response(status_code=204)


@router.get("/cases/{case_id}/statements", summary="The statements of reasons of a case")
async def of_case(case_id: UUID, request: Request, caller: CaseReader, connection: UnitOfWork) -> CaseStatementsOut:
    rules = request.app.state.statement_rules
    return CaseStatementsOut(statements=await listing.of_case(connection, case_id, viewer=caller.id, rules=rules))


@router.get("/statements", summary="Statements of reasons, newest first")
async def listed(asked: Annotated[Asked, Query()], caller: StatementsExporter, connection: UnitOfWork) -> StatementsOut:
    return await listing.listed(connection, asked, viewer=_viewer(caller))


@router.get("/statements/counts", summary="How many statements, by category, ground, source and automation")
async def counts(
    _caller: StatementsExporter, connection: UnitOfWork, since: Moment | None = None, until: Moment | None = None
) -> CountsOut:
    return await listing.counts(connection, since=since, until=until)


@router.get("/statements/counts.csv", summary="The same figures as comma-separated values")
async def counts_csv(
    _caller: StatementsExporter, connection: UnitOfWork, since: Moment | None = None, until: Moment | None = None
) -> Response:
    made = await listing.counts(connection, since=since, until=until)
    return tables.file(await to_thread.run_sync(tables.counts_csv, made), "statement-counts.csv")


@router.get(
    "/statements/export",
    summary="The next batch of at most 100 statements for the Transparency Database; 204 where none is ready",
    response_model=BatchOut,
    responses={204: {"description": "nothing is ready"}},
)
async def export(
    _caller: StatementsExporter,
    connection: UnitOfWork,
    after: Annotated[int, Query(ge=0, le=2**62, description="a batch: the first open one behind it is given")] = 0,
) -> BatchOut | Response:
    return await batches.next_batch(connection, after=after) or Response(status_code=204)


@router.post("/statements/export/confirm", summary="Say what became of a batch")
async def confirm(body: ConfirmIn, caller: StatementsExporter, connection: UnitOfWork) -> ConfirmedOut:
    return await batches.confirm(connection, body, person=caller.id)


@router.get("/statements/missing", summary="Decisions that restrict and have no statement of reasons, the oldest first")
async def missing(caller: StatementsExporter, connection: UnitOfWork) -> MissingOut:
    return await afterwards.missing(connection, viewer=_viewer(caller))


@router.post(
    "/decisions/{decision_id}/statement",
    status_code=201,
    summary="Make the statement of reasons that a decision is without",
)
async def make_up(
    decision_id: UUID, body: StatementIn, request: Request, caller: StatementsExporter, connection: UnitOfWork
) -> StatementOut:
    """For a person who sees the case; it is marked as made afterwards, and the platform gets the notice (`statement.made`)."""
    if Capability.CASE_READ not in caller.capabilities:
        raise ForbiddenError(
            "a person who sees the case makes up for its statement; a machine of the platform does not"
        )
    under = _rules(request), request.app.state.jobs
    return await afterwards.make(connection, decision_id, body, person=caller.id, under=under)


@router.get("/statements/{statement_id}", summary="A statement of reasons, with the notice in a language")
async def read(
    statement_id: UUID,
    request: Request,
    caller: CaseReader,
    connection: UnitOfWork,
    language: NoticeLanguage | None = None,
) -> StatementOut:
    rules = request.app.state.statement_rules
    return await listing.statement_view(connection, statement_id, viewer=caller.id, rules=rules, language=language)


@router.post("/statements/{statement_id}/mend", summary="Mend a statement that the database refused")
async def mend(
    statement_id: UUID, body: StatementIn, request: Request, caller: StatementsExporter, connection: UnitOfWork
) -> StatementOut:
    return await workflow.amend(connection, statement_id, body, person=caller.id, rules=_rules(request))


def _viewer(caller: Principal) -> UUID | None:
    """A machine of the platform has no queues; a person sees what they see of cases."""
    return caller.id if Capability.CASE_READ in caller.capabilities else None


def _rules(request: Request) -> StatementRules:
    rules: StatementRules | None = request.app.state.statement_rules
    if rules is None:
        raise NotFoundError("statements of reasons are switched off (TRIAGE_STATEMENTS)")
    return rules
