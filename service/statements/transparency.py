"""One statement of reasons as the DSA Transparency Database takes it, with every rule of its schema.

Source: the rules of `StatementStoreRequest` in digital-services-act/transparency-database, schema of 1 July 2025. Where
that drops a field without a word (such as a legal ground beside a contractual one), this refuses it: what we wrote would be lost.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, ValidationError, model_validator

from service.statements.codes import (
    AccountDecision,
    AccountType,
    AutomatedDecision,
    Category,
    ContentType,
    Country,
    Ground,
    Keyword,
    Language,
    Monetary,
    Provision,
    SourceType,
    Visibility,
    YesNo,
)
from service.wire import Stored, Strict

ILLEGAL, INCOMPATIBLE = "DECISION_GROUND_ILLEGAL_CONTENT", "DECISION_GROUND_INCOMPATIBLE_CONTENT"
BATCH = 100
# A field that must be given where another has, or holds, a value; elsewhere it must not be given.
REQUIRED_WITH: dict[str, tuple[str, str]] = {
    "decision_visibility_other": ("decision_visibility", "DECISION_VISIBILITY_OTHER"),
    "decision_monetary_other": ("decision_monetary", "DECISION_MONETARY_OTHER"),
    "content_type_other": ("content_type", "CONTENT_TYPE_OTHER"),
    "category_specification_other": ("category_specification", "KEYWORD_OTHER"),
    "illegal_content_legal_ground": ("decision_ground", ILLEGAL),
    "illegal_content_explanation": ("decision_ground", ILLEGAL),
    "incompatible_content_ground": ("decision_ground", INCOMPATIBLE),
    "incompatible_content_explanation": ("decision_ground", INCOMPATIBLE),
}
# A field that may be given only where another has a value.
ONLY_WITH: dict[str, tuple[str, str]] = {"incompatible_content_illegal": ("decision_ground", INCOMPATIBLE)}
# What is said of a ground, and of which.
OF_GROUND = {field: code for field, (other, code) in (REQUIRED_WITH | ONLY_WITH).items() if other == "decision_ground"}
# What a restriction can be: one of them at least, and each with the field that says when it ends.
RESTRICTIONS: Mapping[str, str] = {
    "decision_visibility": "end_date_visibility_restriction",
    "decision_monetary": "end_date_monetary_restriction",
    "decision_provision": "end_date_service_restriction",
    "decision_account": "end_date_account_restriction",
}
# Free text: what people read, and where personal data could stand.
FREE_TEXT = (
    "decision_facts",
    "illegal_content_legal_ground",
    "illegal_content_explanation",
    "incompatible_content_ground",
    "incompatible_content_explanation",
    "decision_visibility_other",
    "decision_monetary_other",
    "content_type_other",
    "category_specification_other",
    "source_identity",
    "decision_ground_reference_url",
)


def _day(value: object) -> object:
    # `date` also takes numbers and moments; the database takes one form alone.
    written = isinstance(value, str) and len(value) == len("2026-11-30")
    if not written and type(value) is not date:
        raise ValueError("a day as YYYY-MM-DD is needed")
    return value


def _distinct(value: list[str]) -> list[str]:
    return list(dict.fromkeys(value))


Short = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), Stored]
Explained = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000), Stored]
FACTS_CHARACTERS = 5_000
Facts = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=FACTS_CHARACTERS), Stored]
Url = Annotated[
    str, StringConstraints(max_length=500, pattern=r"^https?://[^\s/?#@]+\.[^\s/?#@.]+(:\d+)?([/?#]\S*)?$"), Stored
]
Puid = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[A-Za-z0-9_-]+$")]
LATEST = date(2038, 1, 1)
ContentDay = Annotated[date, BeforeValidator(_day), Field(ge=date(2000, 1, 1), le=LATEST)]
ApplicationDay = Annotated[date, BeforeValidator(_day), Field(ge=date(2020, 1, 1), le=LATEST)]
EndDay = Annotated[date, BeforeValidator(_day), Field(le=LATEST)]
Territory = Annotated[list[Country], Field(max_length=30), AfterValidator(_distinct)]
ContentTypes = Annotated[list[ContentType], Field(min_length=1, max_length=8), AfterValidator(_distinct)]
Categories = Annotated[list[Category], Field(min_length=1, max_length=16), AfterValidator(_distinct)]
Keywords = Annotated[list[Keyword], Field(min_length=1, max_length=100), AfterValidator(_distinct)]


@dataclass(frozen=True, slots=True)
class Problem:
    """A field that breaks a rule, and which; the value itself is never repeated."""

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


class TransparencyStatement(Strict):
    """A statement of reasons in the field names and codes of the database. What is null is left out of the JSON."""

    decision_visibility: Annotated[
        list[Visibility] | None, Field(min_length=1, max_length=7, description="what was done to the content")
    ] = None
    decision_visibility_other: Short | None = None
    decision_monetary: Monetary | None = None
    decision_monetary_other: Short | None = None
    decision_provision: Provision | None = None
    decision_account: AccountDecision | None = None
    account_type: AccountType | None = None
    decision_ground: Ground
    decision_ground_reference_url: Url | None = None
    illegal_content_legal_ground: Short | None = None
    illegal_content_explanation: Explained | None = None
    incompatible_content_ground: Short | None = None
    incompatible_content_explanation: Explained | None = None
    incompatible_content_illegal: YesNo | None = None
    category: Category
    category_addition: Categories | None = None
    category_specification: Keywords | None = None
    category_specification_other: Short | None = None
    content_type: ContentTypes
    content_type_other: Short | None = None
    content_language: Language | None = None
    content_date: ContentDay
    content_id: dict[Literal["EAN-13"], Annotated[str, StringConstraints(pattern=r"^[0-9]{13}$")]] | None = None
    territorial_scope: Territory | None = None
    application_date: ApplicationDay
    end_date_visibility_restriction: EndDay | None = None
    end_date_monetary_restriction: EndDay | None = None
    end_date_service_restriction: EndDay | None = None
    end_date_account_restriction: EndDay | None = None
    decision_facts: Facts
    source_type: SourceType
    source_identity: Short | None = None
    automated_detection: YesNo
    automated_decision: AutomatedDecision
    puid: Puid

    @model_validator(mode="after")
    def _together(self) -> "TransparencyStatement":
        found = _cross(self.model_dump())
        if found:
            raise ValueError("; ".join(map(str, found)))
        return self

    def as_json(self) -> dict[str, Any]:
        """As it is sent."""
        return self.model_dump(mode="json", exclude_none=True)


def problems(values: Mapping[str, Any]) -> list[Problem]:
    """Every rule that these values break, by field; nothing where the database would take them."""
    try:
        TransparencyStatement.model_validate(values)
    except ValidationError as error:
        own = [
            Problem(str(one["loc"][0]), one["msg"].removeprefix("Value error, "))
            for one in error.errors()
            if one["loc"]
        ]
        return own or _cross(values)
    return []


def _cross(values: Mapping[str, Any]) -> list[Problem]:
    """Rules between fields."""
    found = [*_needed(values), *_when(values)]
    if not any(values.get(field) for field in RESTRICTIONS):
        found.append(Problem("decision_visibility", f"one of {', '.join(RESTRICTIONS)} has to say what was restricted"))
    if values.get("source_identity") and values.get("source_type") == "SOURCE_VOLUNTARY":
        found.append(Problem("source_identity", "only where somebody notified"))
    if values.get("category") in (values.get("category_addition") or ()):
        found.append(Problem("category_addition", "it repeats the category"))
    return found


def _needed(values: Mapping[str, Any]) -> Iterator[Problem]:
    """What is needed, or makes no sense, beside another field."""
    for field, (other, code) in (REQUIRED_WITH | ONLY_WITH).items():
        given, wanted = bool(values.get(field)), _holds(values.get(other), code)
        if wanted and not given and field in REQUIRED_WITH:
            yield Problem(field, f"needed where {other} is {code}")
        if given and not wanted:
            yield Problem(field, f"only where {other} is {code}")


def _when(values: Mapping[str, Any]) -> Iterator[Problem]:
    """Days that contradict each other."""
    started = str(values.get("application_date") or LATEST)
    for field, end in RESTRICTIONS.items():
        if values.get(end) and not values.get(field):
            yield Problem(end, f"only where {field} says what ends then")
        if values.get(end) and str(values[end]) < started:
            yield Problem(end, "it ends before it begins")
    if values.get("content_date") and str(values["content_date"]) > started:
        yield Problem("content_date", "the content cannot be newer than the decision about it")


def _holds(value: Any, code: str) -> bool:
    return code in value if isinstance(value, list | tuple) else value == code
