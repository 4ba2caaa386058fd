"""Wire types of queues."""

from pydantic import BaseModel

DEFAULT_QUEUE = "default"


class QueueOut(BaseModel):
    """A queue: cases that wait to be claimed, and the age of the oldest of them in seconds (null when empty)."""

    name: str
    open: int
    oldest_seconds: float | None


class QueuesOut(BaseModel):
    """Every queue."""

    queues: list[QueueOut]
