"""Wire types of leases."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class LeaseIn(BaseModel):
    """Names the lease that a call speaks for."""

    model_config = ConfigDict(extra="forbid")

    lease_token: UUID


class LeaseOut(BaseModel):
    """A live lease and the moment, by the server's clock, at which it ends."""

    token: UUID
    expires_at: datetime
    server_now: datetime
    prefetched: bool = Field(default=False, description="Fetched ahead; renewing the lease opens the case.")


class HeldOut(BaseModel):
    """A case in the caller's hands, and the moment at which it goes back to its queue."""

    case_id: UUID
    token: UUID = Field(description="Speaks for the lease; who lost the answer to a claim goes on with it.")
    expires_at: datetime
    prefetched: bool = Field(description="Fetched ahead and not opened yet; renewing the lease opens it.")


class LeasesOut(BaseModel):
    """Every case in the caller's hands."""

    leases: list[HeldOut]
    server_now: datetime


class RenewedOut(BaseModel):
    """The new end of a lease, by the server's clock, and the latest end that renewing can give it."""

    expires_at: datetime
    renewable_until: datetime
    server_now: datetime
