"""Wire types of people and their keys."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from models.languages import primary_language
from service.wire import Stored

Username = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{1,63}$", description="lower case, 2 to 64 characters")]
Password = Annotated[str, Field(min_length=12, max_length=200)]
# What the console can be used in: those of service/pages/locales, and English.
InterfaceLanguage = Literal["en", "es"]
RoleName = Literal["platform", "reviewer", "specialist", "adviser", "lead", "ml", "admin"]


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
    new_password: Password | None = Field(
        default=None, description="Takes the place of a one-time password, which opens nothing without it."
    )


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


class AccountIn(BaseModel):
    """A new account. A machine account has no password."""

    model_config = ConfigDict(extra="forbid")

    username: Username
    role: RoleName
    password: Password | None = None
    one_time_password: bool = Field(
        default=False,
        description="For a person: a password is made here, for one sign-in, and the account starts without a key.",
    )


class PersonOut(BaseModel):
    """A new account with its key, which is shown this once."""

    id: UUID
    username: str
    role: str
    api_key: str


class PersonAddedOut(BaseModel):
    """A new account with what opens it, which is shown this once: a key, or a password for one sign-in."""

    id: UUID
    username: str
    role: str
    api_key: str | None = None
    one_time_password: str | None = None


class OneTimePasswordOut(BaseModel):
    """A password for one sign-in until `expires_at`, at which another one is chosen; it is shown this once."""

    username: str
    one_time_password: str
    expires_at: datetime


class RoleIn(BaseModel):
    """Another role for an account."""

    model_config = ConfigDict(extra="forbid")

    role: RoleName


class PrivilegedIn(BaseModel):
    """Whether somebody may read what Legal answered under privilege, and why that is so."""

    model_config = ConfigDict(extra="forbid")

    privileged: bool
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500), Stored]


class PeopleQuery(BaseModel):
    """Which accounts: `search` in names, vendors and sites; `after` is the last name of the page before."""

    model_config = ConfigDict(extra="forbid")

    search: Annotated[str, Field(max_length=80, pattern=r"^[^\x00]*$")] = ""
    role: RoleName | None = None
    active: bool | None = None
    after: Annotated[str | None, Field(max_length=64, pattern=r"^[^\x00]*$")] = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class AccountOut(BaseModel):
    """An account in a list. `keys` counts those that work; `last_seen_at` is the last sign-in or call with a key."""

    username: str
    role: str
    active: bool
    sample: bool
    privileged: bool = Field(description="An administrator named them for what is asked under legal privilege.")
    privileged_reason: str | None
    vendor: str | None
    site: str | None
    languages: list[str] | None
    signs_in: bool = Field(description="It has a password: it is a person's.")
    password_once: bool = Field(description="The password is for one sign-in, which has not happened yet.")
    keys: int
    created_at: datetime
    closed_at: datetime | None
    last_seen_at: datetime | None


class AccountsOut(BaseModel):
    """A page of accounts by name; `next` is the `after` of the page that follows, null on the last one."""

    people: list[AccountOut]
    next: str | None


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
