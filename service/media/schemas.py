"""Wire types of media."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from service.banks.schemas import KnownOut


def _without_nul(value: str) -> str:
    if "\x00" in value:
        raise ValueError("the character U+0000 cannot be stored; remove it")
    return value


class UploadedOut(BaseModel):
    """An upload that is stored with all its previews."""

    media_id: UUID
    kind: Literal["image"]
    status: Literal["ready"]


class MediaItem(BaseModel):
    """A picture of a case as a reviewer first sees it: blurred, with the reason for how much."""

    id: UUID
    kind: str
    mime: str
    width: int
    height: int
    status: Literal["ready"]
    level: Annotated[int, Field(ge=1, le=4)]
    level_reason: str
    preview_url: str
    matches: list[KnownOut] = Field(default=[], description="Banks that know the picture, the strongest first.")


class RevealIn(BaseModel):
    """Asks for an original: under which lease, and why."""

    model_config = ConfigDict(extra="forbid")

    lease_token: UUID
    reason: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=500),
        AfterValidator(_without_nul),
        Field(description="why the original is needed; it is kept with the record of this exposure"),
    ]


class RevealOut(BaseModel):
    """Where the original is to be had until `expires_at`, by the same person only."""

    url: str
    expires_at: datetime
    exposure_id: UUID
