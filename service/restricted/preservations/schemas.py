"""Wire types of preservation: what is kept, on which basis, until when, and who changed that."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from service.restricted.paths.schemas import Reason
from service.wire import Moment, Stored, Strict

Scope = Literal["record", "case", "evidence", "subject", "media"]

Basis = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=200), Stored]


class PreservationIn(Strict):
    """Keep everything of a record, or one thing of it by its id, from now on until a moment.

    Nothing that is kept is removed, and nothing is removed by itself once the moment has passed.
    """

    scope: Scope = "record"
    target: UUID | None = Field(
        default=None, description="id of the case, evidence, subject or medium; null for a record"
    )
    basis: Basis
    until: Moment
    reason: Reason


class PreservationEndIn(Strict):
    """Another end. Later ones hold at once; an earlier one, or null for now, waits for a second person."""

    until: Moment | None
    reason: Reason


class EndOut(BaseModel):
    """A change of the end that was asked for: `confirmed` is null while it waits for a second person."""

    id: UUID
    until: datetime | None
    reason: str
    asked_by: str
    asked_at: datetime
    settled_by: str | None
    settled_at: datetime | None
    confirmed: bool | None


class PreservationOut(BaseModel):
    """What is preserved. One whose end has passed still keeps everything until somebody ends it."""

    id: UUID
    escalation_id: UUID
    number: int
    scope: Scope
    target: UUID | None
    basis: str
    reason: str
    starts_at: datetime
    until: datetime
    set_by: str
    ended_at: datetime | None
    state: Literal["kept", "ending", "passed", "ended"] = Field(description="ending: within 30 days of its end")
    changes: list[EndOut]


class PreservationsOut(BaseModel):
    """Preservations by their end, those that were ended last."""

    preservations: list[PreservationOut]


class BasisOut(BaseModel):
    """A default basis: its text, how long it lasts by default, and where that is said. No legal advice."""

    text: str
    days: int
    source: str
