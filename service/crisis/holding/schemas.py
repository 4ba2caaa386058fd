"""Wire types of holding statements: what crises at work let be said about an escalation."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from service.wire import Strict


class HoldingOut(BaseModel):
    """A statement of a crisis that covers the record, filled in as far as the record says; `number` counts from 0."""

    crisis: UUID
    number: int
    name: str
    until: datetime
    area: str | None
    language: str
    text: str


class HoldingsOut(BaseModel):
    """All that are offered, those in the language of the record first."""

    statements: list[HoldingOut]


class HoldingIn(Strict):
    """The statement that a reply begins with."""

    crisis: UUID
    number: Annotated[int, Field(ge=0, lt=50)]
