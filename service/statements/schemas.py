"""Wire types of statements of reasons."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, StringConstraints, model_validator

from service.statements.codes import AccountType, AutomatedDecision, Category, Ground, Language, SourceType, YesNo
from service.statements.transparency import (
    BATCH,
    Categories,
    ContentDay,
    ContentTypes,
    EndDay,
    Explained,
    Facts,
    Keywords,
    Puid,
    Short,
    Territory,
    Url,
)
from service.wire import Moment, Stored, Strict

NoticeLanguage = Literal["en", "es", "de", "fr"]
State = Literal["waiting", "ready", "batched", "published", "refused", "withdrawn", "exempt"]
Exemption = Literal["high_volume", "article_9_order"]
MESSAGE_CHARACTERS = 2_000
LISTED = 200


class StatementIn(Strict):
    """What a person says of a statement of reasons in place of what the service makes of the case; all of it optional.

    Fields and codes are those of the DSA Transparency Database. How content was found, how the decision was taken and what was
    restricted are not for anybody to say: they are told as they were.
    """

    decision_ground: Ground | None = None
    decision_ground_reference_url: Url | None = None
    illegal_content_legal_ground: Short | None = None
    illegal_content_explanation: Explained | None = None
    incompatible_content_ground: Short | None = None
    incompatible_content_explanation: Explained | None = None
    incompatible_content_illegal: YesNo | None = None
    decision_facts: Facts | None = None
    category: Category | None = None
    category_addition: Categories | None = None
    category_specification: Keywords | None = None
    category_specification_other: Short | None = None
    content_type: ContentTypes | None = None
    content_type_other: Short | None = None
    content_language: Language | None = None
    content_date: ContentDay | None = None
    territorial_scope: Territory | None = None
    account_type: AccountType | None = None
    end_date_visibility_restriction: EndDay | None = None
    end_date_monetary_restriction: EndDay | None = None
    end_date_service_restriction: EndDay | None = None
    end_date_account_restriction: EndDay | None = None
    even_if_exempt: Annotated[
        bool, Field(description="make a statement although Article 17(2) or (5) would not ask for one")
    ] = False


class EditIn(Strict):
    """A statement written before the decision: it is used when the holder decides for this area under this lease."""

    lease_token: UUID
    policy_area: Annotated[str, Field(max_length=100)]
    statement: StatementIn


class StatementPreviewIn(Strict):
    """A decision as it would be, and what its holder would say otherwise."""

    policy_area: Annotated[str, Field(max_length=100)]
    actions: Annotated[list[Annotated[str, Field(max_length=100)]], Field(min_length=1, max_length=10)]
    lease_token: UUID | None = None
    statement: StatementIn | None = None


class SectionOut(BaseModel):
    """A part of the text of Article 17(3), under its heading."""

    name: Literal["decision", "facts", "automation", "ground", "redress"]
    heading: str
    text: str


class StatementPreviewOut(BaseModel):
    """What a decision would tell the author, and the record for the database; nothing is stored by looking at it.

    `problems` names the fields that a decision would be refused for. `exemption` says why no statement would be made.
    """

    exemption: Exemption | None
    language: NoticeLanguage
    sections: list[SectionOut]
    notice: str
    statement: dict[str, Any] | None
    assumed: list[str] = Field(description="fields that nobody gave, filled with the nearest that is known")
    edited: list[str]
    problems: list[str]


class StatementOut(BaseModel):
    """A statement of reasons as it stands. `statement` is what the Transparency Database gets; null where exempt."""

    id: UUID
    puid: str | None
    state: State
    exemption: Exemption | None
    case_id: UUID
    decision_id: UUID
    replaces: str | None = Field(description="puid of the earlier statement that this one takes the place of")
    policy_area: str
    made_at: datetime
    ready_at: datetime
    published_at: datetime | None
    withdrawn_at: datetime | None
    refused_message: str | None
    language: NoticeLanguage
    notice: str
    sections: list[SectionOut]
    statement: dict[str, Any] | None
    assumed: list[str]
    edited: list[str]
    afterwards: bool = Field(description="made at `made_at` by a person, for a decision that had been without")


class CaseStatementsOut(BaseModel):
    """The statements of a case, oldest first."""

    statements: list[StatementOut]


class Asked(Strict):
    """Which statements: those that have all of what is named. `before` is the `next` of an earlier answer."""

    state: State | None = None
    category: Category | None = None
    ground: Ground | None = None
    source_type: SourceType | None = None
    automated_detection: YesNo | None = None
    automated_decision: AutomatedDecision | None = None
    since: Moment | None = None
    until: Moment | None = None
    before: Annotated[int | None, Field(ge=1, le=2**62)] = None


class StatementLine(BaseModel):
    """A statement in a list."""

    id: UUID
    puid: str | None
    state: State
    exemption: Exemption | None
    case_id: UUID
    policy_area: str
    category: Category | None
    ground: Ground | None
    made_at: datetime
    refused_message: str | None
    afterwards: bool


class MissingLine(BaseModel):
    """A decision that restricts and has no statement: what it is now, what the statement lacked, and since when."""

    decision_id: UUID
    case_id: UUID
    policy_area: str
    actions: list[str]
    lacks: str
    noticed_at: datetime


class MissingOut(BaseModel):
    """The oldest first."""

    missing: list[MissingLine]


class AfterwardsOut(BaseModel):
    """Of a statement in a batch: it was made so much later than what it tells of."""

    puid: str
    decided_at: datetime
    made_at: datetime


class StatementsOut(BaseModel):
    """Statements, newest first; `next` is where the next page begins."""

    statements: list[StatementLine]
    next: int | None


class CountOut(BaseModel):
    """How many statements have one value of one field; taken back ones are not among them."""

    field: Literal["state", "category", "ground", "source_type", "automated_detection", "automated_decision"]
    code: str
    count: int


class CountsOut(BaseModel):
    """What Article 24(1) and 15 reports are made of: statements by category, ground, source and automation."""

    since: datetime | None
    until: datetime | None
    counts: list[CountOut]


class BatchOut(BaseModel):
    """Statements to post in one call. The same batch is given until it is confirmed, so that a repeated post is safe."""

    batch: int
    count: Annotated[int, Field(ge=1, le=BATCH)]
    statements: list[dict[str, Any]]
    afterwards: list[AfterwardsOut] = Field(
        description="those of them that were made up for after their decision had been without; not for the database"
    )


class BatchLine(BaseModel):
    """A batch in a list. `closed`: it was not taken as it was, and its statements went on into others."""

    number: int
    state: Literal["open", "published", "closed"]
    made_at: datetime
    settled_at: datetime | None
    count: int


class RefusedIn(Strict):
    """A statement that the database did not take, with its message."""

    puid: Puid
    message: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MESSAGE_CHARACTERS), Stored
    ]


def _once(value: list[Any]) -> list[Any]:
    names = [one if isinstance(one, str) else one.puid for one in value]
    if len(set(names)) != len(names):
        raise ValueError("the same puid is named twice")
    return value


class ConfirmIn(Strict):
    """What became of a batch. The database takes all of it or nothing.

    Without refusals all of it was taken. `refused` names those it did not take: they are set aside, and as none of the
    batch was taken then, the others go into the next one. `known` names those it had already (`existing_puids`).
    """

    batch: Annotated[int, Field(ge=1)]
    refused: Annotated[list[RefusedIn], Field(max_length=BATCH), AfterValidator(_once)] = Field(default_factory=list)
    known: Annotated[list[Puid], Field(max_length=BATCH), AfterValidator(_once)] = Field(default_factory=list)

    @model_validator(mode="after")
    def _apart(self) -> "ConfirmIn":
        if {one.puid for one in self.refused} & set(self.known):
            raise ValueError("a puid is either refused or known to the database, not both")
        return self


class ConfirmedOut(BaseModel):
    """How many statements of the batch are published now, set aside, and back for the next batch."""

    batch: int
    published: int
    refused: int
    again: int
