"""Wire types of clocks: the matrix that is edited as one text, the clocks of a record, and what was attained."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from service.escalations.schemas import Area, Jurisdiction, Severity, Source, TriggerName
from service.sla.running import Kind
from service.wire import Moment, Stored, Strict

Target = Literal["first_response", "next_update", "decision"]
# What a breach sets off, once. `hand_over` names to whom in `hand_to`.
Breach = Literal["notify", "raise_severity", "hand_over", "front_queue"]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

MATRIX_CHARACTERS = 200_000
MOST_MINUTES = 366 * 24 * 60
MOST_DAYS = 260
# Of one record, replaced ones counted.
CLOCKS = 1_000

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Basis = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=500),
    Stored,
    Field(description="the article, order or agreement it rests on"),
]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000), Stored]
Hours = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d:[0-5]\d|2[0-3]:[0-5]\d|24:00)$")]


class CalendarIn(Strict):
    """When people work. `always` is round the clock; otherwise `week` has the shifts of each day, such as `22:00-06:00`."""

    zone: Annotated[str, Field(min_length=1, max_length=64, description="a name of the IANA time zone database")]
    always: bool = False
    week: dict[Day, Annotated[list[Hours], Field(max_length=6)]] = Field(default_factory=dict)
    holidays: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None
    subdivision: Annotated[str, Field(max_length=20)] | None = None
    closed: Annotated[list[date], Field(max_length=400)] = Field(default_factory=list)
    opened: Annotated[list[date], Field(max_length=400)] = Field(default_factory=list)


class TargetIn(Strict):
    """What has to be done within `minutes`, or within `business_days` of the calendar. `basis` is the row's unless given."""

    target: Target
    kind: Kind
    minutes: Annotated[int, Field(ge=1, le=MOST_MINUTES)] | None = None
    business_days: Annotated[int, Field(ge=1, le=MOST_DAYS)] | None = None
    calendar: Name = "always"
    warn_minutes: Annotated[int, Field(ge=0, le=MOST_MINUTES)] | None = None
    on_breach: Breach = "notify"
    hand_to: Annotated[str, Field(pattern=r"^[a-z0-9._-]{2,64}$")] | None = None
    basis: Basis | None = None


class RowIn(Strict):
    """A row of the matrix: for which records, what, and by which law or agreement. An empty condition takes everything."""

    name: Name
    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), Stored]
    sources: Annotated[list[Source], Field(max_length=12)] = Field(default_factory=list)
    triggers: Annotated[list[TriggerName], Field(max_length=50)] = Field(default_factory=list)
    severities: Annotated[list[Severity], Field(max_length=5)] = Field(default_factory=list)
    areas: Annotated[list[Area], Field(max_length=50)] = Field(default_factory=list)
    jurisdictions: Annotated[list[Jurisdiction], Field(max_length=250)] = Field(default_factory=list)
    basis: Basis
    as_of: Annotated[date, Field(description="when the basis was last checked")]
    targets: Annotated[list[TargetIn], Field(min_length=1, max_length=6)]


class MatrixIn(Strict):
    """The whole matrix. `groups` are jurisdictions that stand for several countries."""

    groups: dict[Jurisdiction, Annotated[list[Jurisdiction], Field(max_length=250)]] = Field(default_factory=dict)
    calendars: Annotated[dict[Name, CalendarIn], Field(max_length=100)]
    rows: Annotated[list[RowIn], Field(min_length=1, max_length=300)]


MatrixText = Annotated[
    str,
    StringConstraints(max_length=MATRIX_CHARACTERS),
    Stored,
    Field(description="the matrix as TOML, in the form of service/sla/matrix.toml"),
]


class MatrixPreviewIn(Strict):
    """A matrix to be tried on the clocks that run."""

    text: MatrixText


class MovedClockOut(BaseModel):
    """A clock that would be due at another time; `new` is null for one that would end."""

    escalation_id: UUID
    number: int
    target: Target
    kind: Kind
    old: datetime | None
    new: datetime | None


class MatrixPreviewOut(BaseModel):
    """What a matrix would do to the clocks that run; the first of `moved` alone are listed."""

    records: int
    earlier: int
    later: int
    started: int
    ended: int
    moved: list[MovedClockOut]


class SaveIn(Strict):
    """A matrix to be put to work at `effective_at`, at once where that is left out."""

    text: MatrixText
    based_on: Annotated[int, Field(ge=0, description="the newest version when the editing began")]
    owner: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), Stored]
    reason: Reason
    effective_at: Moment | None = None


class MatrixVersionOut(BaseModel):
    """A version of the matrix, without its text; `made_by` is null for the one that comes with the product."""

    version: int
    owner: str
    reason: str
    made_by: str | None
    made_at: datetime
    effective_at: datetime


class MatrixOut(BaseModel):
    """The matrix at work, and every version of it, the newest first; one that comes is among them."""

    version: int
    text: str
    matrix: MatrixIn
    history: list[MatrixVersionOut]


class EscalationClockOut(BaseModel):
    """A clock of a record. `state` is running, paused, overdue, met, late (done after it was due) or replaced."""

    id: UUID
    target: Target
    kind: Kind
    basis: str
    row: str | None
    started_at: datetime
    due_at: datetime
    warn_at: datetime
    state: Literal["running", "paused", "overdue", "met", "late", "replaced"]
    met_at: datetime | None
    on_breach: Breach
    hand_to: str | None
    replaces: UUID | None
    reason: str


class PauseOut(BaseModel):
    """A time for which the internal clocks stood still, or do."""

    reason: str
    paused_at: datetime
    paused_by: str | None
    resumed_at: datetime | None


class EscalationClocksOut(BaseModel):
    """Every clock that a record ever had, the nearest first, and its pauses."""

    clocks: list[EscalationClockOut]
    pauses: list[PauseOut]


class StatedIn(Strict):
    """A legal deadline that an order itself states, alone or in place of another clock of the record."""

    target: Target = "decision"
    due_at: Moment
    basis: Basis
    replaces: UUID | None = None
    reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000), Stored] = ""


class PauseIn(Strict):
    """Why the internal clocks stand still."""

    reason: Reason


class OverdueOut(BaseModel):
    """A clock that has run out on an open record that the viewer may see; `told`: the viewer has yet to say that they know."""

    escalation_id: UUID
    number: int
    title: str
    target: Target
    kind: Kind
    due_at: datetime
    told: bool


class OverduesOut(BaseModel):
    """What has run out, legal ones first, then the longest overdue; only the first are listed."""

    total: int
    legal: int
    clocks: list[OverdueOut]


class AttainedOut(BaseModel):
    """How a target of a source was kept in a month; `missed` holds those that are still open and overdue."""

    month: date
    source: Source
    target: Target
    kind: Kind
    clocks: int
    met: int
    missed: int
    running: int


class AttainmentOut(BaseModel):
    """How targets were kept, the newest month first."""

    rows: list[AttainedOut]
