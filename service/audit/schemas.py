"""Wire types of the log of events."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

# A kind such as `case.decided`, or a group of kinds such as `case`.
KIND = r"^[a-z]{1,40}(\.[a-z_]{1,60})?$"


class LogFilter(BaseModel):
    """Which events are wanted; what is left out restricts nothing."""

    model_config = ConfigDict(extra="forbid")

    kind: Annotated[
        str | None, Field(pattern=KIND, description="a kind such as `case.decided`, or a group: `case`")
    ] = None
    actor: Annotated[
        str | None, Field(max_length=64, pattern=r"^[^\x00]+$", description="user name of a person or a machine")
    ] = None
    case_id: UUID | None = None
    subject: Annotated[
        str | None,
        Field(max_length=200, pattern=r"^[^\x00]+$", description="id of what was reported, as the platform has it"),
    ] = None
    since: Annotated[date | None, Field(description="first day, in UTC")] = None
    until: Annotated[date | None, Field(description="last day, in UTC")] = None
    before: Annotated[
        int | None, Field(ge=1, le=2**63 - 1, description="only events before the one with this number")
    ] = None


class LogEventOut(BaseModel):
    """One event: who did what to which case or escalation, when. `data` holds identifiers and numbers, never content.

    Who did it is null where nobody did, such as for what a worker does; and where it is kept back: `withheld`.
    """

    id: int
    at: datetime
    kind: str
    case_id: UUID | None
    escalation_id: UUID | None
    actor: str | None
    withheld: bool
    data: dict[str, Any]


class LogOut(BaseModel):
    """Events, newest first."""

    events: list[LogEventOut]
    next: Annotated[int | None, Field(description="`before` of the next page; null on the last one.")]
