"""Wire types of stateless scoring."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from service.reports.schemas import TEXT_CHARACTERS
from service.wire import Strict

TEXTS_PER_CALL = 64


class ScoreIn(Strict):
    """Texts to score; nothing of them is stored."""

    texts: Annotated[
        list[Annotated[str, Field(max_length=TEXT_CHARACTERS)]], Field(min_length=1, max_length=TEXTS_PER_CALL)
    ]


class ScoreResult(BaseModel):
    """Calibrated probabilities by area, of severity 0 to 4, and of graphic level 0 to 3 where the model judges it.

    Of the `unsure` areas neither answer can be excluded at the error rates that the bundle's manifest states.
    """

    areas: dict[str, float]
    severity: list[float]
    primary_area: str
    graphic: list[float] = []
    unsure: list[str] = []


class ScoresOut(BaseModel):
    """Results in the order of the texts. The probabilities of `unassessed` areas are a constant prior."""

    bundle: str
    unassessed: list[str]
    results: list[ScoreResult]


class ReleaseState(BaseModel):
    """What the workers last said of one part: the bundle that serves in it, and why the one that is named does not."""

    part: Literal["live", "staged", "shadow"]
    bundle: str | None
    problem: str | None
    at: datetime


class ModelsOut(BaseModel):
    """The bundles at work. `api` is what answers POST /v1/score in the process that was asked."""

    api: str | None
    api_problem: str | None
    workers: list[ReleaseState]
