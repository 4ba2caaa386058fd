"""Wire types of replies that are being written."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from service.replies.schemas import BODY_CHARACTERS, Language, Purpose, Reason, Subject, TemplateStepOut
from service.replies.sending.schemas import DeliveryOut
from service.wire import Stored, Strict

ReplyState = Literal["draft", "waiting", "approved", "sent", "discarded"]
Version = Annotated[int, Field(ge=1, description="the version that the caller has seen")]
DraftBody = Annotated[str, StringConstraints(max_length=BODY_CHARACTERS), Stored]
Address = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=254), Stored]

Namesake = Annotated[str, StringConstraints(min_length=1, max_length=100), Stored]


class ReplyStartIn(Strict):
    """What a reply is begun for. Without a template the one that fits best is taken, without a language the record's."""

    purpose: Purpose
    language: Language | None = None
    template_id: UUID | None = None


class ReplyChangeIn(Strict):
    """A reply as it is now. Whoever changes one that waits or was approved takes it back to be written."""

    version: Version
    subject: Subject
    body: DraftBody
    language: Language
    recipients: Annotated[list[Address], Field(max_length=10)]


class ReplySeenIn(Strict):
    """The version that is meant: another one may have been written meanwhile."""

    version: Version


class ReplySureIn(ReplySeenIn):
    """The version that is meant, and the words of it that are user names as well and mean nobody of the staff here."""

    namesakes: Annotated[list[Namesake], Field(default_factory=list, max_length=50)]


class ReplyReturnIn(ReplySeenIn):
    """Why a reply goes back to whoever wrote it."""

    reason: Reason


class ReplyProblemOut(BaseModel):
    """Why a reply cannot be sent as it is: what stands where, and what to do."""

    check: Literal["placeholder", "staff", "namesake", "internal", "personal", "media", "recipient"]
    part: Literal["subject", "body", "recipients"]
    line: int
    column: int
    found: str
    mend: str


class TemplateRef(BaseModel):
    """The template that a reply was begun from."""

    id: UUID
    version: int


class ReplyOut(BaseModel):
    """A reply. `problems` and `approval`, the reasons why another person approves it, are given while it is not sent."""

    id: UUID
    escalation_id: UUID
    purpose: Purpose
    language: str
    template: TemplateRef | None
    steps: list[TemplateStepOut] = Field(description="How the template was chosen; empty where it was named.")
    subject: str
    body: str
    recipients: list[str]
    version: int
    state: ReplyState
    approval: list[str]
    problems: list[ReplyProblemOut]
    writers: list[str]
    approved_by: str | None
    approved_at: datetime | None
    returned_by: str | None
    returned_reason: str | None
    made_at: datetime
    changed_at: datetime
    undo_until: datetime | None = None


class RepliesOut(BaseModel):
    """Replies of a record, newest first, and everything that went out for it."""

    replies: list[ReplyOut]
    deliveries: list[DeliveryOut]
    addresses: list[str] = Field(description="Where the requester can be reached.")
    sender: Literal["none", "smtp", "webhook"]


class WaitingReplyOut(BaseModel):
    """A reply that waits for somebody's approval."""

    id: UUID
    escalation_id: UUID
    number: int
    title: str
    source: str
    purpose: Purpose
    language: str
    writers: list[str]
    changed_at: datetime


class WaitingListOut(BaseModel):
    """Replies that wait for approval, longest first."""

    waiting: list[WaitingReplyOut]
