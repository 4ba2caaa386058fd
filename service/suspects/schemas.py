"""Wire types of labels that look wrong."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, model_validator

from service.opinions.schemas import Label
from service.wire import Identifier, Strict

MOST_SUSPECTS = 1_000


class SuspectIn(Strict):
    """A line of the file that `python -m eval suspects` writes."""

    id: Annotated[str, Field(pattern=r"^decision:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
    quality: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, description="0: surely wrong, 1: surely right")]
    suggested_area: Annotated[str, Field(max_length=100, description="an area of the taxonomy, or benign")]
    area: Annotated[str | None, Field(max_length=100, description="the area in doubt; not kept")] = None
    labelled: Annotated[bool | None, Field(description="whether the label says that the area applies; not kept")] = None
    probability: Annotated[float | None, Field(ge=0, le=1, description="what the model says; not kept")] = None
    issue: Annotated[bool | None, Field(description="counted as wrong; not kept")] = None

    @property
    def decision_id(self) -> UUID:
        """The decision that the label is of."""
        return UUID(self.id.removeprefix("decision:"))


def _distinct(value: list[SuspectIn]) -> list[SuspectIn]:
    if len({one.id for one in value}) != len(value):
        raise ValueError("the same label is named twice")
    return value


class SuspectsIn(Strict):
    """Labels that look wrong, and the model that says so."""

    bundle: Annotated[Identifier, Field(description="hash of the bundle, or name of the model that judged the labels")]
    suspects: Annotated[list[SuspectIn], Field(min_length=1, max_length=MOST_SUSPECTS), AfterValidator(_distinct)]


class UploadedSuspectsOut(BaseModel):
    """What became of each: `stored` ones wait to be looked at, the others are told back.

    `unknown` are decisions that are not exported, `not_standing` were undone or still can be, and `settled` were looked at
    before, here or by a check that found the decision wrong: what was found holds.
    """

    stored: int
    unknown: list[UUID]
    not_standing: list[UUID]
    settled: list[UUID]


class SuspectOut(BaseModel):
    """A label that looks wrong. Whoever decided is not named."""

    decision_id: UUID
    case_id: UUID
    text: str
    language: str | None
    policy_area: str
    severity: int
    actions: list[str]
    decided_at: datetime
    suggested_area: str
    quality: float
    found_at: datetime


class SuspectsOut(BaseModel):
    """The most doubtful labels that the caller may look at, worst first. `waiting` counts all of them up to 500, those before `after` too."""

    suspects: list[SuspectOut]
    waiting: int


class SuspectResolutionIn(Strict):
    """Whether the label holds and, where it does not, what holds instead; its note is read with the case."""

    outcome: Literal["label_stands", "label_wrong"]
    label: Label | None = None

    @model_validator(mode="after")
    def _label(self) -> Self:
        if (self.outcome == "label_wrong") != (self.label is not None):
            raise ValueError("label: say what holds instead where the label is wrong, and nothing where it stands")
        return self


class ResolvedOut(BaseModel):
    """What was found, and when; `label` is what holds instead of a wrong one."""

    decision_id: UUID
    outcome: Literal["label_stands", "label_wrong"]
    label: Label | None
    resolved_at: datetime
