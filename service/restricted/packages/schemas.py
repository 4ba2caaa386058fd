"""Wire types of packages that a person files with an authority. The system files nothing."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from service.wire import Stored, Strict

Kind = Literal["ncmec", "nca", "law_enforcement"]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=200), Stored]


class PackageIn(Strict):
    """What the package is for: a report to NCMEC or the NCA, or a response to law enforcement."""

    kind: Kind


class FilingIn(Strict):
    """Entered by a person after they filed the package themselves."""

    filed_on: date
    filed_with: Line
    reference: Line


class FilingOut(BaseModel):
    """Where a person filed it, and under which reference."""

    filed_on: date
    filed_with: str
    reference: str
    entered_by: str
    entered_at: datetime


class PackageOut(BaseModel):
    """A package: `body` is what is filed, and `sha256` that of its JSON with sorted keys and no spaces."""

    id: UUID
    escalation_id: UUID
    number: int
    kind: Kind
    made_by: str
    made_at: datetime
    sha256: str
    body: dict[str, Any]
    filing: FilingOut | None = Field(description="null until a person enters it; nothing is filed by the system")


class PackagesOut(BaseModel):
    """The packages of a record, newest first."""

    packages: list[PackageOut]
