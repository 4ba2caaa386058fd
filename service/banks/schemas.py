"""Wire types of banks of known pictures."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from models.pdq import RADIUS
from service.routing.schemas import Label, Title
from service.wire import Stored, Strict

Format = Literal["csv", "text", "threatexchange", "stopncii"]
Written = Literal["csv", "text"]
Note = Annotated[str, Field(max_length=1000), Stored]
Given = Annotated[str, Field(min_length=1, max_length=1000), Stored]
Who = Annotated[str, Field(min_length=1, max_length=100), Stored]
Level = Annotated[int, Field(ge=2, le=4, strict=True, description="blur of what matches, 2 to 4")]
Distance = Annotated[
    int,
    Field(ge=0, le=RADIUS, strict=True, description="most bits of 256 in which a match may differ; PDQ's authors: 31"),
]
MatchShare = Annotated[
    float, Field(ge=0, le=1, allow_inf_nan=False, description="share of matching media on which the bank has an effect")
]


class BankIn(Strict):
    """A new bank. Without a share its matches are only counted, until somebody trusts it."""

    name: Annotated[Title, Field(min_length=1)]
    purpose: Given
    owner: Who
    policy_area: Label
    level: Level = 4
    distance: Distance = RADIUS
    match_share: MatchShare = 0.0


class BankChangeIn(Strict):
    """What is to change of a bank; what is left out stays. To disable it (`active` false) takes a note."""

    purpose: Given = ""
    owner: Who = ""
    level: Level = 4
    distance: Distance = RADIUS
    match_share: MatchShare = 0.0
    active: bool = Field(default=True, strict=True)
    note: Note = ""


class PrecisionOut(BaseModel):
    """Of `n` cases with a match that were then decided, the share that was decided in the bank's area, with its interval of
    95 %; null of fewer than 30. Whoever decides sees the match, where it acts: it says how often people agree with the bank.
    """

    n: int
    value: float | None
    low: float | None
    high: float | None


class BankOut(BaseModel):
    """A bank: `hashes` in it, of which `waiting` are still to be looked for among the media there are, and the matches of the
    last seven days: those that act and those that are only counted.
    """

    id: UUID
    name: str
    purpose: str
    owner: str
    policy_area: str
    level: int
    distance: int
    match_share: float
    active: bool
    disabled_note: str | None
    made_at: datetime
    hashes: int
    waiting: int
    acting: int
    counted: int
    precision: PrecisionOut


class BanksOut(BaseModel):
    """Every bank, by name."""

    banks: list[BankOut]


class BankChangeOut(BaseModel):
    """A change of a bank: the value before and after, by field."""

    changed: dict[str, tuple[Any, Any]]
    note: str
    made_by: str | None
    made_at: datetime


class BankWholeOut(BankOut):
    """A bank with the last hundred of its changes, the newest first."""

    changes: list[BankChangeOut]


class HashIn(Strict):
    """A hash by its value. `confirmed` is false for a lead that nobody has looked into."""

    pdq: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{64}$", description="256 bits as 64 hexadecimal digits")]
    note: Note = ""
    confirmed: bool = Field(default=True, strict=True)


class DecidedIn(Strict):
    """A picture of a decided case."""

    decision_id: UUID
    media_id: UUID
    note: Note = ""


class HashAddedOut(BaseModel):
    """The hash; `added` is false where the bank had it already."""

    hash_id: int
    added: bool


class HashRemovalIn(Strict):
    """Why a hash is taken out."""

    note: Given


class HashOut(BaseModel):
    """A hash of a bank. `source` says where it came from."""

    id: int
    pdq: str
    note: str
    tags: list[str]
    confirmed: bool
    source: str
    decision_id: UUID | None
    added_at: datetime
    removed_at: datetime | None
    removed_note: str | None


class HashesOut(BaseModel):
    """Hashes of a bank, the newest first; ask again with `before` for older ones, until it is null."""

    hashes: list[HashOut]
    before: int | None


class ImportedHashesOut(BaseModel):
    """What was done with a file: hashes added and withdrawn, those the bank had already or the file repeats, of them leads that
    the file confirms, and what was left out, by reason.
    """

    added: int
    duplicates: int
    confirmed: int
    withdrawn: int
    left_out: dict[str, int]


class EarlierOut(BaseModel):
    """The decision that stands on the same picture; who made it is not shown."""

    case_id: UUID
    actions: list[str]
    policy_area: str
    severity: int
    decided_at: datetime
    own: bool = Field(description="Whether the picture was put into the bank because of this decision.")


class KnownOut(BaseModel):
    """A picture is known: to which bank, how alike it is in words, and what was decided on it before."""

    bank_id: UUID
    bank: str
    policy_area: str
    level: int
    distance: int = Field(description="Bits of 256 that differ.")
    likeness: str
    position_ms: int = Field(description="Of the frame of a video or an animation; 0 for a picture.")
    note: str
    source: str
    confirmed: bool
    earlier: EarlierOut | None
