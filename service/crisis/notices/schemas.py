"""Wire types of notices: what happened to a crisis, told to everybody who leads until they have confirmed it."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from service.wire import Strict

# What is told: it began, lasts longer, or is over. Drafts and reviews are nobody's alarm.
Told = Literal["begun", "begun_alone", "approved", "extended", "ended", "expired"]


class ToldOut(BaseModel):
    """One thing that happened; `actor` is null where the clock did it, `until` is the end that the crisis had then."""

    kind: Told
    at: datetime
    actor: str | None
    reason: str
    until: datetime | None


class NoticeOut(BaseModel):
    """What the caller has still to confirm of one crisis. `moment` is the latest of it: that is what is confirmed."""

    crisis: UUID
    kind: Literal["crisis", "continuity"]
    name: str
    moment: int
    told: list[ToldOut]


class NoticesOut(BaseModel):
    """All of them, that which has waited longest first."""

    notices: list[NoticeOut]


class SeenIn(Strict):
    """The latest moment that was looked at: it and those before are confirmed, and nothing that came since."""

    moment: Annotated[int, Field(ge=1, le=2**62)]


class ConfirmedOut(BaseModel):
    """Who has confirmed what was told last of a crisis, and who has not."""

    kind: Told
    at: datetime
    seen: list[str]
    unseen: list[str]
