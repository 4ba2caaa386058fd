"""Wire types of queues."""

from pydantic import BaseModel


class QueueOut(BaseModel):
    """A queue: cases that wait to be claimed, and the age of the oldest of them in seconds (null when empty).

    Whoever takes from it needs all of its `skills`; `claimable` says whether the caller may. `special` names the special
    route that leads to it.
    """

    name: str
    title: str
    description: str
    skills: list[str]
    special: str | None
    claimable: bool
    open: int
    oldest_seconds: float | None


class QueuesOut(BaseModel):
    """The queues that the caller may see, the default one first."""

    queues: list[QueueOut]
