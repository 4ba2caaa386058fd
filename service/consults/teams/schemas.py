"""Wire types of the teams that are asked."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from service.wire import Stored, Strict

LEAST_MINUTES = 5
MOST_MINUTES = 43_200

TeamName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$", description="lower case, at most 40 characters")]
Minutes = Annotated[int, Field(ge=LEAST_MINUTES, le=MOST_MINUTES, description="5 minutes to 30 days")]


class TeamIn(Strict):
    """What is set about a team; a name that there was none of makes a team."""

    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80), Stored]
    minutes: Minutes
    closed: bool = False


class TeamMemberOut(BaseModel):
    """Somebody of a team. `answers` is false where their role no longer lets them answer, or the account is closed."""

    username: str
    answers: bool
    privileged: bool = Field(description="an administrator named them for what is privileged, in every team")
    added_at: datetime


class TeamOut(BaseModel):
    """A team that can be asked: `minutes` is its time for an answer where the asker says nothing else."""

    name: str
    title: str
    minutes: int
    closed: bool
    shipped: bool = Field(description="its title is one of the product's own words")
    waiting: int = Field(description="questions that wait for it, as far as the caller may know of them")
    members: list[TeamMemberOut]


class TeamsOut(BaseModel):
    """Every team, those of the product first."""

    teams: list[TeamOut]
