"""Wire types of escalations."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from service.media.schemas import MediaItem
from service.wire import Identifier, Moment, Stored, Strict

Source = Literal[
    "user",
    "press",
    "partner",
    "trusted_flagger",
    "regulator",
    "law_enforcement",
    "court",
    "advertiser",
    "rights_holder",
    "employee",
    "leadership",
    "vendor",
]
Status = Literal["new", "needs_information", "working", "waiting", "resolved"]
Confidentiality = Literal["normal", "confidential", "restricted"]
Path = Literal["child_safety", "law_enforcement"]
AssetKind = Literal["account", "page", "business", "ad_account", "ad", "post", "domain"]
Direction = Literal["internal", "inbound", "outbound"]
MessageKind = Literal["note", "handover", "reply", "receipt", "question", "mail", "reason"]
# What somebody does with a record; what leads where is in `states`.
Verb = Literal["take", "assign", "release", "wait", "ask", "go_on", "resolve", "take_up"]
WaitingFor = Literal["consult", "requester", "other_team", "third_party"]
# Why a record was closed. A closed list: what a reason means is said in docs/escalations.md.
Resolution = Literal[
    "actioned",
    "partly_actioned",
    "no_violation",
    "decision_reversed",
    "complied",
    "refused",
    "referred",
    "answered",
    "insufficient_information",
    "duplicate",
    "withdrawn",
]

TITLE_CHARACTERS = 200
SUMMARY_CHARACTERS = 20_000
MESSAGE_CHARACTERS = 20_000
# Of messages and events so many at a time, where nobody asks for another number.
PAGE = 100

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=TITLE_CHARACTERS), Stored]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MESSAGE_CHARACTERS), Stored]
Summary = Annotated[str, StringConstraints(strip_whitespace=True, max_length=SUMMARY_CHARACTERS), Stored]
TriggerName = Annotated[
    str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$", description="what came in: a row of the matrix of clocks")
]
Severity = Annotated[int, Field(ge=0, le=4)]
Jurisdiction = Annotated[str, Field(pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2, or EU")]
Area = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$", description="a policy area id")]


class RequesterIn(Strict):
    """Whoever raises it, as far as they say. `reference` is their own name for it, such as an order or a ticket number."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), Stored] = ""
    organisation: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), Stored] = ""
    email: Annotated[str, StringConstraints(strip_whitespace=True, max_length=254), Stored] = ""
    reference: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), Stored] = ""


class AssetIn(Strict):
    """An account, business asset or piece of content that an escalation is about, by the platform's own id."""

    kind: AssetKind
    id: Identifier


class AssetOut(BaseModel):
    """What an escalation is about: a case, another record, or an account or asset by the platform's own id."""

    id: UUID
    kind: AssetKind | Literal["case", "escalation"]
    case_id: UUID | None
    other_id: UUID | None
    external_id: str | None
    added_at: datetime


class NewEscalation(Strict):
    """What a record is opened with. `fields` are those of the form of its source, checked before."""

    source: Source
    trigger: TriggerName
    title: Line
    summary: Summary = ""
    fields: dict[str, str] = Field(default_factory=dict)
    language: Annotated[str, Field(pattern=r"^[a-z]{2,8}$")] = "und"
    jurisdiction: Jurisdiction | None = None
    policy_area: Area | None = None
    severity: Severity | None = None
    confidentiality: Confidentiality = "normal"
    path: Path | None = None
    high_profile: bool = False
    at_risk: bool = False
    requester: RequesterIn = RequesterIn()
    cases: Annotated[list[UUID], Field(max_length=100)] = Field(default_factory=list)
    assets: Annotated[list[AssetIn], Field(max_length=100)] = Field(default_factory=list)
    received_at: Moment | None = None


class EscalationOut(BaseModel):
    """A record as those who work on it see it."""

    id: UUID
    number: int
    source: Source
    trigger: str
    title: str
    summary: str
    fields: dict[str, str]
    language: str
    jurisdiction: str | None
    policy_area: str | None
    severity: int | None
    confidentiality: Confidentiality
    path: Path | None
    high_profile: bool
    at_risk: bool
    grey_area: bool
    status: Status
    waiting_for: WaitingFor | None
    version: int = Field(description="counts changes; send it with a change, so that none is overwritten unseen")
    owner: str | None = Field(description="user name of whoever works on it")
    requester: RequesterIn
    received_at: datetime
    opened_at: datetime
    resolution: Resolution | None
    resolution_note: str | None
    resolved_at: datetime | None


class MoveIn(Strict):
    """Something that is done with a record, and the words that go with it, which stay among colleagues."""

    verb: Verb
    version: Annotated[int | None, Field(ge=1, description="the record as one saw it; null: as it is now")] = None
    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=MESSAGE_CHARACTERS), Stored] = ""
    waiting_for: Annotated[WaitingFor | None, Field(description="for `wait`")] = None
    to: Annotated[str | None, Field(pattern=r"^[a-z0-9._-]{2,64}$", description="user name, for `assign`")] = None
    owner: Annotated[
        str | None,
        Field(
            pattern=r"^[a-z0-9._-]{2,64}$",
            description="user name of whoever has it, as one saw it: needed to take it over from a colleague",
        ),
    ] = None
    resolution: Annotated[Resolution | None, Field(description="for `resolve`; meanings: docs/escalations.md")] = None
    original: Annotated[UUID | None, Field(description="for a duplicate: the record that goes on")] = None


