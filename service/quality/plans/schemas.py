"""Wire types of plans."""

from datetime import datetime
from typing import Annotated, Literal, Self, get_args
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints, model_validator

from service.wire import Moment, Stored, Strict

SIZE_MOST = 5_000
POPULATION_MOST = 200_000
SCOPE_MOST = 100
# The vendor of people for whom none is set.
IN_HOUSE = "in house"

Kind = Literal["random", "stratified", "doubt", "policy"]
Stratum = Literal["area", "vendor", "language", "tenure"]
Origin = Literal["human", "automated", "leave_up"]
Allocation = Literal["proportional", "equal"]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), Stored]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1_000), Stored]
Named = Annotated[list[Annotated[str, Field(max_length=200), Stored]], Field(max_length=SCOPE_MOST)]


class ScopeIn(Strict):
    """Which standing decisions a plan is about; an empty list is no limit."""

    since: Moment | None = None
    until: Moment | None = None
    areas: Named = Field(default_factory=list)
    queues: Named = Field(default_factory=list)
    languages: Named = Field(default_factory=list, description="primary subtags, `und` for unknown")
    vendors: Named = Field(default_factory=list)
    origins: list[Origin] = Field(
        default_factory=lambda: list(get_args(Origin)),
        min_length=1,
        max_length=3,
        alias="from",
        description="human: enforced by somebody who looked; automated: enforced for a cluster; leave_up: left as it is",
    )


class DrawIn(Strict):
    """What is drawn from, and how."""

    kind: Kind
    scope: ScopeIn = ScopeIn()
    size: Annotated[int, Field(ge=1, le=SIZE_MOST, strict=True)]
    strata: list[Stratum] = Field(default_factory=list, max_length=4, description="only of a stratified plan")
    allocation: Allocation = "proportional"
    least: Annotated[int, Field(ge=1, le=SIZE_MOST, description="of each stratum, shared out in proportion")] = 1
    policy_id: Annotated[
        UUID | None, Field(description="only of the kind policy: a version that came into force, or a draft to try out")
    ] = None

    @model_validator(mode="after")
    def _kinds(self) -> Self:
        if (self.kind == "stratified") != bool(self.strata):
            raise ValueError("strata: name at least one for the kind stratified, and none for the others")
        if len(set(self.strata)) != len(self.strata):
            raise ValueError("strata: the same is named twice")
        if (self.kind == "policy") != (self.policy_id is not None):
            raise ValueError("policy_id: name the version for the kind policy, and none for the others")
        return self


class CheckPlanIn(DrawIn):
    """A new plan. It draws at once and never again; the seed is kept, so that the draw can be done over."""

    name: Line
    owner: Line
    reason: Reason
    reviews: Annotated[int, Field(ge=1, le=5, description="blind answers to each item")] = 1
    golden_share: Annotated[
        float, Field(ge=0, le=0.5, description="of all items; fewer where there are not enough")
    ] = 0.0
    seed: Annotated[int | None, Field(ge=0, lt=2**63)] = None


class StratumOut(BaseModel):
    """A stratum, how many decisions it holds, and how many of them are drawn."""

    stratum: str
    population: int
    drawn: int
    least_chance: float
    greatest_chance: float


class DrawPreviewOut(BaseModel):
    """What a plan would draw, before it is saved. Content with pictures and no text is never drawn: checks show it blurred."""

    population: int
    drawn: int
    golden_available: int
    strata: list[StratumOut]


class CheckPlanOut(BaseModel):
    """A plan and how far it is. Golden items count like any other."""

    id: UUID
    name: str
    kind: Kind
    strata: list[str]
    allocation: str | None
    least: int
    scope: ScopeIn
    size: int
    reviews: int
    golden_share: float
    policy_id: UUID | None
    draft: Annotated[bool, Field(description="the policy was a draft: nobody is measured by what comes of it")]
    seed: int
    population: int
    owner: str
    reason: str
    made_at: datetime
    closed_at: datetime | None
    items: int
    waiting: int
    disputed: int
    settled: int


class CheckPlansOut(BaseModel):
    """The newest 100, newest first."""

    plans: list[CheckPlanOut]


class CheckFigureOut(BaseModel):
    """A number with its 95 % interval, all null with fewer than 30 checks; `words` says it, or what is missing."""

    value: float | None
    low: float | None
    high: float | None
    words: str


class EstimateOut(CheckFigureOut):
    """The share of right decisions of one group.

    While answers are disputed it has no value: its interval then reaches from all of them wrong to all of them right.
    """

    group: str
    checks: int
    disputed: int


class AgreementOut(BaseModel):
    """How far two answers to the same item name the same policy area, in the sample as it was drawn."""

    pairs: int
    raw: CheckFigureOut
    kappa: CheckFigureOut
    ac1: CheckFigureOut


class ResultsOut(BaseModel):
    """What a plan found. Shares are of the population that was drawn from: each check counts by 1 / its chance.

    What is answered of a stratum stands for all of it.
    """

    plan_id: UUID
    population: int
    settled: int
    disputed: int
    accuracy: EstimateOut
    by_area: list[EstimateOut]
    by_vendor: list[EstimateOut]
    by_language: list[EstimateOut]
    decision_against_check: AgreementOut
    between_checks: AgreementOut
    errors: dict[str, int]
    unanswered: Annotated[
        list[str], Field(description="strata of which nothing is answered: no share says anything of them")
    ]
