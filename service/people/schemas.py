"""Wire types of people and their keys."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

Username = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{1,63}$", description="lower case, 2 to 64 characters")]
Password = Annotated[str, Field(min_length=12, max_length=200)]
RoleName = Literal["platform", "reviewer", "specialist", "lead", "ml", "admin"]


class SignInIn(BaseModel):
    """A sign-in by password."""

    model_config = ConfigDict(extra="forbid")

    username: Annotated[str, Field(max_length=64, pattern=r"^[^\x00]*$")]
    password: Annotated[str, Field(max_length=200)]


class MeOut(BaseModel):
    """The caller as the service sees them."""

    id: UUID
    username: str
    role: str
    capabilities: list[str]


class PersonIn(BaseModel):
    """A new account. A machine account has no password."""

    model_config = ConfigDict(extra="forbid")

    username: Username
    role: RoleName
    password: Password | None = None


class PersonOut(BaseModel):
    """A new account with its key, which is shown this once."""

    id: UUID
    username: str
    role: str
    api_key: str
