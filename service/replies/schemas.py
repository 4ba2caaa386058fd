"""Wire types of the templates of replies."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from service.escalations.schemas import Area, Source
from service.wire import Moment, Stored, Strict

Purpose = Literal["receipt", "holding", "needs_information", "final", "decision", "refusal"]
SUBJECT_CHARACTERS = 200
BODY_CHARACTERS = 10_000
_CONTROL = frozenset(chr(code) for code in (*range(32), *range(127, 160), 0x2028, 0x2029))


def _one_line(value: str) -> str:
    if _CONTROL & set(value):
        raise ValueError("one line without control characters is needed")
    return value


Language = Annotated[str, Field(pattern=r"^[a-z]{2,8}$", description="BCP 47 code of the language of the text")]
Subject = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=SUBJECT_CHARACTERS),
    AfterValidator(_one_line),
]
Body = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=BODY_CHARACTERS), Stored]
Owner = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), AfterValidator(_one_line)
]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), Stored]


class TemplateIn(Strict):
    """A new version of a template. Without a source it is for all of them, without an area for every one."""

    source: Source | None = None
    area: Area | None = None
    language: Language
    purpose: Purpose
    subject: Subject
    body: Body
    owner: Owner
    reason: Reason
    offered: bool = Field(default=True, description="false takes the template out of use")
    effective_at: Moment | None = Field(default=None, description="null: from now on")


class TemplateOut(BaseModel):
    """A version of a template. `state` says whether replies are begun with it now."""

    id: UUID
    source: Source | None
    area: str | None
    language: str
    purpose: Purpose
    version: int
    subject: str
    body: str
    offered: bool
    owner: str
    reason: str
    effective_at: datetime
    shipped: bool
    state: Literal["in_force", "coming", "replaced", "withdrawn"]


class TemplatesOut(BaseModel):
    """Templates in force and coming, by purpose, source, area and language."""

    templates: list[TemplateOut]


class TemplateVersionsOut(BaseModel):
    """All versions of one template, newest first."""

    versions: list[TemplateOut]


class PlaceholderOut(BaseModel):
    """A name that templates may use as {{ name }}."""

    name: str
    type: Literal["text", "date", "moment", "link", "paragraph"]
    meaning: str


class PlaceholdersOut(BaseModel):
    """Every name there is; anything else that has to be said is written as {{ fill: what }}."""

    placeholders: list[PlaceholderOut]


class TemplateStepOut(BaseModel):
    """One step of the choice of a template: what was looked for, and whether it was found."""

    source: Source | None
    area: str | None
    language: str
    found: bool
