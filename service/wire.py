"""Types that the bodies of several domains are made of: what they refuse would otherwise be lost, or fail in storage."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field


def _without_nul(value: str) -> str:
    if "\x00" in value:
        raise ValueError("the character U+0000 cannot be stored; remove it")
    return value


def _storable_year(value: datetime) -> datetime:
    # Year 1 and year 9999 may fall outside of what can be read back, depending on the time zone of the reader.
    if not 1 < value.year < 9999:
        raise ValueError("a year from 2 to 9998 is needed")
    return value


Stored = AfterValidator(_without_nul)
Identifier = Annotated[str, Field(min_length=1, max_length=200), Stored]
SubjectKind = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$", description="such as post, comment, profile, ad")]
Moment = Annotated[AwareDatetime, AfterValidator(_storable_year)]
ViewsPerHour = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]


class Strict(BaseModel):
    """A body whose unknown fields are refused: a misspelt field would otherwise be lost without a word."""

    model_config = ConfigDict(extra="forbid")
