"""Wire types of appeals."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints, model_validator

from service.media.schemas import MediaItem
from service.wire import Identifier, Stored, Strict

Side = Literal["author", "reporter"]
Status = Literal["open", "decided", "withdrawn"]
Outcome = Literal["upheld", "overturned", "partly"]
# Why the decision holds, then why it does not. What each means is said in docs/appeals.md.
WHY_UPHELD = ("correct", "nothing_new", "manifestly_unfounded")
WHY_OVERTURNED = ("policy_misapplied", "context_missed", "new_information", "disproportionate", "technical_error")
UNFOUNDED = "manifestly_unfounded"
ReasonCode = Literal[
    "correct",
    "nothing_new",
    "manifestly_unfounded",
    "policy_misapplied",
    "context_missed",
    "new_information",
    "disproportionate",
    "technical_error",
]
DisputeOutcome = Literal["for_appellant", "for_platform", "settled", "inadmissible", "withdrawn"]
OutcomeGroup = Literal["area", "source", "vendor", "market", "bundle", "language", "side"]

REASONS_CHARACTERS = 10_000
EXPLANATION_CHARACTERS = 2_000

Reasons = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=REASONS_CHARACTERS), Stored]
Contact = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=254, pattern=r"^$|^[^@\s]+@[^@\s]+\.[^@\s]+$"), Stored
]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,8}$")]
Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), Stored]
Words = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=EXPLANATION_CHARACTERS), Stored
]
ActionId = Annotated[str, Field(max_length=100)]


class AppealLinkIn(Strict):
    """Who is to be given the address: the author of what was restricted, or a reporter, by the report that was not acted on."""

    side: Side = "author"
    report_id: UUID | None = None

    @model_validator(mode="after")
    def _report(self) -> Self:
        if (self.side == "reporter") != (self.report_id is not None):
            raise ValueError("report_id: name the report where a reporter may appeal, and none for the author")
        return self


class AppealLinkOut(BaseModel):
    """A path below the address of this service. It is shown this once and is a secret of whoever may appeal."""

    path: str
    until: Annotated[datetime, Field(description="Until when an appeal can be filed.")]


class AppealIn(Strict):
    """An appeal that the platform passes on."""

    decision_id: UUID
    side: Side = "author"
    report_id: UUID | None = None
    reasons: Reasons
    language: Language = "und"
    contact: Contact = ""
    reference: Annotated[Line, Field(description="The platform's own name for it.")] = ""

    @model_validator(mode="after")
    def _report(self) -> Self:
        if (self.side == "reporter") != (self.report_id is not None):
            raise ValueError("report_id: name the report where its reporter appeals, and none for the author")
        return self


class AppealAccepted(BaseModel):
    """The appeal is stored; this is its receipt."""

    appeal_id: UUID
    number: int
    status: Status
    acknowledged_at: datetime
    due_at: datetime


class AppealStatusOut(AppealAccepted):
    """How an appeal stands, for the platform that passed it on. Nobody of the staff is named."""

    decision_id: UUID
    side: Side
    reference: str
    contact: Annotated[str, Field(description="An e-mail address for the answer, where one was given; else empty.")]
    outcome: Outcome | None
    reason_code: ReasonCode | None
    explanation: str | None
    reversed: list[str] | None
    standing: list[str] | None
    taken: list[str] | None
    decided_at: datetime | None


class WaitingAppealOut(BaseModel):
    """An appeal in the queue. `yours` says that the caller has it in hand."""

    appeal_id: UUID
    number: int
    side: Side
    policy_area: str
    severity: int
    actions: list[str]
    language: str
    filed_at: datetime
    due_at: datetime
    taken: bool
    yours: bool
    may_decide: Annotated[bool, Field(description="false where the caller had a part in what is appealed")]


class AppealQueueOut(BaseModel):
    """What waits, in the order in which it is handed out, at most 300; `total` and `overdue` count all of it."""

    appeals: list[WaitingAppealOut]
    total: int
    overdue: int
    server_now: datetime


class PolicyAtDecisionOut(BaseModel):
    """The policy that was in force when it was decided."""

    title: str
    number: int
    body: str


class AppealReportOut(BaseModel):
    """One notice about the content, without who gave it."""

    channel: str
    reason: str
    note: str


class JudgedOut(BaseModel):
    """An appeal in the caller's hands: the content as it was when it was decided, and nothing of who decided."""

    appeal_id: UUID
    number: int
    token: UUID
    expires_at: datetime
    server_now: datetime
    side: Side
    reasons: str
    language: str
    filed_at: datetime
    due_at: datetime
    actions: list[str]
    policy_area: str
    severity: int
    policy: PolicyAtDecisionOut | None
    kind: str
    text: str
    text_language: str | None
    captured_at: datetime
    text_now: Annotated[str | None, Field(description="What is there now; null where that is the same.")]
    media: list[MediaItem]
    reports: list[AppealReportOut]


