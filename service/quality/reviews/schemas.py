"""Wire types of blind reviews and of settling what they disagree on."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from service.cases.schemas import PersonRef
from service.media.schemas import MediaItem
from service.opinions.schemas import Judgement
from service.policies.schemas import Example


class AreaChoice(BaseModel):
    """A policy area that can be named; `floor` is the least severity it usually has once confirmed."""

    id: str
    name: str
    description: str
    floor: int


class SeverityChoice(BaseModel):
    """A step of the scale with its anchor."""

    level: int
    name: str
    anchor: str


class ActionChoice(BaseModel):
    """An action that can be named."""

    id: str
    name: str
    description: str
    enforces: bool
    excludes: list[str]


class RubricOut(BaseModel):
    """What answers are made of."""

    taxonomy_version: str
    areas: list[AreaChoice]
    severities: list[SeverityChoice]
    actions: list[ActionChoice]


class CheckedSubjectOut(BaseModel):
    """The content, without what would tell more of it: views fall once it was removed, dates and ids tell how old it is."""

    kind: str
    text: str
    language: str | None
    author: PersonRef | None


class CheckedReportOut(BaseModel):
    """One notice about it, without who gave it, since what came of their reports can be read, and without when."""

    channel: str
    reason: str
    note: str


class DraftPolicyOut(BaseModel):
    """The draft of a policy that content is judged by. It stays so while the plan is open."""

    title: str
    body: Annotated[str, Field(description="Markdown: headings, lists, bold")]
    examples: list[Example]


class ContentOut(BaseModel):
    """Reported content as it was when it was decided. Nothing says what was decided, when, by whom, or how old it is."""

    subject: CheckedSubjectOut
    reports: list[CheckedReportOut]
    media: list[MediaItem]
    policy: Annotated[
        DraftPolicyOut | None, Field(description="judge by this text, where the plan asks what a draft would change")
    ]


class BlindCheckOut(ContentOut):
    """Content to judge as if nobody had done so before. The token answers it until `expires_at`."""

    token: UUID
    expires_at: datetime
    server_now: datetime
    rubric: RubricOut


class AnsweredOut(BaseModel):
    """The answer is stored. What others said is not told here."""

    answered_at: datetime


class NeutralAnswerOut(BaseModel):
    """One of the answers to an item. `name` says nothing of who gave it, nor whether it was the decision."""

    name: str
    policy_area: str
    severity: int
    actions: list[str]
    note: str


class DisputedItemOut(ContentOut):
    """An item on which answers differ, with all of them."""

    item_id: UUID
    answers: list[NeutralAnswerOut]


class DisputedOut(BaseModel):
    """Items that the caller may settle: neither decided nor checked by them, in a language they read, and nothing they opted
    out of. At most 20 at a time; `total` counts up to 500.
    """

    total: int
    items: list[DisputedItemOut]
    rubric: RubricOut


class AdjudicationIn(Judgement):
    """What holds for a disputed item; the note is told to those who said otherwise."""


class SettledOut(BaseModel):
    """The item is settled; `error` is what was wrong with the decision."""

    settlement_id: UUID
    error: Annotated[str | None, Field(description="null where the decision holds")]
