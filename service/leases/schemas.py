"""Wire types of leases."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict


class LeaseIn(BaseModel):
    """Names the lease that a call speaks for."""

    model_config = ConfigDict(extra="forbid")

    lease_token: UUID


class LeaseOut(BaseModel):
    """A live lease and the moment, by the server's clock, at which it ends."""

    token: UUID
    expires_at: datetime


class HeldOut(BaseModel):
    """A case in the caller's hands, and the moment at which it goes back to its queue."""

    case_id: UUID
    expires_at: datetime


class LeasesOut(BaseModel):
    """Every case in the caller's hands."""

    leases: list[HeldOut]


class RenewedOut(BaseModel):
    """The new end of a lease."""

    expires_at: datetime
