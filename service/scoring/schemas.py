"""Wire types of stateless scoring."""

from typing import Annotated

from pydantic import BaseModel, Field

from service.reports.schemas import TEXT_CHARACTERS, Strict

TEXTS_PER_CALL = 64


class ScoreIn(Strict):
    """Texts to score; nothing of them is stored."""

    texts: Annotated[
        list[Annotated[str, Field(max_length=TEXT_CHARACTERS)]], Field(min_length=1, max_length=TEXTS_PER_CALL)
    ]


class ScoreResult(BaseModel):
    """Calibrated probabilities by area, and of severity 0 to 4."""

    areas: dict[str, float]
    severity: list[float]
    primary_area: str


class ScoresOut(BaseModel):
    """Results in the order of the texts. The probabilities of `unassessed` areas are a constant prior."""

    bundle: str
    unassessed: list[str]
    results: list[ScoreResult]
