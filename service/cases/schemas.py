"""Wire types of cases."""

import json
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field

from service.exposure.schemas import MilderOut
from service.leases.schemas import LeaseOut
from service.media.schemas import MediaItem


def _storable(value: dict[str, Any]) -> dict[str, Any]:
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        text.encode()
    except (ValueError, RecursionError) as error:
        raise ValueError("NaN, Infinity, halves of surrogate pairs and endless nesting cannot be stored") from error
    # A backslash of the text itself is written as two; what is left of them stands before an escaped character.
    if "\\u0000" in text.replace("\\\\", ""):
        raise ValueError("the character U+0000 cannot be stored; remove it")
    return value


class PersonRef(BaseModel):
    """Somebody on the platform, by the platform's own id."""

    id: str


class SubjectOut(BaseModel):
    """The reported content with the text of the evidence snapshot. `id` is the platform's."""

    id: str
    kind: str
    text: str
    language: str | None
    market: str | None = None
    author: PersonRef | None
    created_at: datetime | None
    views_per_hour: float


class CaseReportOut(BaseModel):
    """One notice about the subject."""

    id: UUID
    channel: str
    reason: str
    note: str
    reporter: PersonRef | None
    received_at: datetime


class ScoreOut(BaseModel):
    """What the model said. `unassessed` areas had no training data: their probability is a constant.

    `graphic` are probabilities of graphic levels 0 to 3, empty from a model that does not judge them. Of the `unsure`
    areas neither answer can be excluded at the error rates that the bundle's manifest states.
    """

    areas: dict[str, float]
    severity: list[float]
    primary_area: str
    unassessed: list[str]
    graphic: list[float] = []
    unsure: list[str] = []
    bundle: str
    scored_at: datetime


class RankOut(BaseModel):
    """Why the case stands where it stands: `parts` reproduce `value`, `words` say it in sentences."""

    value: float
    parts: dict[str, Any]
    words: list[str]


class CorrectedOut(BaseModel):
    """What somebody found the label of a decision to be who looked at it again; the decision stands as it is."""

    policy_area: str
    severity: int
    note: str


class DecisionOut(BaseModel):
    """A decision on the case; who made it is not shown."""

    id: UUID
    actions: list[str]
    policy_area: str
    severity: int
    note: str
    taxonomy_version: str
    policy: Annotated[
        int | None, Field(description="Version of the policy of the decided area; null where the library had none.")
    ]
    bundle: str | None
    decided_at: datetime
    undo_until: datetime
    undone_at: datetime | None
    corrected: CorrectedOut | None


class CaseEventOut(BaseModel):
    """A change of the case's state."""

    at: datetime
    kind: str
    data: dict[str, Any]


class QuestionOut(BaseModel):
    """A second opinion is wanted: what somebody else asks. What they would decide is not shown."""

    question: str
    asked_at: datetime


class CaseOut(BaseModel):
    """A case as a reviewer sees it. At most the newest 100 reports are listed; `report_count` counts them all."""

    id: UUID
    status: Literal["open", "leased", "held", "shed", "decided"]
    queue: str
    opened_at: datetime
    report_count: int
    deadline: datetime | None = Field(description="The nearest clock of the law or of a contract.")
    special: str | None = Field(description="The special route that brought it past scores and rules.")
    lapses: int = Field(description="How often a lease of this case ran out; a rising number is an alert.")
    subject: SubjectOut
    reports: list[CaseReportOut]
    score: ScoreOut | None
    score_state: Literal["waiting", "scored", "failed", "bypassed"]
    rank: RankOut
    media: list[MediaItem]
    draft: dict[str, Any] | None = None
    second_opinion: QuestionOut | None = Field(description="The question that a decision of this case will answer.")
    revealed: int = Field(description="How often the caller has revealed media of this case.")
    server_now: datetime


class ReportGroup(BaseModel):
    """Reports of one case for one reason by one channel."""

    reason: str
    channel: str
    count: int
    first_at: datetime
    last_at: datetime


class CaseHistoryOut(CaseOut):
    """A case with everything that happened to it. `report_groups` count all reports, the most frequent first."""

    report_groups: list[ReportGroup]
    decisions: list[DecisionOut]
    events: list[CaseEventOut]


class ClaimOut(BaseModel):
    """A case handed to the caller."""

    case: CaseOut
    lease: LeaseOut
    milder: MilderOut | None = Field(
        default=None, description="Why this case and not a more graphic one that waits; null where none was left out."
    )


class DecisionDraftIn(BaseModel):
    """An unfinished decision, kept for its author."""

    lease_token: UUID
    body: Annotated[
        dict[str, Any],
        AfterValidator(_storable),
        Field(description="Whatever the form holds; at most 70,000 characters as JSON."),
    ]
