"""Wire types of what goes out."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

DeliveryState = Literal["pending", "sending", "delivered", "cancelled", "failed"]


class DeliveryOut(BaseModel):
    """What became of a letter. `error` is that of the last try."""

    id: UUID
    reply_id: UUID | None
    message_id: UUID | None = Field(description="The message of the record; null while it can still be taken back.")
    sender: Literal["smtp", "webhook"]
    recipients: list[str]
    accepted: list[str] = Field(description="Recipients whose server has taken it.")
    subject: str
    automatic: bool
    state: DeliveryState
    attempts: int
    error: str | None
    deliver_after: datetime
    created_at: datetime
    delivered_at: datetime | None


class LetterOut(DeliveryOut):
    """A letter that was given up, with its record."""

    escalation_id: UUID
    number: int
    title: str


class LettersOut(BaseModel):
    """Letters that were given up, oldest first."""

    letters: list[LetterOut]
