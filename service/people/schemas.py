"""Wire types of people and their keys."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from service.routing.rules import primary_language

Username = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{1,63}$", description="lower case, 2 to 64 characters")]
Password = Annotated[str, Field(min_length=12, max_length=200)]
RoleName = Literal["platform", "reviewer", "specialist", "lead", "ml", "admin"]


LANGUAGES = 100
SKILLS = 50
CONSENTS = 100


def _primary(value: object) -> object:
    return primary_language(value) if isinstance(value, str) else value


def _distinct(values: list[str]) -> list[str]:
    return sorted(set(values))


Distinct = AfterValidator(_distinct)
LanguageTag = Annotated[
    str,
    BeforeValidator(_primary),
    Field(pattern=r"^[a-z]{2,8}$", description="primary subtag of a BCP 47 tag: pt-BR counts as pt"),
]
Skill = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$", description="lower case, at most 40 characters")]
AreaId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Consents = Annotated[
    list[AreaId] | None,
    Field(max_length=CONSENTS, description="policy areas whose pictures this person agreed to see; null is no limit"),
]


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
    languages: list[str] | None
    skills: list[str]
    consents: list[str] | None


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


class ReviewerIn(BaseModel):
    """What a reviewer may be given; what is left out stays. Null lifts the limit of languages or consents."""

    model_config = ConfigDict(extra="forbid")

    languages: Annotated[list[LanguageTag] | None, Field(max_length=LANGUAGES)] = None
    skills: Annotated[list[Skill], Field(max_length=SKILLS), Distinct] = []
    consents: Consents = None


class ConsentsIn(BaseModel):
    """The caller's own consents."""

    model_config = ConfigDict(extra="forbid")

    consents: Consents


class ReviewerOut(BaseModel):
    """What a reviewer may be given: cases in their languages, queues whose skills they have, pictures they agreed to."""

    username: str
    role: str
    languages: list[str] | None
    skills: list[str]
    consents: list[str] | None
