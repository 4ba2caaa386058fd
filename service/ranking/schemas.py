"""Wire types of ranking."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field


class RankConfigOut(BaseModel):
    """A version of the rules of the order: who answers for it, why it was made, and every constant."""

    version: str
    owner: str
    reason: str
    decided_on: date
    policy: str
    constants: dict[str, Any]
    first_used_at: datetime


class ChoiceOut(BaseModel):
    """When a version was put to work, and why; `by_settings` where no person chose it but the file of the settings."""

    version: str
    chosen_at: datetime
    reason: str
    by_settings: bool


class RankingOut(BaseModel):
    """The configuration at work and all that were before it, the newest first."""

    current: str
    configurations: list[RankConfigOut]
    choices: list[ChoiceOut] = Field(description="The latest 50, the newest first.")


Outcome = Literal["decided", "released", "lapsed", "held", "handed_over", "skipped", "second_opinion", "unopened"]


class ClaimedOut(BaseModel):
    """One time the case was handed out, with the rank and the parts it had at that moment. Whoever got it is not shown."""

    granted_at: datetime
    ended_at: datetime | None
    outcome: Outcome | None
    lane: Literal["ranked", "legal", "bound", "random", "named"] = Field(
        description="Which order handed it out: by rank, a deadline or the latest start that came near, the random share,"
        " or that somebody asked for this very case."
    )
    propensity: float = Field(
        description="Probability that the lottery of the random share drew this case; 1 elsewhere."
    )
    value: float
    parts: dict[str, Any]


class WhyOut(BaseModel):
    """Why a case stands where it stands: `parts` reproduce `value` exactly, `words` say it in sentences."""

    case_id: UUID
    status: Literal["open", "leased", "held", "shed", "decided"]
    queue: str
    value: float
    parts: dict[str, Any]
    words: list[str]
    ahead: int | None = Field(
        description="Open cases of the queue that come before it, counted up to 10,000; null when it does not wait."
    )
    configuration: RankConfigOut | None = Field(
        description="Null where the rank is older than the kept configurations."
    )
    claims: list[ClaimedOut] = Field(description="The latest 20 times it was handed out, the newest first.")
