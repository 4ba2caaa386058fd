"""HTTP of notes on cases."""

from uuid import UUID

from fastapi import APIRouter

from service.db import UnitOfWork
from service.notes import workflow
from service.notes.schemas import NoteIn, NoteOut, NotesOut
from service.security import CaseReader, CaseReviewer

router = APIRouter(prefix="/v1/cases", tags=["cases"])


@router.get("/{case_id}/notes", summary="What people who work on a case noted for each other")
async def read(case_id: UUID, caller: CaseReader, connection: UnitOfWork) -> NotesOut:
    return await workflow.notes_on(connection, case_id, viewer=caller.id)


@router.post("/{case_id}/notes", status_code=201, summary="Note something for whoever works on the case next")
async def add(case_id: UUID, body: NoteIn, caller: CaseReviewer, connection: UnitOfWork) -> NoteOut:
    return await workflow.add(connection, case_id, body.body, person=caller.id)
