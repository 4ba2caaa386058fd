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


class RenewedOut(BaseModel):
    """The new end of a lease."""

    expires_at: datetime
