"""Wire types of strikes."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field


class StandingOut(BaseModel):
    """What counts against an author now."""

    weight: float
    count: int
    next_threshold: Annotated[
        float | None, Field(description="The weight from which on more is recommended; null above the last one.")
    ]


class StrikeOut(BaseModel):
    """One decision that counts, or counted, against an author; who made it is not shown."""

    decision_id: UUID
    policy_area: str
    severity: int
    weight: float
    state: Literal["active", "expired", "reversed"]
    given_at: datetime
    expires_at: datetime
    reversed_at: datetime | None


class AuthorStrikesOut(BaseModel):
    """An author's newest 100 strikes, newest first, and what counts now under which version of the rules.

    Listed are strikes on cases that the caller may see. `hidden` counts the others, which `standing` counts as well.
    """

    author_id: str
    rules_version: str
    standing: StandingOut
    strikes: list[StrikeOut]
    hidden: int
