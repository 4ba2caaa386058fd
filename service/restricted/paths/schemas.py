"""Wire types of restricted paths: who is named there, and what changes of that wait."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from service.escalations.schemas import Path
from service.people.schemas import Username
from service.wire import Stored, Strict

REASON_CHARACTERS = 1_000

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=REASON_CHARACTERS), Stored]


class MemberIn(Strict):
    """Somebody to be named on a path; a second person has to confirm it."""

    username: Username
    reason: Reason


class PathRemovalIn(Strict):
    """Why somebody is taken off a path, which takes effect at once."""

    reason: Reason


class PathMemberOut(BaseModel):
    """Somebody who is named. `opens` is false where the account is closed or its role works on no escalations."""

    username: str
    role: str
    opens: bool
    added_at: datetime
    added_by: str | None


class PathChangeOut(BaseModel):
    """A change that waits for a second person, or what became of one."""

    id: UUID
    path: Path
    change: Literal["add", "remove"]
    username: str
    reason: str
    asked_by: str
    asked_at: datetime
    settled_by: str | None
    settled_at: datetime | None
    confirmed: bool | None
    mine_to_settle: bool = Field(description="the caller may confirm it")


class AlarmOut(BaseModel):
    """What is wrong with a path: `few_members` have fewer than two, `nobody_may_open` leaves records waiting."""

    path: Path
    kind: Literal["few_members", "nobody_may_open"]
    count: int = Field(description="of members who can open records, or of records that wait")


class PathOut(BaseModel):
    """A path with its people. `open_records` is null for whoever is not one of them."""

    path: Path
    members: list[PathMemberOut]
    changes: list[PathChangeOut]
    open_records: int | None


class PathsOut(BaseModel):
    """The paths that the caller may know of, and what is wrong with them."""

    paths: list[PathOut]
    alarms: list[AlarmOut]
