"""Wire types of second opinions."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from service.reports.schemas import NOTE_CHARACTERS
from service.wire import Stored, Strict

QUESTION_CHARACTERS = 2_000


def _distinct(value: list[str]) -> list[str]:
    if len(set(value)) != len(value):
        raise ValueError("the same action is named twice")
    return value


class Label(Strict):
    """What a person says that content is, whatever is done about it: an area or benign, how severe, and why."""

    policy_area: Annotated[str, Field(max_length=100)]
    severity: Annotated[int, Field(ge=0, le=4, strict=True)]
    note: Annotated[str, Field(max_length=NOTE_CHARACTERS), Stored] = ""


class Judgement(Label):
    """What a person says about a case."""

    actions: Annotated[
        list[Annotated[str, Field(max_length=100)]], Field(min_length=1, max_length=10), AfterValidator(_distinct)
    ]


class OpinionQuestionIn(Strict):
    """A question to somebody else about the case the caller holds, and what the caller would decide.

    Whoever answers reads the question, and the proposal only once their answer stands.
    """

    lease_token: UUID
    question: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=QUESTION_CHARACTERS), Stored
    ]
    proposal: Judgement


class AskedOut(BaseModel):
    """The question waits; the case is back in its queue for everybody but the caller."""

    opinion_id: UUID
    asked_at: datetime


class OpinionOut(BaseModel):
    """A second opinion as one of its two sides sees it; neither is named.

    What the other side said is shown once the answer stands, which is at `revealed_at` unless it is undone before, and to
    those alone who may still see the case.
    """

    id: UUID
    case_id: UUID
    question: str
    asked_at: datetime
    state: Literal["waiting", "answered", "withdrawn"]
    proposal: Judgement | None
    answer: Judgement | None
    agreed: bool | None
    answered_at: datetime | None
    revealed_at: datetime | None


class OpinionsOut(BaseModel):
    """The caller's newest 100, newest first."""

    opinions: list[OpinionOut]
