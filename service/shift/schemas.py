"""Wire types of somebody's shift: what is due of what they hold, and what became of what they decided."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from service.clocks.schemas import ClockKind

Outcome = Literal["undone", "holds", "overturned", "corrected"]


class DueOut(BaseModel):
    """A clock that runs on a case in the caller's hands, or kept back for them."""

    case_id: UUID
    queue: str
    kept_back: Annotated[bool, Field(description="It is held for the caller, or was handed to them, and not in hand.")]
    kind: ClockKind
    basis: str
    due_at: datetime


class DueListOut(BaseModel):
    """Clocks that run out within `hours`, those that have run out included, the nearest first; at most 100."""

    due: list[DueOut]
    hours: int
    server_now: datetime


class MadeOut(BaseModel):
    """A decision of the caller. One for many cases at once is one row, with their number."""

    decision_id: UUID
    case_id: Annotated[UUID | None, Field(description="null where the caller may no longer see the case")]
    cluster_id: UUID | None
    cases: int
    actions: list[str]
    policy_area: str
    severity: int
    decided_at: datetime
    undo_until: datetime
    outcome: Annotated[
        Outcome | None,
        Field(
            description="`undone`: taken back by the caller. `holds`: a check agreed. `overturned`: a check said otherwise, "
            "see `GET /v1/qa/feedback`. `corrected`: somebody found the label wrong. Null: nobody has said anything."
        ),
    ]


class MadeListOut(BaseModel):
    """The caller's newest decisions, newest first, and how many cases they decided in the last 24 hours."""

    decisions: list[MadeOut]
    last_24_hours: int
    server_now: datetime
