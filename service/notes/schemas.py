"""Wire types of notes on cases."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field

from service.wire import Stored, Strict

MOST_CHARACTERS = 2_000


def _said(value: str) -> str:
    value = value.strip()
    if not value:
        raise ValueError("it has to say something")
    return value


class NoteIn(Strict):
    """A note for whoever works on this case after, or beside, the caller."""

    body: Annotated[str, Field(min_length=1, max_length=MOST_CHARACTERS), Stored, AfterValidator(_said)]


class NoteOut(BaseModel):
    """One note. Whose it is, is told to nobody but its author."""

    id: UUID
    body: str
    mine: bool
    written_at: datetime


class NotesOut(BaseModel):
    """The notes on a case, oldest first."""

    notes: list[NoteOut]
