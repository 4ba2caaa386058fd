"""Wire types of scorecards."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

By = Literal["vendor", "site", "language", "policy", "area"]
# A name that people gave to a group; an empty field of a form asks for nothing.
Name = Annotated[str, Field(max_length=100, pattern=r"^[^\x00]*$")]
Wanted = Annotated[Name | None, BeforeValidator(lambda value: value or None)]
Day = Annotated[date | None, BeforeValidator(lambda value: value or None)]


class AskedIn(BaseModel):
    """Which groups, of which decisions. Both days are included; by default the last thirty days."""

    model_config = ConfigDict(extra="forbid")

    by: By = "vendor"
    since: Day = None
    until: Day = None
    vendor: Wanted = None
    site: Wanted = None
    language: Wanted = None
    area: Wanted = None


class ShareOut(BaseModel):
    """A share of `n` with its interval of 95 %; null where `note` says why.

    While checks are disputed it has no value, but an interval: from all of them wrong to all of them right.
    """

    n: int
    value: float | None = None
    low: float | None = None
    high: float | None = None
    note: str | None = None


class TimesOut(BaseModel):
    """Median and 90th percentile of `n`, in minutes; null where `note` says why."""

    n: int
    median: float | None = None
    p90: float | None = None
    note: str | None = None


class AmountOut(BaseModel):
    """A quantity; null where `note` says why."""

    value: float | None = None
    note: str | None = None


class GroupOut(BaseModel):
    """The figures of one group. `name` is null for what belongs to none, such as people without a vendor."""

    name: str | None
    people: int
    decisions: int
    checks: int
    accuracy: ShareOut
    ceiling: ShareOut
    sla: ShareOut
    open_overdue: int
    wait: TimesOut
    touch: TimesOut
    total: TimesOut
    overturned: ShareOut
    escalations: ShareOut
    exposure_hours: AmountOut
    cost_per_correct: AmountOut


class ScorecardFigureOut(BaseModel):
    """What a figure means, and the SQL view that it is made from."""

    title: str
    definition: str
    view: str


class FiltersOut(BaseModel):
    """What the decisions were narrowed to; null for all."""

    vendor: str | None
    site: str | None
    language: str | None
    area: str | None


class ScorecardOut(BaseModel):
    """Groups by name, all of them together, and what every figure means."""

    by: By
    since: date
    until: date
    filters: FiltersOut
    groups: list[GroupOut]
    all: GroupOut
    plans: Annotated[list[str], Field(description="Quality plans that accuracy rests on, the oldest first.")]
    missing: list[str]
    definitions: dict[str, ScorecardFigureOut]
    notes: list[str]


class ScorecardStepOut(BaseModel):
    """The figures of all groups together in a part of the period; both days are included."""

    since: date
    until: date
    figures: GroupOut


class TrendOut(BaseModel):
    """Figures over time: equal steps of at least a week, the last of them as long as what is left."""

    since: date
    until: date
    filters: FiltersOut
    steps: list[ScorecardStepOut]
