"""Wire types of decisions."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field

from service.reports.schemas import NOTE_CHARACTERS
from service.wire import Stored, Strict


def _distinct(value: list[str]) -> list[str]:
    if len(set(value)) != len(value):
        raise ValueError("the same action is named twice")
    return value


class DecisionIn(Strict):
    """What a reviewer decided about the case they hold."""

    lease_token: UUID
    actions: Annotated[
        list[Annotated[str, Field(max_length=100)]], Field(min_length=1, max_length=10), AfterValidator(_distinct)
    ]
    policy_area: Annotated[str, Field(max_length=100)]
    severity: Annotated[int, Field(ge=0, le=4, strict=True)]
    note: Annotated[str, Field(max_length=NOTE_CHARACTERS), Stored] = ""


class DecisionMade(Strict):
    """The decision is stored; its effects are sent once `undo_until` has passed."""

    decision_id: UUID
    undo_until: datetime


class UndoneOut(Strict):
    """The decision was taken back; this case is open for it again."""

    case_id: UUID
