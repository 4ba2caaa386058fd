"""What a check comes to."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from service.opinions.schemas import Judgement

By = Literal["agreement", "adjudication", "dispute"]


class SaidOut(BaseModel):
    """What somebody said, or what holds."""

    policy_area: str
    severity: int
    actions: list[str]


class BlindAnswerIn(Judgement):
    """A blind answer, and how sure its author is: 1 guessed, 2 likely, 3 certain."""

    confidence: Annotated[int, Field(ge=1, le=3, strict=True)] = 2


def label_of(answer: Judgement) -> dict[str, Any]:
    """What an answer says, without the words around it."""
    return answer.model_dump(mode="json", include={"policy_area", "severity", "actions"})


def judgement(said: dict[str, Any]) -> Judgement:
    """A stored answer as a judgement."""
    return Judgement.model_validate({name: said[name] for name in ("policy_area", "severity", "actions")})
