"""HTTP of the templates of replies."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request

from service.db import UnitOfWork
from service.escalations.schemas import Source
from service.replies import workflow
from service.replies.schemas import (
    Language,
    PlaceholdersOut,
    Purpose,
    TemplateIn,
    TemplateOut,
    TemplatesOut,
    TemplateVersionsOut,
)
from service.security import EscalationManager, EscalationWorker

router = APIRouter(prefix="/v1/replies", tags=["replies"])


@router.get("/templates", summary="Templates of replies in force and coming")
async def templates(
    _caller: EscalationWorker,
    connection: UnitOfWork,
    source: Annotated[Source | None, Query(description="only those of this source")] = None,
    language: Annotated[Language | None, Query()] = None,
    purpose: Annotated[Purpose | None, Query()] = None,
) -> TemplatesOut:
    return await workflow.library(connection, source=source, language=language, purpose=purpose)


@router.post("/templates", status_code=201, summary="A new version of a template")
async def save(body: TemplateIn, request: Request, caller: EscalationManager, connection: UnitOfWork) -> TemplateOut:
    return await workflow.save(connection, body, actor=caller.id, taxonomy=request.app.state.taxonomy)


@router.get("/templates/{template_id}", summary="All versions of a template")
async def versions(template_id: UUID, _caller: EscalationWorker, connection: UnitOfWork) -> TemplateVersionsOut:
    return await workflow.versions_of(connection, template_id)


@router.post("/templates/{template_id}/withdraw", summary="Take a version of a template back")
async def withdraw(template_id: UUID, caller: EscalationManager, connection: UnitOfWork) -> TemplateVersionsOut:
    return await workflow.withdraw(connection, template_id, actor=caller.id)


@router.get("/placeholders", summary="What templates may be filled with")
async def placeholders(_caller: EscalationWorker) -> PlaceholdersOut:
    return workflow.placeholders()
