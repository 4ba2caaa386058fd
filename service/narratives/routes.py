"""HTTP of narratives."""

from functools import partial
from typing import Annotated
from uuid import UUID

from anyio import to_thread
from fastapi import APIRouter, Depends, Query, Request, Response

from service.db import UnitOfWork
from service.limits import turn_of
from service.narratives import workflow
from service.narratives.docx import as_docx
from service.narratives.html import as_html
from service.narratives.model import content_hash, from_json
from service.narratives.pdf import as_pdf
from service.narratives.schemas import FileAsked, NarrativeDetailOut, NarrativeIn, NarrativesOut
from service.security import EscalationWorker, FirstEscalationWorker

router = APIRouter(prefix="/v1/escalations/{escalation_id}/narratives", tags=["narratives"])

# Setting type keeps a core busy, and a long history a connection.
NarrativeTurn = Annotated[None, Depends(turn_of("narratives"))]
TYPES = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "html": "text/html; charset=utf-8",
}


@router.get("", summary="What was given out about an escalation, newest first")
async def narratives(escalation_id: UUID, caller: EscalationWorker, connection: UnitOfWork) -> NarrativesOut:
    return await workflow.narratives(connection, escalation_id, viewer=caller.id)


@router.post("", status_code=201, summary="Make a brief or a full report for an audience, and keep it as it is")
async def make(
    _turn: NarrativeTurn, escalation_id: UUID, body: NarrativeIn, request: Request, caller: FirstEscalationWorker
) -> NarrativeDetailOut:
    engine, taxonomy = request.app.state.engine, request.app.state.taxonomy
    drafted = await workflow.draft(engine, escalation_id, body, viewer=caller.id, taxonomy=taxonomy)
    async with engine.begin() as connection:
        return await workflow.keep(connection, escalation_id, body, drafted, person=caller.id)


@router.get("/{narrative_id}", summary="A narrative as it was made, and what changed since the one before it")
async def narrative(
    escalation_id: UUID, narrative_id: UUID, caller: EscalationWorker, connection: UnitOfWork
) -> NarrativeDetailOut:
    return await workflow.narrative(connection, escalation_id, narrative_id, viewer=caller.id)


@router.get("/{narrative_id}/file", summary="A narrative as PDF, DOCX or HTML, on A4 or Letter; leaves a trace")
async def file(
    _turn: NarrativeTurn,
    escalation_id: UUID,
    narrative_id: UUID,
    asked: Annotated[FileAsked, Query()],
    request: Request,
    caller: FirstEscalationWorker,
) -> Response:
    async with request.app.state.engine.begin() as connection:
        row = await workflow.take(connection, escalation_id, narrative_id, person=caller.id, as_format=asked.format)
    document = from_json(row.document)
    make_file = {
        "pdf": partial(as_pdf, document, paper=asked.paper, made_at=row.made_at),
        "docx": partial(as_docx, document, paper=asked.paper, made_at=row.made_at),
        "html": partial(as_html, document, paper=asked.paper),
    }[asked.format]
    content = await to_thread.run_sync(make_file)
    headers = {
        "Content-Disposition": f'attachment; filename="narrative-{row.version}-{row.audience}-{row.form}.{asked.format}"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "X-Content-Hash": content_hash(document),
    }
    return Response(content, media_type=TYPES[asked.format], headers=headers)
