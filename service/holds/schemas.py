"""Wire types of holds, hand-overs, skips and the alerts about cases that keep coming back."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

REASON_CHARACTERS = 500

SkipReason = Literal["upset", "language", "expertise", "conflict_of_interest", "technical", "other"]
Remark = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=REASON_CHARACTERS, pattern=r"^[^\x00]*$"),
]


class _OfLease(BaseModel):
    model_config = ConfigDict(extra="forbid")

    lease_token: UUID


class HoldIn(_OfLease):
    """Keep a case back for oneself. The reason is shown to nobody else."""

    reason: Remark
    minutes: Annotated[int, Field(ge=1, le=100_000, description="at most the setting `TRIAGE_HOLD_HOURS`")]


class HandOverIn(_OfLease):
    """Give a case to a colleague, by user name. The note is shown to that person alone."""

    to: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]
    note: Remark


class SkipIn(_OfLease):
    """Pass a case over. Whoever is upset, or does not want to say why, need not explain anything."""

    reason: SkipReason


class HeldUntilOut(BaseModel):
    """The case is kept back; at `until` it returns to its queue. That is earlier than asked for where it is due before."""

    case_id: UUID
    until: datetime
    server_now: datetime


class HoldOut(BaseModel):
    """A case kept back for the caller, by themselves or by whoever handed it over. Who that was is not shown.

    A case that was taken up again stays on the list, with the end of its lease, for as long as it is in their hands.
    """

    case_id: UUID
    queue: str
    kind: Literal["hold", "hand_over", "second_opinion"]
    reason: str
    until: datetime
    taken_up: bool


class HoldsOut(BaseModel):
    """Every case that is kept back for the caller, the one that returns first in front."""

    holds: list[HoldOut]
    server_now: datetime


class SkipsOut(BaseModel):
    """How often a case was skipped for which reason. Who skipped it is not known, nor whether anybody was upset."""

    case_id: UUID
    reasons: dict[str, int]


class LeaseAlertOut(BaseModel):
    """An undecided case that keeps coming back. It stays in its queue and can be claimed like any other."""

    case_id: UUID
    queue: str
    status: Literal["open", "leased", "held", "shed"]
    lapses: int = Field(description="How often a lease of this case ran out.")
    skipped_by: int | None = Field(description="People who skipped it; null below the threshold.")
    skip_reasons: dict[str, int]
    age_seconds: float
    since: datetime | None = Field(description="When it first crossed a threshold; null until the worker has noticed.")


class LeaseAlertsOut(BaseModel):
    """Cases that keep coming back, the ones that do so most often in front; `total` counts those not listed as well."""

    alerts: list[LeaseAlertOut]
    total: int
