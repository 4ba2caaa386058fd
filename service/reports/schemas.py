"""Wire types of intake."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, model_validator

from service.clocks.schemas import Basis, ClockKind
from service.routing.schemas import Channel
from service.wire import Identifier, Moment, Stored, Strict, SubjectKind, ViewsPerHour

TEXT_CHARACTERS = 100_000
NOTE_CHARACTERS = 10_000
MEDIA_PER_SUBJECT = 10
FLAGS_PER_REPORT = 20


def _distinct(value: list[UUID]) -> list[UUID]:
    if len(set(value)) != len(value):
        raise ValueError("the same media is named twice")
    return value


def _distinct_flags(value: list[str]) -> list[str]:
    return sorted(set(value))


class PlatformPersonIn(Strict):
    """Somebody on the platform, by the platform's own id."""

    id: Identifier


LanguageTag = Annotated[str, Field(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}$", description="BCP 47 tag")]


class SubjectIn(Strict):
    """The reported content. Its text and media at this moment become the evidence snapshot."""

    id: Identifier
    kind: SubjectKind
    text: Annotated[str, Field(max_length=TEXT_CHARACTERS), Stored] = ""
    language: LanguageTag | None = None
    author: PlatformPersonIn | None = None
    created_at: Moment | None = None
    market: Annotated[
        str | None, Field(pattern=r"^[A-Z]{2}$", description="country where it is seen, ISO 3166-1 alpha-2")
    ] = None
    views_per_hour: ViewsPerHour | None = None
    media: Annotated[list[UUID], Field(max_length=MEDIA_PER_SUBJECT), AfterValidator(_distinct)] = Field(
        default_factory=list
    )

    @model_validator(mode="after")
    def _has_content(self) -> "SubjectIn":
        if not self.text.strip() and not self.media:
            raise ValueError("a subject needs text or media")
        return self


class DeadlineIn(Strict):
    """A clock that comes with the report. It never pauses; `basis` says what sets it, such as an article or a contract."""

    kind: ClockKind
    basis: Basis
    due_at: Moment


class ReportIn(Strict):
    """One notice from a reporter about one subject."""

    channel: Channel
    reason: Annotated[
        str,
        Field(min_length=1, max_length=100, description="a policy area id, or the platform's own word for the reason"),
        Stored,
    ]
    note: Annotated[str, Field(max_length=NOTE_CHARACTERS), Stored] = ""
    reporter: PlatformPersonIn | None = None
    flags: Annotated[
        list[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]],
        Field(
            max_length=FLAGS_PER_REPORT,
            description="what the platform knows of it, such as high_profile; routing rules may ask for it, and"
            " child_safety, threat_to_life and legal_order take the special routes",
        ),
        AfterValidator(_distinct_flags),
    ] = Field(default_factory=list)
    deadline: DeadlineIn | None = None
    subject: SubjectIn


class ReportAccepted(BaseModel):
    """The report is stored, in exactly one case.

    `decided`: the content was looked at before, and nothing in the report asks for another look. It is kept with that
    case and counted, and the standing decision is the answer to the reporter.
    """

    report_id: UUID
    case_id: UUID
    case_status: Literal["open", "leased", "held", "decided"]


class Intake(BaseModel):
    """A report with what the service adds to it."""

    report: ReportIn
    received_from: UUID
    received_at: datetime
    idempotency_key: str | None = None
    sample: bool = False