class FactsIn(Strict):
    """Facts to be changed; what is left out stays. `reason` is needed where who may see the record changes."""

    version: Annotated[int | None, Field(ge=1)] = None
    reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2_000), Stored] = ""
    title: Line | None = None
    trigger: TriggerName | None = None
    language: Annotated[str | None, Field(pattern=r"^[a-z]{2,8}$")] = None
    jurisdiction: Jurisdiction | None = None
    policy_area: Area | None = None
    severity: Severity | None = None
    high_profile: bool | None = None
    at_risk: bool | None = None
    grey_area: bool | None = None
    confidentiality: Confidentiality | None = None
    path: Path | None = None


class EscalationLinkIn(Strict):
    """What a record is also about: exactly one of a case, another record, or an account or asset."""

    case_id: UUID | None = None
    other_id: UUID | None = None
    asset: AssetIn | None = None


class EscalationLinkOut(AssetOut):
    """What a record is about, or (`incoming`) another record that names this one. Absent where the caller may not see it."""

    incoming: bool
    number: Annotated[int | None, Field(description="of the other record")]
    title: Annotated[str | None, Field(description="of the other record")]
    status: Annotated[str | None, Field(description="of the case or the other record")]


class LinksOut(BaseModel):
    """Everything that a record is about and what names it."""

    links: list[EscalationLinkOut]


class WatcherIn(Strict):
    """Somebody who wants to follow a record; oneself where nobody is named."""

    username: Annotated[str | None, Field(pattern=r"^[a-z0-9._-]{2,64}$")] = None


class WatchersOut(BaseModel):
    """User names of those who follow a record."""

    watchers: list[str]


class AttachmentIn(Strict):
    """A medium that the caller uploaded before (`POST /v1/media`)."""

    media_id: UUID
    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), Stored] = ""


class EscalationAttachmentOut(BaseModel):
    """A medium that is kept with a record, under the name that it came with."""

    name: str
    medium: MediaItem


class AttachmentsOut(BaseModel):
    """In the order in which they came."""

    attachments: list[EscalationAttachmentOut]


class EscalationPrecedentOut(BaseModel):
    """A resolved record that is like another one, and why it is thought to be."""

    id: UUID
    number: int
    title: str
    language: str
    source: Source
    trigger: str
    policy_area: str | None
    grey_area: bool
    resolution: Resolution
    resolution_note: str
    resolved_at: datetime
    same: list[Literal["policy_area", "trigger", "source", "words"]]


class EscalationPrecedentsOut(BaseModel):
    """The most alike first."""

    precedents: list[EscalationPrecedentOut]


class MessageIn(Strict):
    """Something to be kept with the record: a note among colleagues, or what whoever raised it said."""

    direction: Literal["internal", "inbound"] = "internal"
    kind: Literal["note", "handover", "mail"] = "note"
    body: Words
    language: Annotated[str, Field(pattern=r"^[a-z]{2,8}$")] = "und"


class EscalationMessageOut(BaseModel):
    """One message of a record. `author` is null for what came from outside and what the product wrote by itself."""

    id: UUID
    direction: Direction
    kind: MessageKind
    body: str
    language: str
    author: str | None
    written_at: datetime


class MessagesOut(BaseModel):
    """The newest messages of a record, or of those before one of them, oldest first."""

    messages: list[EscalationMessageOut]
    next: Annotated[UUID | None, Field(description="`before` of those still older; null at the beginning")]


class MessagesQuery(Strict):
    """Which messages of a record are wanted."""

    before: Annotated[UUID | None, Field(description="`next` of the newer ones")] = None
    limit: Annotated[int, Field(ge=1, le=200)] = PAGE


class EscalationEventOut(BaseModel):
    """One thing that happened to a record."""

    id: int
    at: datetime
    kind: str
    actor: str | None
    data: dict[str, object]


class TimelineOut(BaseModel):
    """The newest of what happened to a record, or of what happened before an event, oldest first."""

    events: list[EscalationEventOut]
    next: Annotated[int | None, Field(description="`before` of what is still older; null at the beginning")]


class TimelineQuery(Strict):
    """Which events of a record are wanted."""

    before: Annotated[int | None, Field(ge=1, le=2**63 - 1, description="`next` of the newer ones")] = None
    limit: Annotated[int, Field(ge=1, le=200)] = PAGE


class NewsOut(BaseModel):
    """A record that one follows, and what happened to it since one last looked."""

    id: UUID
    number: int
    title: str
    language: str
    status: Status
    news: Annotated[int, Field(description="how much happened")]
    newest: EscalationEventOut


class NewsListOut(BaseModel):
    """Records with news, those with the newest first."""

    records: list[NewsOut]
    total: int


class LookedIn(Strict):
    """What was shown of a record: events that are no news any more."""

    events: Annotated[list[Annotated[int, Field(ge=1, le=2**63 - 1)]], Field(min_length=1, max_length=500)]
