"""Wire types of narratives."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from service.people.schemas import InterfaceLanguage
from service.wire import Stored, Strict

Audience = Literal["internal", "leadership", "partner", "regulator"]
Form = Literal["brief", "full"]
FileFormat = Literal["pdf", "docx", "html"]
Paper = Literal["a4", "letter"]

BOTTOM_LINE_CHARACTERS = 2000

BottomLine = Annotated[str, StringConstraints(strip_whitespace=True, max_length=BOTTOM_LINE_CHARACTERS), Stored]
ZoneName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_+/-]{1,64}$", description="IANA name, such as Europe/Dublin")]


class DraftAsked(Strict):
    """For whom, in which form and language, with times of which zone. What people wrote stays in the language they wrote in."""

    audience: Audience = "internal"
    form: Form = "brief"
    language: InterfaceLanguage = "en"
    zone: ZoneName = "UTC"


class NarrativeIn(DraftAsked):
    """A narrative to be kept. `bottom_line` is what a person wrote; empty for what the rules propose, which then says so."""

    bottom_line: BottomLine = ""


class NarrativeOut(BaseModel):
    """A narrative as it was made. `content_hash` is the SHA-256 of its document."""

    id: UUID
    version: int
    audience: Audience
    form: Form
    written: bool
    content_hash: str
    facts_at: datetime
    made_by: str
    made_at: datetime


class NarrativeChangeOut(BaseModel):
    """A line that one narrative has and the one before it for the same audience has not, or the other way round."""

    kind: Literal["added", "removed"]
    text: str


class NarrativeDetailOut(NarrativeOut):
    """A narrative with its document, and what changed since the one before it for the same audience and form."""

    document: dict[str, Any]
    since_version: int | None
    changes: list[NarrativeChangeOut]


class NarrativesOut(BaseModel):
    """The narratives of a record, newest first."""

    narratives: list[NarrativeOut]


class FileAsked(Strict):
    """As which file, on which paper."""

    format: FileFormat = "pdf"
    paper: Paper = "a4"
