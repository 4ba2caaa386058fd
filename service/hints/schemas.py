"""Wire types of hints."""

from typing import Literal

from pydantic import BaseModel, Field


class HintOut(BaseModel):
    """A word or passage: the characters from `start` up to `end`, counted as Unicode code points.

    `wide` and `deep` are changes of the log-odds of the area: what the model's table of word sequences adds for it (null
    where the bundle does not tell), and by how much the rest falls when the word is left out.
    """

    start: int
    end: int
    wide: float | None
    deep: float
    strength: Literal[0, 1, 2] = Field(description="0 nothing worth showing, 1 slight, 2 strong.")


class HintsOut(BaseModel):
    """What the model reacted to. These are hints: the model reacted to these words; they are no reason to decide."""

    area: str
    bundle: str
    start: int = Field(description="Where the part that was looked at begins.")
    end: int
    whole: bool = Field(description="False for a long text: only the part with the highest score was looked at.")
    hints: list[HintOut] = Field(description="In reading order, without overlaps; words that moved nothing included.")
    cleaned: str | None = Field(
        description="The text as the model reads it, given where places could not be traced back: they then count there."
    )
