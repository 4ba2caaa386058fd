"""Wire types of shedding."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

MOST_RESTORED = 1000


class SheddingRuleOut(BaseModel):
    """The rule by which cases are given up: part of the ranking configuration, with its owner, reason and date."""

    version: str
    owner: str
    reason: str
    decided_on: date
    at_work: bool = Field(description="Whether the configuration sheds at all.")
    above_load: float
    window_hours: float
    below_severity: int = Field(description="What is likely to be as severe as this or more is never given up.")


class ForecastOut(BaseModel):
    """One queue: work that came in and was done in the window, what waits, and what follows from that."""

    queue: str
    arrived_minutes: float
    done_minutes: float
    decided: int
    hours: float
    load: float | None = Field(description="Work that came by work that was done; null where nothing was done.")
    overloaded: bool = Field(description="More came than could be done, by more than chance explains.")
    waiting: int
    waiting_minutes: float
    hours_to_clear: float | None = Field(description="At this pace; null while the backlog does not shrink.")
    late: bool = Field(description="A case waits beyond its latest start.")
    graphic_late: int = Field(
        description="Cases of high exposure that wait beyond their latest start; people on shift may be kept from them."
    )
    shed: int = Field(description="Cases that are given up now.")


class ForecastsOut(BaseModel):
    """Every queue that the caller may see, and the rule."""

    rule: SheddingRuleOut
    queues: list[ForecastOut]


class ShedOut(BaseModel):
    """A case that was given up: not reviewed, and openly so."""

    case_id: UUID
    queue: str
    kind: str
    opened_at: datetime
    shed_at: datetime
    shed_under: str = Field(description="Version of the ranking configuration whose rule gave it up.")
    report_count: int
    value: float
    primary_area: str
    severity: list[float]


class ShedListOut(BaseModel):
    """A page of what was given up, the latest first; `next` is what `after` takes for the page after it."""

    cases: list[ShedOut]
    next: UUID | None


class RestoreIn(BaseModel):
    """Which cases to take back: those named, or all of a queue."""

    model_config = ConfigDict(extra="forbid")

    cases: Annotated[list[UUID], Field(min_length=1, max_length=MOST_RESTORED)] | None = None
    queue: Annotated[str, Field(max_length=64)] | None = None


class RestoredOut(BaseModel):
    """The cases that wait again; `more` says that others of that queue are still given up."""

    cases: list[UUID]
    more: bool
