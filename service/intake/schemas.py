"""Wire types of intake by form."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from service.escalations.schemas import (
    SUMMARY_CHARACTERS,
    TITLE_CHARACTERS,
    Area,
    AssetIn,
    AttachmentIn,
    Jurisdiction,
    Severity,
    Source,
    Status,
    TriggerName,
)
from service.intake.forms import FieldKind
from service.reports.schemas import SubjectIn
from service.wire import Moment, Stored, Strict

CONTENTS = 20
ATTACHMENTS = 20
FIELDS = 60

FieldName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Value = Annotated[str, StringConstraints(strip_whitespace=True, max_length=SUMMARY_CHARACTERS), Stored]
Values = Annotated[
    dict[FieldName, Value],
    Field(max_length=FIELDS, description="what the form asks for, by field; see GET /v1/escalation-forms"),
]
# Refuse what is incomplete, or take it in and ask for the rest.
Incomplete = Literal["refuse", "ask"]


class EscalationIn(Strict):
    """Something that is raised: by whom, what it is, and what its form asks for."""

    source: Source
    trigger: TriggerName
    title: Annotated[str, StringConstraints(strip_whitespace=True, max_length=TITLE_CHARACTERS), Stored] = Field(
        default="", description="a line of your own; without it the trigger and whoever raised it"
    )
    summary: Value = ""
    fields: Values = Field(default_factory=dict)
    language: Annotated[str, Field(pattern=r"^[a-z]{2,8}$", description="in which whoever raised it is answered")] = (
        "und"
    )
    jurisdiction: Jurisdiction | None = None
    policy_area: Area | None = None
    severity: Severity | None = None
    confidentiality: Literal["normal", "confidential"] | None = Field(
        default=None, description="more closed than the form is by default, never less; without it the default"
    )
    high_profile: bool = False
    at_risk: bool = False
    cases: Annotated[list[UUID], Field(max_length=100)] = Field(default_factory=list)
    assets: Annotated[list[AssetIn], Field(max_length=100)] = Field(default_factory=list)
    content: Annotated[
        list[SubjectIn],
        Field(max_length=CONTENTS, description="content to be reviewed: it is reported as by its source"),
    ] = Field(default_factory=list)
    media: Annotated[
        list[UUID | AttachmentIn],
        Field(
            max_length=ATTACHMENTS,
            description="uploaded media that came with it: ids, or ids with the names of the files",
        ),
    ] = Field(default_factory=list)
    received_at: Moment | None = None
    incomplete: Incomplete | None = Field(
        default=None,
        description="`refuse`: 422 that names each field, the default for people; `ask`: taken in, and what is missing is"
        " asked for, the default for machines, which pass on what came from outside",
    )


class FieldProblemOut(BaseModel):
    """A field that is missing or cannot be used, and how to mend it."""

    field: str
    label: str
    problem: str


class TakenInOut(BaseModel):
    """It is kept under this number. `escalation_id` is null where it takes a path of named people."""

    escalation_id: UUID | None
    number: int
    reference: str
    status: Status
    receipt: str = Field(description="for whoever raised it, in their language")
    question: str | None = Field(default=None, description="what they are asked for, in their language")
    missing: list[FieldProblemOut] = Field(default_factory=list)


class InformationIn(Strict):
    """What was missing, by field. What is not named stays as it is."""

    fields: Annotated[Values, Field(min_length=1)]


class InformationOut(BaseModel):
    """What is still missing; nothing once the record goes on."""

    status: Status
    missing: list[FieldProblemOut]


class FieldOut(BaseModel):
    """A field of a form. `required_if` is (other field, its value): then it is required."""

    id: str
    label: str
    help: str
    kind: FieldKind
    choices: list[str]
    required: bool
    required_if: tuple[str, str] | None


class FormOut(BaseModel):
    """What has to be said for a trigger of a source."""

    trigger: str
    label: str
    help: str
    confidentiality: str
    path: str | None
    fields: list[FieldOut]
    checklist: list[str] = Field(description="ids of what is looked at before it is answered")


class SourceOut(BaseModel):
    """A source with its forms."""

    source: Source
    label: str
    forms: list[FormOut]


class FormsOut(BaseModel):
    """The forms at work."""

    version: str
    sources: list[SourceOut]


class ChecklistItemOut(BaseModel):
    """An item of a checklist; `ticked_at` is null while it is open."""

    item: str
    label: str
    ticked_by: str | None
    ticked_at: datetime | None


class ChecklistOut(BaseModel):
    """What is looked at before the record is answered, and what of it was."""

    items: list[ChecklistItemOut]
    open: int


class TickIn(Strict):
    """Whether an item was looked at."""

    done: bool
