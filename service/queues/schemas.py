"""Wire types of queues."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from service.routing.schemas import (
    SKILLS,
    VALUES,
    Distinct,
    Label,
    QueueName,
    ReviewingRole,
    Skill,
    Special,
    Title,
)
from service.wire import Stored, Strict

QUEUES = 200


class ClaimIn(BaseModel):
    """How the next case is wanted; a claim without a body is one without prefetch."""

    model_config = ConfigDict(extra="forbid")

    prefetch: bool = Field(
        default=False,
        strict=True,
        description="Fetch the case after the one in hand: for a short time, which renewing the lease makes a whole one.",
    )


class ReviewQueueOut(BaseModel):
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

    queues: list[ReviewQueueOut]


class QueueIn(Strict):
    """A new queue. One that serves a special route is restricted to its members."""

    name: QueueName
    title: Title
    description: Annotated[str, Field(max_length=500), Stored] = ""
    skills: Annotated[list[Skill], Field(max_length=SKILLS), Distinct] = Field(default_factory=list)
    roles: Annotated[list[ReviewingRole], Field(min_length=1, max_length=3), Distinct] | None = None
    restricted: bool = False
    special: Special | None = None
    hidden_actions: Annotated[list[Label], Field(max_length=VALUES), Distinct] = Field(default_factory=list)


class QueueChangeIn(Strict):
    """What is to change of a queue; what is left out stays. `roles` and `special` may be null."""

    title: Title = ""
    description: Annotated[str, Field(max_length=500), Stored] = ""
    skills: Annotated[list[Skill], Field(max_length=SKILLS), Distinct] = Field(default_factory=list)
    roles: Annotated[list[ReviewingRole], Field(min_length=1, max_length=3), Distinct] | None = None
    restricted: bool = False
    special: Special | None = None
    hidden_actions: Annotated[list[Label], Field(max_length=VALUES), Distinct] = Field(default_factory=list)


class ClosingOut(BaseModel):
    """What stands against closing a queue: rules that lead to it, and undecided cases by what has become of them."""

    name: str
    possible: bool
    rules: list[str]
    cases: dict[str, int]
    special: str | None
    members: int


class DeniedActionsIn(Strict):
    """Actions that a role may not take, whatever the queue. A role that is left out may take every action."""

    denied: dict[ReviewingRole, Annotated[list[Label], Field(max_length=VALUES), Distinct]]


class DeniedActionsOut(BaseModel):
    """Actions that a role may not take, by role."""

    denied: dict[str, list[str]]
