"""Wire types of tuning: rules of the order as people may set them, and what they would change."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from labeling.taxonomy import SEVERITY_LEVELS
from service.routing.schemas import QueueName
from service.wire import Stored, Strict

Version = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$", description="a name never used before")]
Words = Annotated[str, Field(min_length=1, max_length=500), Stored]
Share = Annotated[float, Field(ge=0, le=0.99)]
Top = Literal[50, 100]


class ConstantsIn(Strict):
    """Constants of the order under `harm-rate+guard`, the policy that keeps every bound; other policies need a file.

    What each means is in docs/ranking.md. Those not named are as shipped.
    """

    doubling_hours: Annotated[float, Field(ge=1, le=720)] = 24.0
    least_views_per_hour: Annotated[float, Field(ge=0.01, le=10_000)] = 1.0
    minutes_per_picture: Annotated[float, Field(ge=0.01, le=30)] = 0.3
    vulnerability_of_person: Annotated[float, Field(ge=0.1, le=10)] = 1.5
    reason_trust: Share = 0.15
    reason_trust_unassessed: Share = 0.4
    reporter_precision: Share = 0.35
    reporter_strength: Annotated[float, Field(ge=0.1, le=1000)] = 10.0
    reporter_cap: Annotated[float, Field(ge=1, le=100)] = 4.0
    unscored_prior: Share = 0.03
    unscored_reason: Share = 0.5
    unscored_severity: Annotated[
        list[Annotated[float, Field(ge=0, le=1)]], Field(min_length=SEVERITY_LEVELS, max_length=SEVERITY_LEVELS)
    ] = Field(default_factory=lambda: [0.1, 0.2, 0.35, 0.25, 0.1])
    latest_start_hours: Annotated[float, Field(ge=1, le=720)] = 72.0
    guard_minutes: Annotated[float, Field(ge=1, le=1440)] = 30.0
    random_share: Annotated[float, Field(ge=0, le=0.5)] = 0.05
    shed: bool = True
    shed_above_load: Annotated[float, Field(ge=0.5, le=10)] = 1.0
    shed_window_hours: Annotated[float, Field(ge=1, le=336)] = 24.0
    shed_least_history_hours: Annotated[float, Field(ge=1, le=336)] = 6.0
    shed_least_decisions: Annotated[int, Field(ge=1, le=10_000)] = 50
    shed_below_severity: Annotated[int, Field(ge=0, le=SEVERITY_LEVELS - 1)] = 3

    @model_validator(mode="after")
    def _shares_add_up(self) -> Self:
        if abs(sum(self.unscored_severity) - 1) > 1e-6:
            raise ValueError("unscored_severity: the shares of all severities must sum to 1")
        return self


class RankingPreviewIn(Strict):
    """Rules to try on what waits in a queue now."""

    constants: ConstantsIn
    queue: QueueName = "default"
    top: Top = 50


class OrderOut(BaseModel):
    """The first cases under one of the two orders, each measured by the rules at work, so that both can be compared."""

    median_wait_seconds: float | None
    longest_wait_seconds: float | None
    harm_per_hour: float = Field(description="Harm-weighted views an hour that these cases have together.")
    mean_severity: float | None
    minutes: float = Field(description="Expected time to decide them all.")
    with_deadline: int
    unscored: int


class MovedCaseOut(BaseModel):
    """A case that would come to be among the first, or would be no longer. Positions count from 1."""

    case_id: UUID
    area: str
    position_now: int
    position_then: int
    wait_seconds: float
    severity: float


class AreaCountOut(BaseModel):
    """How many of the first cases are likely about an area, now and then."""

    area: str
    now: int
    then: int


class RankingPreviewOut(BaseModel):
    """What the rules would change in the order of a queue. Nothing is changed by asking."""

    queue: str
    top: int
    open: int
    compared: int = Field(description="Open cases that both orders were worked out for.")
    complete: bool = Field(
        description="Whether these are all; else those in front, those due next, the longest waiting, and some at random."
    )
    now: OrderOut
    then: OrderOut
    enter: list[MovedCaseOut]
    leave: list[MovedCaseOut]
    areas: list[AreaCountOut]


class RankingActivationIn(Strict):
    """Rules to put to work under a version of their own, on top of those that `replaces` names."""

    version: Version
    owner: Annotated[str, Field(min_length=1, max_length=100), Stored]
    reason: Words
    replaces: Annotated[str, Field(max_length=100)]
    constants: ConstantsIn


class ReviveIn(Strict):
    """Why a version of before is put to work again, and what it replaces."""

    reason: Words
    replaces: Annotated[str, Field(max_length=100)]


class ActivatedOut(BaseModel):
    """The version at work; every process follows within seconds, and what waits is ranked anew, those in front first."""

    version: str
    replaced: str
    at: datetime
