"""Wire types of exposure: what somebody has seen for how long, what follows from it, and breaks."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

Why = Literal["not_now", "day", "stretch", "in_a_row"]


class MilderOut(BaseModel):
    """Cases of high exposure wait, and a milder one came instead."""

    why: Why
    words: str


class KeptBackOut(MilderOut):
    """Why no cases of high exposure come now, and until when if that is known."""

    until: datetime | None


class LevelOut(BaseModel):
    """Of one blur level: time with originals open, and how many were opened."""

    level: int
    seconds: float
    items: int


class PeriodOut(BaseModel):
    """What was open in a period. Time with several originals open counts once, and for the most graphic of them."""

    since: datetime
    seconds: float
    items: int
    weighted_minutes: float = Field(
        description="Minutes by level times 0.25 (levels 0 and 1), 0.5 (2), 1 (3) and 2 (4): a convention."
    )
    levels: list[LevelOut]


class DayOut(BaseModel):
    """A day, in UTC."""

    day: date
    seconds: float
    items: int
    weighted_minutes: float
    levels: list[LevelOut]


class BreakOut(BaseModel):
    """A break that was announced; after `enough_at` it counts as one. `ended_at` is null while it lasts."""

    id: UUID
    started_at: datetime
    ended_at: datetime | None
    enough_at: datetime


class RestOut(BaseModel):
    """Whether it is time for a break."""

    server_now: datetime
    on_break: BreakOut | None
    work_seconds: float = Field(description="Of work of high exposure since the last break.")
    due_in_seconds: float = Field(description="More such seconds until a break is suggested; 0 when it is due.")
    suggestion: str | None = Field(description="What is said while a break is due and none lasts.")
    alert: bool = Field(description="Originals were open for longer than the alert of a day.")


class LimitsOut(BaseModel):
    """The limits that the operator set, in minutes."""

    alert_minutes: int
    day_minutes: int
    stretch_minutes: int
    break_after_minutes: int
    break_minutes: int
    in_a_row: int


class WaitingCasesOut(BaseModel):
    """Cases that wait and would be the caller's by queue, language and consent; counted up to 100 each."""

    high_exposure: int
    milder: int


class DeskOut(BaseModel):
    """What somebody is told who is about to take a case."""

    kept_back: KeptBackOut | None
    waiting: WaitingCasesOut | None = Field(description="Counted only while cases of high exposure are kept back.")
    on_break: BreakOut | None


class ExposureOut(BaseModel):
    """One's own exposure: nobody else is shown it."""

    server_now: datetime
    kept_back: KeptBackOut | None
    waiting: WaitingCasesOut
    rest: RestOut
    not_now_until: datetime | None
    seen_by_leads: bool = Field(description="The cap of a day is reached, so leads are given your name.")
    stretch: PeriodOut = Field(description="Since the last break.")
    shift: PeriodOut = Field(description="Since the last pause of four hours.")
    last_24_hours: PeriodOut = Field(description="What the cap of a day counts.")
    week: PeriodOut = Field(description="Since Monday, 00:00 UTC.")
    days: list[DayOut] = Field(description="The last 14 days, the newest first; today is one of them.")
    breaks: list[BreakOut] = Field(description="Announced in the last 24 hours, the newest first.")
    limits: LimitsOut


class NotNowIn(BaseModel):
    """No cases of high exposure until then, at most 12 hours from now; null lifts it. No reason is asked."""

    model_config = ConfigDict(extra="forbid")

    until: Annotated[AwareDatetime | None, Field()]


class NotNowOut(BaseModel):
    """Until when no cases of high exposure come."""

    until: datetime | None


class BinOut(BaseModel):
    """How many people had originals open for so many minutes, the last without an upper end."""

    from_minutes: int
    to_minutes: int | None
    people: int


class SpreadOut(BaseModel):
    """How exposure lies across people in the last 24 hours: nobody is ranked, and no mean hides who has most."""

    people: int = Field(description="Who had anything open.")
    note: str | None = Field(description="Why there are no more figures.")
    percentiles: dict[str, float] | None = Field(description="Minutes at the 25th, 50th, 75th and 90th percentile.")
    bins: list[BinOut] | None
    cap_minutes: int
    at_cap: int | None = Field(description="People who have reached the cap of a day; null while there are few.")
    named: list[str] = Field(description="Of those, by alphabet, who have been told that leads see it.")
