"""Wire types of golden items."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from service.quality.settling.schemas import SaidOut
from service.wire import Stored, Strict

Rationale = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000), Stored]


class GoldenIn(Strict):
    """A settled item whose answer is beyond doubt; with a calibration, the answer agreed on there."""

    item_id: UUID
    rationale: Rationale
    calibration_id: UUID | None = None


class GoldenOut(BaseModel):
    """Content whose right answer is known. Plans mix it in, and nobody who checks is told."""

    id: UUID
    case_id: UUID
    text: str
    answer: SaidOut
    rationale: str
    made_at: datetime
    retired_at: datetime | None
    checks: Annotated[int, Field(description="blind answers it has had")]
    missed: Annotated[int, Field(description="how many of them said something else")]


class GoldenListOut(BaseModel):
    """Newest first, at most 200, without those whose content the caller has to judge blindly."""

    golden: list[GoldenOut]
