"""Wire types of feedback and objections."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints, model_validator

from service.opinions.schemas import Judgement
from service.quality.settling.schemas import SaidOut
from service.wire import Stored, Strict

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000), Stored]


class CheckFeedbackOut(BaseModel):
    """What a check came to where the caller had said otherwise. Nobody is named."""

    id: UUID
    case_id: Annotated[UUID | None, Field(description="null where the caller may not see the case")]
    text: str
    said: SaidOut
    holds: SaidOut
    error: str | None
    note: str
    told_at: datetime
    seen_at: datetime | None
    dispute_until: datetime
    may_dispute: bool
    disputed_at: datetime | None
    objection: str | None
    resolved_at: datetime | None
    upheld: bool | None
    reply: str | None
    replaced: Annotated[bool, Field(description="another settlement has taken the place of this one")]


class CheckFeedbackListOut(BaseModel):
    """The caller's own: what they have not seen first, the newest first, at most 100; `unseen` counts all of it."""

    feedback: list[CheckFeedbackOut]
    unseen: int


class ObjectionIn(Strict):
    """Why what was settled does not hold."""

    objection: Words


class ObjectionOut(BaseModel):
    """An objection that waits for somebody else. Who objects is not said."""

    feedback_id: UUID
    text: str
    said: SaidOut
    holds: SaidOut
    note: str
    objection: str
    disputed_at: datetime


class ObjectionsOut(BaseModel):
    """Objections that the caller may resolve, oldest first, at most 100."""

    objections: list[ObjectionOut]


class ObjectionResolutionIn(Strict):
    """An objection is upheld, with what holds instead, or not; the reply goes to whoever objected."""

    upheld: bool
    reply: Words
    answer: Judgement | None = None

    @model_validator(mode="after")
    def _answer(self) -> Self:
        if self.upheld != (self.answer is not None):
            raise ValueError("answer: say what holds instead where the objection is upheld, and nothing otherwise")
        return self
