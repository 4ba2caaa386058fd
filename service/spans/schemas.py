"""Wire types of masked parts."""

from pydantic import BaseModel, Field


class SpansOut(BaseModel):
    """What stands under masks of one text."""

    words: list[str] = Field(description="The asked part alone, or every masked part of the text in order.")
