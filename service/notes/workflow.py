"""Rules of notes on cases: added by whoever may review the case, never changed, and kept from who must judge alone."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from service import events
from service.cases.workflow import require_visible
from service.errors.requests import InvalidRequestError
from service.ids import new_id
from service.notes import store
from service.notes.schemas import NoteOut, NotesOut

# A conversation of more belongs elsewhere, and every one of them is on the page.
MOST = 100


async def notes_on(connection: AsyncConnection, case_id: UUID, *, viewer: UUID) -> NotesOut:
    """What was noted on a case. Raises NotFoundError."""
    await require_visible(connection, case_id, viewer=viewer)
    rows = await store.notes(connection, case_id, viewer=viewer)
    return NotesOut(notes=[NoteOut(**row._mapping) for row in rows])


async def add(connection: AsyncConnection, case_id: UUID, body: str, *, person: UUID) -> NoteOut:
    """Add a note. Raises NotFoundError, and InvalidRequestError where the case has MOST."""
    await require_visible(connection, case_id, viewer=person)
    values = {"id": new_id(), "case_id": case_id, "person": person, "body": body, "most": MOST}
    row = await store.add(connection, values)
    if row is None:
        raise InvalidRequestError(f"this case has {MOST} notes, which is as many as one case may have")
    await events.record(connection, "case.noted", case_id=case_id, actor=person, data={"note": str(row.id)})
    return NoteOut(**row._mapping)