class AppealDecisionIn(Strict):
    """What an appeal comes to.

    `standing` names the actions that stay where it is partly right; `actions` what is done where a reporter is right. The
    explanation goes to whoever appealed, the note to nobody outside.
    """

    lease_token: UUID
    outcome: Outcome
    reason_code: ReasonCode
    explanation: Words
    standing: Annotated[list[ActionId], Field(max_length=10)] = Field(default_factory=list)
    actions: Annotated[list[ActionId], Field(max_length=10)] = Field(default_factory=list)
    policy_area: Annotated[str | None, Field(max_length=100)] = None
    severity: Annotated[int | None, Field(ge=0, le=4)] = None
    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2_000), Stored] = ""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        fitting = WHY_UPHELD if self.outcome == "upheld" else WHY_OVERTURNED
        if self.reason_code not in fitting:
            raise ValueError(f"reason_code: for {self.outcome} choose one of {', '.join(fitting)}")
        if (self.outcome == "partly") != bool(self.standing):
            raise ValueError(
                "standing: name the actions that stand where the appeal is partly right, and none otherwise"
            )
        if (self.policy_area is None) != (self.severity is None):
            raise ValueError("policy_area and severity: name both, or neither for those of the decision")
        if self.outcome == "overturned" and self.policy_area is None:
            raise ValueError("policy_area: say what the content is where the decision does not hold")
        return self


class AppealDecided(BaseModel):
    """The outcome is stored; it is carried out once `undo_until` has passed."""

    appeal_id: UUID
    outcome: Outcome
    reversed: list[str]
    standing: list[str]
    taken: list[str]
    undo_until: datetime


class AppealLeaseOut(BaseModel):
    """Until when the appeal is in the caller's hands."""

    expires_at: datetime


class TokenIn(Strict):
    """The token of the lease that `claim` gave."""

    lease_token: UUID


class AppealFeedbackOut(BaseModel):
    """A decision of the caller that did not hold on appeal, or not whole. Nobody is named."""

    appeal_id: UUID
    case_id: Annotated[UUID | None, Field(description="null where the caller may not see the case")]
    text: str
    side: Side
    outcome: Outcome
    reason_code: ReasonCode
    actions: list[str]
    policy_area: str
    severity: int
    reversed: list[str]
    taken: list[str]
    right_area: str
    right_severity: int
    note: str
    told_at: datetime


class AppealFeedbackListOut(BaseModel):
    """The caller's own, the newest first, at most 100."""

    feedback: list[AppealFeedbackOut]


class OutcomeOut(BaseModel):
    """How often decisions of one group did not hold on appeal.

    Below 30 appeals there is no share. Of decisions by fewer people than scorecards tell of, only the number of appeals is told.
    """

    name: str
    n: int
    few_people: bool
    overturned: int | None
    in_time: int | None
    share: float | None
    low: float | None
    high: float | None


class OverturnsOut(BaseModel):
    """Overturns on appeal by group, the largest first. They are of what was appealed, not of all that was decided."""

    by: OutcomeGroup
    groups: list[OutcomeOut]


class AppellantOut(BaseModel):
    """What came of the appeals of one appellant in the last 12 months (Art. 23). Nothing follows from it by itself."""

    appellant: str
    side: Side
    filed: int
    upheld: int
    overturned: int
    withdrawn: int
    manifestly_unfounded: int


class AppellantsOut(BaseModel):
    """Appellants with appeals that were manifestly unfounded, most of them first, at most 100."""

    appellants: list[AppellantOut]


class EscalateIn(Strict):
    """An escalation that an appeal goes on as: an existing one, or a new one where none is named."""

    escalation_id: UUID | None = None


class EscalatedOut(BaseModel):
    """The record that the appeal goes on as."""

    escalation_id: UUID


class DisputeIn(Strict):
    """An out-of-court dispute (Art. 21): the certified body, and its reference."""

    body: Annotated[Identifier, StringConstraints(strip_whitespace=True)]
    reference: Annotated[Identifier, StringConstraints(strip_whitespace=True)]


class DisputeSettledIn(Strict):
    """What the body decided."""

    outcome: DisputeOutcome


class DisputeOut(BaseModel):
    """An out-of-court dispute about an appeal."""

    id: UUID
    body: str
    reference: str
    recorded_at: datetime
    outcome: DisputeOutcome | None
    settled_at: datetime | None
