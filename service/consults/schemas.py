"""Wire types of questions to teams, their answers, and what is kept of them for later cases."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from service.consults.teams.schemas import Minutes, TeamName
from service.wire import Stored, Strict

Status = Literal["waiting", "taken", "asked_back", "answered", "withdrawn"]
# What of the facts of a record can be shown to a team; fields of its form are chosen by their ids.
Fact = Literal["title", "summary", "source", "trigger", "severity", "policy_area", "jurisdiction", "language"]

QUESTION_CHARACTERS = 5_000
ANSWER_CHARACTERS = 20_000
MOST_FIELDS = 50


def _distinct(values: list[str]) -> list[str]:
    return list(dict.fromkeys(values))


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=QUESTION_CHARACTERS), Stored]
Answer = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=ANSWER_CHARACTERS), Stored]
FieldName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,100}$", description="a field of the form of its source")]


class ConsultQuestionIn(Strict):
    """A question to a team. Its members see it with what is chosen here of the record, and nothing else of that."""

    team: TeamName
    question: Text
    language: Annotated[str, Field(pattern=r"^[a-z]{2,8}$")] = "und"
    privileged: bool = False
    facts: Annotated[list[Fact], Field(max_length=20), AfterValidator(_distinct)] = Field(default_factory=list)
    fields: Annotated[list[FieldName], Field(max_length=MOST_FIELDS), AfterValidator(_distinct)] = Field(
        default_factory=list
    )
    minutes: Minutes | None = Field(default=None, description="time for the answer; null is that of the team")
    pauses: bool = Field(default=False, description="the internal clocks of the record wait for it; legal ones run on")
    again_of: UUID | None = Field(default=None, description="an earlier question of this record that is asked anew")


class RemarkIn(Strict):
    """What one side says to the other before the answer."""

    body: Text


class ConsultAnswerIn(Strict):
    """The answer, which stands as it is: whoever wants more asks anew."""

    answer: Answer


class TakeIn(Strict):
    """Take a question; `over` from somebody else of the team."""

    over: bool = False


class PrecedentIn(Strict):
    """Keep an answered question for later cases under a short neutral title; null keeps it no longer."""

    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=120), Stored] | None


class ShownOut(BaseModel):
    """What of the record goes with a question, as it was when it was asked."""

    title: str | None = None
    summary: str | None = None
    facts: dict[str, str] = {}
    fields: dict[str, str] = {}


class RemarkOut(BaseModel):
    """What one side said to the other."""

    kind: Literal["asked_back", "explained"]
    body: str
    author: str
    written_at: datetime


class ConsultOut(BaseModel):
    """A question as one person sees it. `escalation_id` is null for whoever does not work on the record."""

    id: UUID
    escalation_id: UUID | None
    number: int = Field(description="of the record")
    team: str
    team_title: str
    question: str
    language: str
    privileged: bool
    shown: ShownOut
    again_of: UUID | None
    asked_by: str
    asked_at: datetime
    warn_at: datetime
    due_at: datetime
    state: Literal["open", "soon", "late", "done"] = Field(
        description="its clock now; an answer that came late is done"
    )
    pauses: bool
    status: Status
    taken_by: str | None
    answer: str | None
    answered_by: str | None
    answered_at: datetime | None
    withdrawn_at: datetime | None
    precedent_title: str | None
    asked_of_me: bool = Field(description="the caller is of the team, and may answer")
    remarks: list[RemarkOut] = []


class ConsultsOut(BaseModel):
    """Questions: those that wait by their due time, then those that are done, newest first."""

    consults: list[ConsultOut]


class AdviceOut(BaseModel):
    """An answered question without anybody's name: what may go into a document. Never one that is privileged."""

    team: str
    question: str
    answer: str
    answered_at: datetime


class ConsultPrecedentOut(BaseModel):
    """An answer that was kept for later cases."""

    id: UUID
    title: str
    team: str
    team_title: str
    policy_area: str | None
    jurisdiction: str | None
    privileged: bool
    question: str
    answer: str
    language: str
    answered_at: datetime


class PrecedentsQuery(Strict):
    """Which precedents: words in title, question or answer; area and jurisdiction of the record; the team."""

    words: Annotated[str, Field(max_length=200), Stored] = ""
    area: Annotated[str, Field(max_length=64, pattern=r"^[a-z0-9_]*$")] = ""
    jurisdiction: Annotated[str, Field(max_length=2, pattern=r"^[A-Z]*$")] = ""
    team: Annotated[str, Field(max_length=40, pattern=r"^[a-z0-9_]*$")] = ""
    offset: Annotated[int, Field(ge=0, le=10_000)] = 0


class ConsultPrecedentsOut(BaseModel):
    """At most 25 of them, newest first; `next` is the `offset` of those that follow."""

    precedents: list[ConsultPrecedentOut]
    next: int | None
