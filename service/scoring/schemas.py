"""Wire types of stateless scoring."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, model_validator

from service.reports.schemas import TEXT_CHARACTERS, LanguageTag
from service.wire import Strict

TEXTS_PER_CALL = 64


class ScoreIn(Strict):
    """Texts to score; nothing of them is stored. `languages` are one for each text, null where it is not known, or none at all."""

    texts: Annotated[
        list[Annotated[str, Field(max_length=TEXT_CHARACTERS)]], Field(min_length=1, max_length=TEXTS_PER_CALL)
    ]
    languages: Annotated[list[LanguageTag | None], Field(max_length=TEXTS_PER_CALL)] = Field(default_factory=list)

    @model_validator(mode="after")
    def _one_language_for_each(self) -> "ScoreIn":
        if self.languages and len(self.languages) != len(self.texts):
            raise ValueError(
                f"languages: {len(self.languages)} for {len(self.texts)} texts; give one for each, or none"
            )
        return self


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


class GateRuleOut(BaseModel):
    """One rule of the gate, who answers for it, and what it found."""

    rule: str
    passed: bool
    reason: str
    owner: str


class VerdictOut(BaseModel):
    """What the gate said of one bundle hash; `compared_with` is the bundle before it."""

    passed: bool
    compared_with: str | None
    rules: list[GateRuleOut]


class AreaFiguresOut(BaseModel):
    """Of one area: average precision with its interval of 95 % on validation rows, and from which probability it applies."""

    area: str
    positives: int | None
    auprc: float | None
    low: float | None
    high: float | None
    base_rate: float | None
    calibration_error: float | None
    threshold: float | None


class BundleOut(BaseModel):
    """What a bundle says of itself. `card` is the model card up to its figures, as Markdown."""

    bundle: str
    name: str
    created: str
    taxonomy_version: str
    untrained_areas: list[str]
    max_tokens: int
    windows: int
    validation_rows: int | None
    macro_auprc: float | None
    macro_low: float | None
    macro_high: float | None
    areas: list[AreaFiguresOut]
    verdict: VerdictOut | None
    card: str | None


class ReleaseChangeOut(BaseModel):
    """One release: `bundle` plays its part from then on (null: nobody, or the shipped one for live)."""

    at: datetime
    action: str
    bundle: str | None
    replaced: str | None
    by: str
    reason: str
    skipped: list[str]


class ReleasesOut(BaseModel):
    """Releases of the registry, newest first, at most 100. Without a `registry` the shipped bundle is live, always."""

    registry: bool
    problem: str | None
    share: float | None = Field(description="Of the cases, that the staged bundle scores.")
    history: list[ReleaseChangeOut]
