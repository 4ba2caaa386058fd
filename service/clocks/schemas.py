"""Wire types of clocks."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from service.wire import Moment, Stored, Strict

ClockKind = Literal["legal", "contract"]
Basis = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=500),
    Stored,
    Field(description="the article, order or contract it rests on"),
]
# Of one case, replaced ones counted.
CLOCKS = 1_000


class ClockIn(Strict):
    """A deadline: what it rests on, when the case is due, and which earlier clock it takes the place of."""

    kind: ClockKind
    basis: Basis
    due_at: Moment
    replaces: UUID | None = None
    reason: Annotated[
        str,
        StringConstraints(strip_whitespace=True, max_length=1000),
        Stored,
        Field(description="why another clock is replaced; a legal one moves later only where this names the new basis"),
    ] = ""


class CaseClockOut(BaseModel):
    """A clock of a case. It runs until the case is decided, unless `replaced_by` another; `overdue` by the server's clock."""

    id: UUID
    kind: ClockKind
    basis: str
    due_at: datetime
    set_at: datetime
    reason: str
    replaces: UUID | None
    replaced_by: UUID | None
    ended_at: datetime | None = Field(description="when the clock of an escalation that it stood for was over")
    overdue: bool


class ClockSetOut(BaseModel):
    """The clock runs; `deadline` is the nearest one of the case, by which it is ranked from now on."""

    clock: CaseClockOut
    deadline: datetime


class CaseClocksOut(BaseModel):
    """Every clock that a case ever had, the nearest first; `deadline` is null where none runs."""

    clocks: list[CaseClockOut]
    deadline: datetime | None
