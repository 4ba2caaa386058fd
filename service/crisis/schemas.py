"""Wire types of crises: what they do, their states, and the review afterwards."""

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints, model_validator

from models.overlay import LEAST_FACTOR, MOST_FACTOR
from service.routing.schemas import Label, Language, Market, MoveOut, QueueName, RuleIn
from service.tuning.schemas import RankingPreviewOut as FrontOut
from service.wire import Moment, Stored, Strict

MOST_DAYS = 14
ALONE_HOURS = 4
RULES_MOST = 20
# Crises at work at once: each is asked for with every report and every claim.
AT_WORK_MOST = 10
State = Literal["draft", "at_work", "ended", "reviewed"]
# What is required is said: spaces alone are nothing.
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80), Stored]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000), Stored]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=8000), Stored]


class AreaFactor(Strict):
    """How many times the harm of an area counts. Of several crises at once the largest factor of an area holds."""

    area: Label
    factor: Annotated[float, Field(ge=LEAST_FACTOR, le=MOST_FACTOR, allow_inf_nan=False)]


class HoldingStatement(Strict):
    """What may be said to the outside meanwhile: a text of its own, or a template of replies. No area: of any."""

    area: Label | None = None
    language: Language = "en"
    text: Annotated[str, Field(max_length=4000), Stored] = ""
    template: UUID | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.text.strip() and self.template is None:
            raise ValueError("give a text, or the id of a template of replies")
        return self


class SpecIn(Strict):
    """What a crisis does. Without areas, markets or languages it is about all of them.

    `areas` change the order, `guard_minutes` widen the guard of deadlines and latest starts (never below that of the rules
    of the order), `rules` go before all other rules of routing, `guidance` stands at the desk beside the policy.
    """

    about: Annotated[list[Label], Field(max_length=50)] = Field(default_factory=list)
    markets: Annotated[list[Market], Field(max_length=50)] = Field(default_factory=list)
    languages: Annotated[list[Language], Field(max_length=50)] = Field(default_factory=list)
    areas: Annotated[list[AreaFactor], Field(max_length=50)] = Field(default_factory=list)
    guard_minutes: Annotated[float | None, Field(ge=1, le=1440)] = None
    rules: Annotated[list[RuleIn], Field(max_length=RULES_MOST)] = Field(default_factory=list)
    guidance: Annotated[str, Field(max_length=8000), Stored] = ""
    statements: Annotated[list[HoldingStatement], Field(max_length=50)] = Field(default_factory=list)

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        names = [one.area for one in self.areas]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"areas: every area has one factor; named twice: {', '.join(twice)}")
        for rule in self.rules:
            for given, wider in ((rule.when.markets, self.markets), (rule.when.languages, self.languages)):
                if given and wider and not set(given) & set(wider):
                    raise ValueError(f"rules: {rule.name} asks for {', '.join(given)}, which the crisis is not about")
        return self


class CrisisIn(Strict):
    """A draft. Whoever saves it owns it; somebody else approves it."""

    name: Name
    reason: Reason
    until: Moment
    spec: SpecIn


class CrisisChangeIn(CrisisIn):
    """A draft anew; `revision` is the one that was looked at."""

    revision: Annotated[int, Field(ge=1)]


class ApproveIn(Strict):
    """What was looked at is approved, and nothing else."""

    revision: Annotated[int, Field(ge=1)]


class AloneIn(ApproveIn):
    """Why there was no time to find a second person."""

    reason: Reason


class ExtendIn(Strict):
    """A later end, at most 14 days from now, and why."""

    until: Moment
    reason: Reason


class CrisisEndIn(Strict):
    """Why it ends before its time."""

    reason: Reason


class ActionIn(Strict):
    """What is to be done so that the next one is met better."""

    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), Stored]
    owner: Annotated[str, Field(min_length=1, max_length=64), Stored]
    due_on: date


class ReviewIn(Strict):
    """What is said of a crisis when it is over."""

    happened: Text
    worked: Text
    decisions: Text
    actions: Annotated[list[ActionIn], Field(max_length=50)] = Field(default_factory=list)


class ReviewOut(ReviewIn):
    """A review; a later one adds to an earlier one."""

    written_at: datetime
    written_by: str


class MomentOut(BaseModel):
    """Something that was done with a crisis, by whom and why; `actor` is null where the clock did it."""

    kind: str
    at: datetime
    actor: str | None
    reason: str
    until: datetime | None


class VolumeOut(BaseModel):
    """Reports of a stated reason, before and during."""

    area: str
    before: int
    during: int


class CrisisOut(BaseModel):
    """A crisis or a continuity plan that was put to work. `ends_at` is by the clock: nothing has to run for it to end."""

    id: UUID
    kind: Literal["crisis", "continuity"]
    plan: str | None
    name: str
    reason: str
    owner: str
    state: State
    revision: int
    until: datetime
    began_at: datetime | None
    ends_at: datetime
    approved: bool
    approved_by: str | None
    spec: dict[str, Any]
    reviews: int


class CrisisWholeOut(CrisisOut):
    """With everything that was done with it."""

    moments: list[MomentOut]
    written: list[ReviewOut]


class CrisesOut(BaseModel):
    """All of them, those at work first, then drafts, those that wait for their review, and the others.

    `spec` is without its note and its holding statements; one crisis has them.
    """

    crises: list[CrisisOut]


class NumbersOut(BaseModel):
    """Reports during a crisis and in as long a time before, and the SQL that counted them."""

    sql: str
    hours: float
    areas: list[VolumeOut]


class CrisisPreviewOut(BaseModel):
    """What a crisis would change now: the front of a queue, and how many cases of the last day would go elsewhere."""

    front: FrontOut
    hours: int
    cases: int
    moved: int
    moves: list[MoveOut]


class NowOut(BaseModel):
    """A crisis at work, or one that is over and waits for its review."""

    id: UUID
    kind: Literal["crisis", "continuity"]
    name: str
    ends_at: datetime
    approved: bool
    at_work: bool


class GuidanceOut(BaseModel):
    """What holds now at the desk. `read` says whether the caller has confirmed it."""

    crisis: UUID
    revision: int
    name: str
    until: datetime
    about: list[str]
    markets: list[str]
    languages: list[str]
    guidance: str
    statements: list[HoldingStatement]
    read: bool


class GuidancesOut(BaseModel):
    """Notes of all crises at work."""

    guidance: list[GuidanceOut]


class PreviewAsked(Strict):
    """The queue whose front is looked at."""

    queue: QueueName = "default"
