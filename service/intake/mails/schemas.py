"""Wire types of intake by mail."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

Outcome = Literal["opened", "joined", "set_aside"]


class MailTakenOut(BaseModel):
    """What became of a mail. `number` is that of the record it opened or joined; `again` says that it was there before."""

    outcome: Outcome
    number: int | None
    reference: str | None
    again: bool = False


class MailAttachmentOut(BaseModel):
    """A file that came with a mail; `media` is null where it was not kept."""

    name: str
    mime: str
    bytes: int
    sha256: str
    media: UUID | None


class MailOut(BaseModel):
    """A mail of a record. Whatever it says of its sender is what it says of itself unless it is `verified`."""

    id: UUID
    sender: str
    subject: str
    verified: bool
    automatic: bool
    cut: bool = Field(description="its text was longer than what is kept")
    sha256: str = Field(description="of the whole message; files of the folder are kept under it")
    attachments: list[MailAttachmentOut]
    taken_at: datetime


class AsideOut(BaseModel):
    """A mail that a machine wrote about nothing of ours: an automatic answer, or a note that something was undeliverable."""

    id: UUID
    sender: str
    subject: str
    body: str
    taken_at: datetime


class AsideListOut(BaseModel):
    """Mails that were set aside, the newest first."""

    mails: list[AsideOut]
