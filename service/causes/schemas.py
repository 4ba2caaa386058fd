"""Wire types of root causes and improvements."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, Field, StringConstraints

from service.wire import Stored, Strict

CauseCode = Literal["policy", "product", "process", "quality", "abuse"]
Direction = Literal["upstream", "downstream"]
ImprovementState = Literal["proposed", "agreed", "doing", "done", "dropped"]
Measure = Literal["escalations_alike_per_week", "escalations_of_cause_per_week", "reports_in_area_per_week"]
ParetoBy = Literal["cause", "area", "source"]

SENTENCE_CHARACTERS = 500
# Weeks before and after a day are counted: at the edges of the calendar there are none.
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2999, 12, 31)
MOST_WHYS = 5
MOST_FACTORS = 10
MOST_RECORDS = 50

Sentence = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=SENTENCE_CHARACTERS), Stored
]
ActionTitle = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), Stored]
Team = Annotated[str, StringConstraints(strip_whitespace=True, max_length=80), Stored]
Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=SENTENCE_CHARACTERS), Stored]
Username = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64), Stored]
Day = Annotated[date, Field(ge=FIRST_DAY, le=LAST_DAY)]


class WhyIn(Strict):
    """One step: a question, and what the answer is."""

    why: Sentence
    because: Sentence


class CauseIn(Strict):
    """Why a record came about. `records` are the numbers of others with the same cause, `replaces` the finding that was read."""

    code: CauseCode
    subcode: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$", description="one of the list of its code")]
    whys: Annotated[list[WhyIn], Field(max_length=MOST_WHYS)] = Field(default_factory=list)
    factors: Annotated[list[Sentence], Field(max_length=MOST_FACTORS)] = Field(default_factory=list)
    records: Annotated[list[Annotated[int, Field(ge=1, le=10**15)]], Field(max_length=MOST_RECORDS)] = Field(
        default_factory=list
    )
    replaces: UUID | None = None


class CauseOut(BaseModel):
    """Why a record came about. `numbers` are those of all records with this finding that the caller may see."""

    id: UUID
    code: CauseCode
    subcode: str
    whys: list[WhyIn]
    factors: list[str]
    numbers: list[int]
    found_by: str
    found_at: datetime


class CauseOfOut(BaseModel):
    """The root cause of a record; null as long as nobody found one."""

    cause: CauseOut | None


class ImprovementIn(Strict):
    """Something to be done about it, by a team or a person, by a day. `measure` is the query that tells whether it helped."""

    direction: Direction
    title: ActionTitle
    team: Team = ""
    owner: Username | None = None
    due_on: Day
    measure: Measure = "escalations_alike_per_week"


class ImprovementChangeIn(Strict):
    """What changes; what is not named stays. `revision` is that of the action as it was read."""

    revision: Annotated[int, Field(ge=1, le=2**31 - 1)]
    state: ImprovementState | None = None
    done_on: Day | None = None
    due_on: Day | None = None
    team: Team | None = None
    owner: Username | None = None
    note: Note | None = None


class RecurrenceCheckOut(BaseModel):
    """What came in within so many days of the action, and in as many days before it."""

    days: int
    alike_before: int
    alike_after: int
    same_cause_after: int
    checked_at: datetime


class ImprovementOut(BaseModel):
    """An action of the register."""

    id: UUID
    number: int
    escalation_id: UUID
    record: int = Field(description="number of the record")
    direction: Direction
    title: str
    team: str
    owner: str | None
    due_on: date
    overdue: bool
    state: ImprovementState
    measure: Measure
    done_on: date | None
    note: str
    revision: int
    code: CauseCode | None
    subcode: str | None
    checks: list[RecurrenceCheckOut]


def _or_none(value: object) -> object:
    # A form sends what was not chosen as an empty text.
    return None if value == "" else value


Chosen = BeforeValidator(_or_none)


class RegisterAsked(Strict):
    """Which actions. `state` may also be `open`: proposed, agreed or under way."""

    state: Annotated[ImprovementState | Literal["open"] | None, Chosen] = None
    direction: Annotated[Direction | None, Chosen] = None
    code: Annotated[CauseCode | None, Chosen] = None
    owner: Annotated[Username | None, Chosen] = None
    team: Annotated[Team | None, Chosen] = None
    overdue: bool = False


class RegisterOut(BaseModel):
    """Actions, the nearest due date first; `found` counts those that were left off too."""

    found: int
    improvements: list[ImprovementOut]


class ParetoAsked(Strict):
    """Records received from `since` to the end of `until`, counted by what they have in common."""

    by: ParetoBy = "cause"
    since: Annotated[Day | None, Chosen] = None
    until: Annotated[Day | None, Chosen] = None


class ParetoRow(BaseModel):
    """One thing that records have in common; `name` is empty for those without. `cumulated` counts this and all above."""

    name: str
    records: int
    share: float
    cumulated: float


class ParetoOut(BaseModel):
    """Records by what they have in common, the most first."""

    by: ParetoBy
    since: date
    until: date
    records: int
    rows: list[ParetoRow]


class WeeklyRateOut(BaseModel):
    """Events per week, with the interval of 95 %."""

    events: int
    weeks: float
    value: float
    low: float
    high: float


class EffectOut(BaseModel):
    """Whether there was less of it after an action. `ratio` is of after to before, null where no claim is made."""

    measure: Measure
    before: WeeklyRateOut
    after: WeeklyRateOut
    verdict: Literal["too_early", "too_few", "fewer", "more", "no_difference"]
    ratio: float | None
    low: float | None
    high: float | None
