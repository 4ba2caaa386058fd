"""Wire types of the floor."""

from datetime import datetime

from pydantic import BaseModel, Field


class AgesOut(BaseModel):
    """Seconds that open cases have waited: half of them less than `p50`, nine of ten less than `p90`."""

    p50: float
    p90: float
    oldest: float


class CaseRateOut(BaseModel):
    """Cases an hour, over the last hour and over the last shift."""

    hour: float
    shift: float


class BreachesOut(BaseModel):
    """Deadlines that will be missed within a day at this pace; the first of them is due at `first_at`."""

    overdue: int = Field(description="Undecided and beyond their deadline already.")
    missed: int
    first_at: datetime | None
    done_per_hour: float = Field(description="The pace that this rests on.")
    clocked_per_hour: float = Field(description="Cases an hour that come with a deadline.")


class FloorQueueOut(BaseModel):
    """One queue now."""

    queue: str
    title: str
    open: int
    ages: AgesOut | None = Field(description="Null where nothing is open.")
    arrived: CaseRateOut
    decided: CaseRateOut
    people: int = Field(description="How many people have a case of it in hand.")
    breaches: BreachesOut


class PeopleThereOut(BaseModel):
    """How many people who review are there. Nobody is named, and breaks are counted only among `least` people or more."""

    signed_in: int
    working: int
    on_break: int | None
    least: int


class FloorOut(BaseModel):
    """Every queue that the caller may see, and who is at work."""

    shift_hours: int
    assumption: str
    people: PeopleThereOut
    queues: list[FloorQueueOut]


class DepthOut(BaseModel):
    """Cases of a queue that waited or were in somebody's hands, at a full hour or now."""

    at: datetime
    cases: int
