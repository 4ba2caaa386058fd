"""Wire types of working on escalations."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from service.escalations.schemas import Resolution, Source, Status, WaitingFor
from service.wire import Stored, Strict

Who = Literal["mine", "unowned", "watching"]
PAGE = 50


class ListQuery(Strict):
    """Which records are wanted; what is left out restricts nothing but to those that are open."""

    who: Who | None = None
    status: Annotated[Status | Literal["any"] | None, Field(description="without it all that are not resolved")] = None
    source: Source | None = None
    severity: Annotated[int | None, Field(ge=0, le=4, description="this or a higher one")] = None
    high_profile: bool = False
    grey_area: bool = False
    due_hours: Annotated[int | None, Field(ge=1, le=24 * 14, description="a clock runs out within so many hours")] = (
        None
    )
    number: Annotated[int | None, Field(ge=1, le=2**62, description="1042 for E-1042")] = None
    after: Annotated[str | None, Field(max_length=300, description="`next` of the page before")] = None
    limit: Annotated[int, Field(ge=1, le=200)] = PAGE


class EscalationSearchIn(ListQuery):
    """The same, and words of title and summary: in a body, so that they stand in no address and no log."""

    words: Annotated[str, Field(max_length=200, description="or a number: E-1042"), Stored] = ""


class NearestClockOut(BaseModel):
    """The clock of a record that runs out first; `hard`: a law or an order sets it, and it never pauses."""

    target: str
    due_at: datetime
    hard: bool
    paused: bool


class ListedOut(BaseModel):
    """A record as a list shows it; `alarm`: nobody has had it for too long; `hard_due_at`: of the nearest clock of a law."""

    id: UUID
    number: int
    title: str
    language: str
    source: Source
    trigger: str
    jurisdiction: str | None
    policy_area: str | None
    severity: int | None
    confidentiality: str
    high_profile: bool
    at_risk: bool
    grey_area: bool
    status: Status
    waiting_for: WaitingFor | None
    version: int
    owner: str | None
    received_at: datetime
    resolved_at: datetime | None
    resolution: Resolution | None
    alarm: bool
    clock: NearestClockOut | None
    hard_due_at: datetime | None
    news: Annotated[int, Field(description="what happened since one last looked, where one follows it")]


class ListOut(BaseModel):
    """In the order in which they are to be done: by the nearest hard clock, then severity, then any other clock; those that
    ended, newest first. `total` counts all that are like that now, `next` is `after` of the following page; null on the last.
    """

    escalations: list[ListedOut]
    total: int
    next: str | None
    server_now: datetime
