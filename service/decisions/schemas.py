"""Wire types of decisions."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from service.opinions.schemas import Judgement
from service.statements.schemas import StatementIn
from service.strikes.schemas import StandingOut
from service.wire import Strict


class DecisionIn(Judgement):
    """What a reviewer decided about the case they hold."""

    lease_token: UUID
    statement: Annotated[
        StatementIn | None,
        Field(
            description="What the statement of reasons says otherwise; null for what the holder wrote before, if anything."
        ),
    ] = None


class DecisionMade(Strict):
    """The decision is stored; its effects are sent once `undo_until` has passed."""

    decision_id: UUID
    undo_until: datetime
    policy: Annotated[
        int | None, Field(description="Version of the policy of the decided area; null where the library has none.")
    ]


class UndoneOut(Strict):
    """The decision was taken back; this case is open for it again."""

    case_id: UUID


class ActionOut(Strict):
    """An action of the taxonomy, and whether the caller may take it on this case."""

    id: str
    name: str
    description: str
    enforces: bool
    needs_author: bool
    excludes: Annotated[list[str], Field(description="Actions that cannot be part of the same decision.")]
    allowed: bool
    why_not: str | None
    recommended: bool


class RecommendedOut(Strict):
    """Actions to consider for one area and severity. Nothing of this is done by itself."""

    actions: list[str]
    because: str
    policy_area: str | None
    severity: int | None
    basis: Annotated[
        Literal["caller", "model"] | None,
        Field(description="Whose area and severity: those of the call, or the model's; null without either."),
    ]
    strikes: StandingOut | None = Field(description="What counts against the author now; null where none is known.")
    rules_version: str


class ActionsOut(Strict):
    """What the caller may do about a case, and what is recommended."""

    actions: list[ActionOut]
    recommended: RecommendedOut
