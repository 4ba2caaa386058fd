"""Wire types of queues."""

from pydantic import BaseModel, ConfigDict, Field

DEFAULT_QUEUE = "default"


class ClaimIn(BaseModel):
    """How the next case is wanted; a claim without a body is one without prefetch."""

    model_config = ConfigDict(extra="forbid")

    prefetch: bool = Field(
        default=False,
        strict=True,
        description="Fetch the case after the one in hand: for a short time, which renewing the lease makes a whole one.",
    )


class QueueOut(BaseModel):
    """A queue: cases that wait to be claimed, and the age of the oldest of them in seconds (null when empty)."""

    name: str
    open: int
    oldest_seconds: float | None


class QueuesOut(BaseModel):
    """Every queue."""

    queues: list[QueueOut]
