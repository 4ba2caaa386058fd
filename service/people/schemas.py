"""Wire types of people and their keys."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from service.routing.rules import primary_language

Username = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{1,63}$", description="lower case, 2 to 64 characters")]
Password = Annotated[str, Field(min_length=12, max_length=200)]
# What the console can be used in: those of service/pages/locales, and English.
InterfaceLanguage = Literal["en", "es"]
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


# A line that people read: no control characters, nothing invisible.
WorksFor = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        min_length=1,
        max_length=80,
        pattern=r"^[^\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e]+$",
    ),
]
Cost = Annotated[Decimal, Field(ge=0, max_digits=10, decimal_places=2)]


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
    interface_language: str | None


class LanguageIn(BaseModel):
    """The language in which the caller uses the console."""

    model_config = ConfigDict(extra="forbid")

    language: InterfaceLanguage


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
    """What a reviewer may be given; what is left out stays. Null lifts the limit of languages.

    Consents can only be taken away: to agree, and to lift the limit, is for the person (`PUT /v1/me/consents`).
    """

    model_config = ConfigDict(extra="forbid")

    languages: Annotated[list[LanguageTag] | None, Field(max_length=LANGUAGES)] = None
    skills: Annotated[list[Skill], Field(max_length=SKILLS), Distinct] = []
    consents: Consents = None


class PersonChangeIn(ReviewerIn):
    """What is known about a person; what is left out stays, and null takes away what was known.

    Vendor, site and the first day at work say whom quality is told of; the cost of an hour, in the one currency of the
    operator, is what a scorecard counts with.
    """

    vendor: WorksFor | None = None
    site: WorksFor | None = None
    started_on: date | None = None
    hourly_cost: Cost | None = None


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


class PersonStandingOut(ReviewerOut):
    """All that is known about a person, for those who manage people alone: nobody else is told what an hour costs."""

    vendor: str | None
    site: str | None
    started_on: date | None
    hourly_cost: Decimal | None
