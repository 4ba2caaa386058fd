"""Wire types of calibration sessions."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from service.opinions.schemas import Judgement
from service.quality.plans.schemas import Line
from service.quality.settling.schemas import SaidOut
from service.wire import Moment, Stored, Strict

GUIDANCE_CHARACTERS = 10_000


class CalibrationIn(Strict):
    """A session about what people disagreed on in a period, the newest first."""

    title: Line
    since: Moment
    until: Moment
    items: Annotated[int, Field(ge=1, le=50, strict=True)] = 20


class AgreedIn(Judgement):
    """What the session agreed on for one item; the note says why."""


class GuidanceIn(Strict):
    """What applies from now on, in the words of the session. It ends the session."""

    guidance: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=GUIDANCE_CHARACTERS), Stored
    ]


class AnswerOut(SaidOut):
    """One answer. `name` says nothing of who gave it."""

    name: str
    note: str


class CalibrationItemOut(BaseModel):
    """An item with all its answers, what was settled, and what the session agreed on."""

    item_id: UUID
    kind: str
    language: str | None
    text: str
    answers: list[AnswerOut]
    settled: SaidOut
    error: str | None
    agreed: SaidOut | None
    note: str
    golden: bool


class CalibrationRow(BaseModel):
    """A session in a line."""

    id: UUID
    title: str
    made_at: datetime
    closed_at: datetime | None
    items: int
    agreed: int


class CalibrationsOut(BaseModel):
    """The newest 100, newest first."""

    sessions: list[CalibrationRow]


class CalibrationOut(CalibrationRow):
    """A session. Items whose content the caller has to judge blindly, or may not see, are left out."""

    guidance: str
    contents: list[CalibrationItemOut]


class PackArea(BaseModel):
    """A policy area of the pack."""

    id: str
    name: str
    description: str
    floor: int


class PackSeverity(BaseModel):
    """A step of the scale with its anchors."""

    level: int
    name: str
    anchor: str


class PackOut(BaseModel):
    """A session to take along: content, answers under neutral names, what was agreed, and the anchors. Nobody is named."""

    form: Literal["content-triage calibration pack, version 1"] = "content-triage calibration pack, version 1"
    taxonomy_version: str
    title: str
    made_at: datetime
    guidance: str
    areas: list[PackArea]
    severities: list[PackSeverity]
    items: list[CalibrationItemOut]
