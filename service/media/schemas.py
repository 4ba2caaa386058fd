"""Wire types of media."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from service.banks.schemas import KnownOut
from service.media.derivatives import Variant
from service.media.grants import Way

GRANT_CHARACTERS = 500

Level = Annotated[int, Field(ge=0, le=4)]


def _without_nul(value: str) -> str:
    if "\x00" in value:
        raise ValueError("the character U+0000 cannot be stored; remove it")
    return value


Status = Literal["pending", "ready", "failed"]


class UploadedMediaOut(BaseModel):
    """What has become of an upload. Reports can name it whatever its status is."""

    media_id: UUID
    kind: Literal["image", "video", "audio"]
    status: Annotated[
        Status,
        Field(description="pending: previews are being made; failed: there will be none, for the reason in `failure`"),
    ]
    failure: str | None = None


class MediaItem(BaseModel):
    """Something that a case shows as a reviewer first sees it: blurred, with the reason for how much.

    An address is null where there is no such rendering.
    """

    id: UUID
    kind: Literal["image", "video", "audio"]
    mime: str
    width: int | None
    height: int | None
    status: Status
    failure: str | None = Field(description="Why nothing can be shown of it.")
    duration_ms: int | None
    sound: bool
    level: Level = Field(
        description="The blur that the caller sees it at first: what is demanded, or their own setting."
    )
    level_reason: str
    least_level: Level = Field(description="The blur below which nobody is shown it without a reveal.")
    least_reason: str
    preview_url: str | None = Field(default=None, description="The blurred picture; of a video its first frame.")
    lines_url: str | None = Field(default=None, description="A line drawing, in place of a blurred picture.")
    sheet_url: str | None = Field(default=None, description="Nine frames of a video, blurred and gray.")
    proxy_url: str | None = Field(default=None, description="The video itself, blurred, gray and muted.")
    wave_url: str | None = Field(default=None, description="The waveform of sound.")
    lines_first: bool = Field(description="The caller wants to see the line drawing first.")
    assessment: str | None = Field(description="What the image model says, in words; null until it has looked.")
    text: str | None = Field(default=None, description="What was read in it, line by line; null until it was.")
    text_state: Literal["waiting", "read", "failed"] | None = Field(
        default=None, description="Whether text in it was read; null for sound. `failed`: it cannot be."
    )
    text_area: str | None = Field(default=None, description="The label that the text classifier gave what was read.")
    matches: list[KnownOut] = Field(default=[], description="Banks that know the picture, the strongest first.")


class PreviewQuery(BaseModel):
    """Which rendering of media is wanted."""

    level: Level | None = Field(default=None, description="0 plain to 4 strongest; the server may insist on more.")
    variant: Variant = Field(
        default="gray",
        description="`gray` or `colour` picture, `lines` drawing, `sheet` or `proxy` of a video, `wave` of sound.",
    )


class LensQuery(BaseModel):
    """Where the lens is: the centre of the tile as shares of width and height; beyond the edge it is moved inside."""

    grant: Annotated[str, Field(max_length=GRANT_CHARACTERS)]
    x: Annotated[float, Field(allow_inf_nan=False)]
    y: Annotated[float, Field(allow_inf_nan=False)]


class PreferencesIn(BaseModel):
    """How somebody wants media shown to themselves; never weaker than the rules ask."""

    model_config = ConfigDict(extra="forbid")

    level: Level | None = Field(default=None, description="The blur at first sight; null as the rules ask.")
    colour: bool = False
    lines_first: bool = False
    mask_text: bool = Field(default=True, description="Slurs and graphic words are covered until asked for.")


class PreferencesOut(BaseModel):
    """How media are shown to the caller, as they set it."""

    level: Level | None = None
    colour: bool = False
    lines_first: bool = False
    mask_text: bool = True


class MediaDefaultsOut(PreferencesOut):
    """How media are shown to whoever never said how they want them; `set_by` is null while nobody has changed it."""

    set_by: str | None = None
    set_at: datetime | None = None


Why = Literal["closed", "left", "hidden", "idle", "lease"]


class LookEndIn(BaseModel):
    """Why somebody does not look any more: closed by hand, page left, tab hidden, idle, or the case given back."""

    model_config = ConfigDict(extra="forbid")

    why: Why


class RevealIn(BaseModel):
    """Asks for an original: under which lease, why, and whether the whole of it or a part at a time."""

    model_config = ConfigDict(extra="forbid", validate_by_name=True, validate_by_alias=True)

    lease_token: UUID
    reason: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=500),
        AfterValidator(_without_nul),
        Field(description="why the original is needed; it is kept with the record of this exposure"),
    ]
    way: Annotated[
        Way,
        Field(
            alias="as",
            description="`lens`: the address gives one tile for `&x=&y=`, the centre as shares of the sides.",
        ),
    ] = "whole"


class RevealOut(BaseModel):
    """Where the original is to be had until `expires_at`, by the same person only."""

    url: str
    expires_at: datetime
    exposure_id: UUID
