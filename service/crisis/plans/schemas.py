"""Wire types of continuity plans and their drills."""

from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, StringConstraints, model_validator

from service.crisis.schemas import HoldingStatement, Reason
from service.routing.schemas import QueueName
from service.wire import Moment, Stored, Strict

DRILL_DAYS = 90
DRILL_MINUTES = 480
PlanName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$", description="lower case, at most 40 characters")]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), Stored]


class StoppedQueue(Strict):
    """A queue that stands still: what it would get goes to another one, so that nothing is left where nobody looks."""

    queue: QueueName
    into: QueueName


class Reskilled(Strict):
    """Who may take which queues meanwhile without the skills that they ask for, and until which day that person is trained."""

    person: Annotated[str, Field(min_length=1, max_length=64), Stored]
    queues: Annotated[list[QueueName], Field(min_length=1, max_length=50)]
    valid_until: date | None = None


class ShedRule(Strict):
    """What is given up openly first: cases likely below this severity, while more than `above_load` of what is done comes.

    Never severities 3 and 4, nothing with a deadline, nothing of a special route.
    """

    below_severity: Annotated[int, Field(ge=1, le=3)]
    above_load: Annotated[float, Field(ge=0.5, le=10)] = 1.0


class Contact(Strict):
    """Whom to call: a role and where it is reached, never a person."""

    role: Line
    reach: Line


class PlanSpec(Strict):
    """A continuity plan: queues that go on by severity alone, those that stand still, who helps where, what is given up."""

    severity_only: Annotated[list[QueueName], Field(max_length=100)] = Field(default_factory=list)
    stopped: Annotated[list[StoppedQueue], Field(max_length=100)] = Field(default_factory=list)
    reskilled: Annotated[list[Reskilled], Field(max_length=500)] = Field(default_factory=list)
    shed: ShedRule | None = None
    contacts: Annotated[list[Contact], Field(max_length=50)] = Field(default_factory=list)
    guidance: Annotated[str, Field(max_length=8000), Stored] = ""
    statements: Annotated[list[HoldingStatement], Field(max_length=50)] = Field(default_factory=list)
    present_share: Annotated[
        float, Field(gt=0, le=1, description="Which share of those who review is taken to be there.")
    ] = 1.0

    @model_validator(mode="after")
    def _goes_somewhere(self) -> Self:
        names = [one.queue for one in self.stopped]
        if len(set(names)) < len(names):
            raise ValueError("stopped: every queue stands still once")
        if lost := sorted({one.into for one in self.stopped} & set(names)):
            raise ValueError(f"stopped: {', '.join(lost)} takes another's cases and so cannot stand still itself")
        return self


class ContinuityPlanIn(Strict):
    """A plan, or another version of it. `based_on` is the version that was looked at; 0 for a new one."""

    title: Line
    based_on: Annotated[int, Field(ge=0)]
    plan: PlanSpec


class PlanActivationIn(Strict):
    """When the plan is to end, and why it is put to work."""

    until: Moment
    reason: Reason


class QueueDrill(BaseModel):
    """One queue, without the plan and with it. Lanes count open cases as the claim would hand them out."""

    queue: str
    goes: Literal["on", "by severity", "still"]
    cases: int
    legal: int = Field(description="Cases whose deadline has come near.")
    bound: int = Field(description="Cases whose latest start has come.")
    ranked: int
    people: int
    people_with: int
    per_hour: float
    per_hour_with: float
    cases_with: int
    sheddable: int = Field(description="Cases that the rule would let be given up, once their latest start is near.")
    missed: int
    missed_with: int
    overdue: int


class Hole(BaseModel):
    """Something that the plan would run into."""

    kind: Literal["nobody", "deadline", "training", "queue", "person"]
    queue: str | None = None
    text: str


class DrillOut(BaseModel):
    """What a plan would do with what is there now. Nothing was changed."""

    plan: str
    version: int
    ran_at: datetime
    minutes: int
    assumption: str
    queues: list[QueueDrill]
    helpers: list[str] = Field(description="User names of those who would take queues that they cannot take otherwise.")
    holes: list[Hole]


class ContinuityPlanOut(BaseModel):
    """A plan and its last drill; `stale` where that is missing, of an older version, or more than 90 days ago."""

    name: str
    version: int
    title: str
    owner: str
    saved_at: datetime
    plan: PlanSpec
    drilled_at: datetime | None
    drill_holes: int | None
    drill_version: int | None
    stale: bool


class ContinuityPlansOut(BaseModel):
    """Every plan, by name."""

    plans: list[ContinuityPlanOut]


class DrillsOut(BaseModel):
    """The latest drills of a plan, the newest first."""

    drills: list[DrillOut]
