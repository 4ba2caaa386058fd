"""Wire types of what is known of the author of a case."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from service.strikes.schemas import StandingOut


class AuthorDecision(BaseModel):
    """The decision that stands on another case of the author; who made it is not shown."""

    actions: list[str]
    policy_area: str
    severity: int
    decided_at: datetime


class AuthorCase(BaseModel):
    """Another case of the same author, without a word of its content."""

    case_id: UUID
    subject_kind: str
    status: Literal["open", "leased", "held", "shed", "decided"]
    reason: str | None = Field(
        description="What it was first reported for; null where its reports went to another case, after an undo."
    )
    opened_at: datetime
    decided: AuthorDecision | None


class AuthorOut(BaseModel):
    """Other cases of the author that the caller may see: decided ones first, the newest in front.

    `count` and `decided` are of the newest `counted_up_to` cases of the author. `author_id` and `standing` are null where
    no author is known.
    """

    author_id: str | None
    standing: StandingOut | None
    count: int
    decided: int
    counted_up_to: int
    cases: list[AuthorCase]
