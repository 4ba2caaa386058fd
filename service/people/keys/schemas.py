"""Wire types of service keys."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from service.security import Capability
from service.wire import Strict

MOST_DAYS = 730

# A line that people read: no control characters, nothing invisible.
KeyName = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        min_length=1,
        max_length=80,
        pattern=r"^[^\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e]+$",
    ),
]


def _distinct(scopes: list[Capability]) -> list[Capability]:
    return sorted(set(scopes))


class KeyIn(Strict):
    """A new key: what it is for, and which of the capabilities of its account it has."""

    name: KeyName
    scopes: Annotated[
        list[Capability],
        Field(min_length=1, max_length=len(Capability), description="a part of what the role of the account may do"),
        AfterValidator(_distinct),
    ]
    days: Annotated[int, Field(ge=1, le=MOST_DAYS, description="It works for so long; null for no end.")] | None = None


class KeyOut(BaseModel):
    """A key without the key itself. `scopes` are null for everything that the role may do; `last_used_at` is to the minute."""

    id: UUID
    username: str
    name: str
    prefix: str
    scopes: list[str] | None
    state: Literal["live", "expired", "revoked"]
    made_at: datetime
    made_by: str | None
    expires_at: datetime | None
    last_used_at: datetime | None


class KeysOut(BaseModel):
    """The keys of one account, those that work in front."""

    keys: list[KeyOut]


class KeyMadeOut(KeyOut):
    """A new key, which is shown this once."""

    key: str
