"""Wire types of routing: rules, versions, the preview, queues, and what roles may not do."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field

from models.languages import primary_language
from service.routing.rules import Rule, When, market_code
from service.wire import Strict

RULES = 200
VALUES = 100
SKILLS = 20
WINDOW_HOURS = 168

Channel = Literal[
    "user",
    "trusted_flagger",
    "press",
    "partner",
    "regulator",
    "law_enforcement",
    "rights_holder",
    "advertiser",
    "leadership",
    "employee",
    "automated",
]
Special = Literal["child_safety", "threat_to_life", "legal_order"]
ReviewingRole = Literal["reviewer", "specialist", "lead"]


def _spoken_text(value: str) -> str:
    value = value.strip()
    if not value or "\x00" in value:
        raise ValueError("it has to say something, without the character U+0000")
    return value


def _distinct(values: list[str]) -> list[str]:
    return list(dict.fromkeys(values))


def _lower_tag(value: object) -> object:
    return primary_language(value) if isinstance(value, str) else value


def _upper_market(value: object) -> object:
    return market_code(value) if isinstance(value, str) else value


Words = AfterValidator(_spoken_text)
Distinct = AfterValidator(_distinct)
QueueName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$", description="lower case, at most 64 characters")]
Skill = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$", description="lower case, at most 40 characters")]
Label = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Kind = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Flag = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Reason = Annotated[str, Field(min_length=1, max_length=100), Words]
Language = Annotated[
    str,
    BeforeValidator(_lower_tag),
    Field(pattern=r"^[a-z]{2,8}$", description="primary subtag of a BCP 47 tag; 'und' where nobody said"),
]
Market = Annotated[
    str, BeforeValidator(_upper_market), Field(pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2, such as DE")
]
Title = Annotated[str, Field(max_length=80), Words]
Hours = Annotated[int, Field(ge=1, le=WINDOW_HOURS)]


class AreaLeast(Strict):
    """A policy area with the least probability that it has to have."""

    area: Label
    least: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]


class WhenIn(Strict):
    """Conditions. All that are given must hold; within one, any of its values is enough; what is left out asks nothing."""

    channels: Annotated[list[Channel], Field(max_length=VALUES), Distinct] = Field(default_factory=list)
    reasons: Annotated[list[Reason], Field(max_length=VALUES), Distinct] = Field(default_factory=list)
    flags: Annotated[list[Flag], Field(max_length=VALUES), Distinct] = Field(default_factory=list)
    kinds: Annotated[
        list[Kind], Field(max_length=VALUES, description="surfaces, such as post, comment, ad"), Distinct
    ] = Field(default_factory=list)
    languages: Annotated[list[Language], Field(max_length=VALUES), Distinct] = Field(default_factory=list)
    markets: Annotated[list[Market], Field(max_length=VALUES), Distinct] = Field(default_factory=list)
    scored: bool | None = None
    areas: Annotated[list[AreaLeast], Field(max_length=VALUES)] = Field(default_factory=list)
    primary_areas: Annotated[list[Label], Field(max_length=VALUES), Distinct] = Field(default_factory=list)
    severity: Annotated[int | None, Field(ge=0, le=4, description="least level of the most likely severity")] = None
    graphic: Annotated[int | None, Field(ge=0, le=3, description="least level of the most likely graphic level")] = None

    def when(self) -> When:
        """The conditions as routing uses them; an area that is named twice asks for its lower probability."""
        areas: dict[str, float] = {}
        for one in self.areas:
            areas[one.area] = min(one.least, areas.get(one.area, one.least))
        return When(
            channels=frozenset(self.channels),
            reasons=frozenset(self.reasons),
            flags=frozenset(self.flags),
            kinds=frozenset(self.kinds),
            languages=frozenset(self.languages),
            markets=frozenset(self.markets),
            scored=self.scored,
            areas=areas,
            primary_areas=frozenset(self.primary_areas),
            severity=self.severity,
            graphic=self.graphic,
        )


class RuleIn(Strict):
    """One rule: cases that match go to the queue."""

    name: Annotated[str, Field(max_length=80), Words]
    queue: QueueName
    when: WhenIn = WhenIn()

    def rule(self) -> Rule:
        """The rule as routing uses it."""
        return Rule(self.name, self.queue, self.when.when())


def _unique_names(rules: list[RuleIn]) -> list[RuleIn]:
    names = [rule.name.casefold() for rule in rules]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"every rule needs a name of its own; used twice: {', '.join(twice)}")
    return rules


Rules = Annotated[list[RuleIn], Field(max_length=RULES), AfterValidator(_unique_names)]


class RoutingIn(Strict):
    """A new version of the rules. `based_on` is the version that was looked at: 0 before there was any."""

    rules: Rules
    based_on: Annotated[int, Field(ge=0)]
    owner: Annotated[str, Field(max_length=100), Words]
    reason: Annotated[str, Field(max_length=1000), Words]
    decided_on: date
    apply_to_open: bool = Field(default=False, description="Route the cases that wait already anew as well.")


class RoutingPreviewIn(Strict):
    """Rules to be tried on the cases of the last hours. Nothing is changed."""

    rules: Rules
    hours: Hours = 24


class FindingOut(BaseModel):
    """Something wrong with a rule. An error is not saved."""

    kind: Literal["error", "warning"]
    code: str
    rule: str
    others: list[str]
    text: str


class RoutingVersionOut(BaseModel):
    """A version of the rules: who answers for it, why and since when. Who saved it is in the event log."""

    version: int
    owner: str
    reason: str
    decided_on: date
    made_at: datetime
    apply_to_open: bool
    rules: list[RuleIn]


class ManagedQueueOut(BaseModel):
    """A queue as those who manage queues see it; `untaken` says why nobody could take a case from it."""

    name: str
    title: str
    description: str
    skills: list[str]
    roles: list[str] | None
    restricted: bool
    special: str | None
    hidden_actions: list[str]
    members: list[str]
    closed: bool
    untaken: str | None


class SpecialOut(BaseModel):
    """A special route: the queue that serves it, or why none does, and how many flagged cases wait in the default queue."""

    special: Special
    queue: str | None
    problem: str | None
    waiting: int


class UntakenOut(BaseModel):
    """Waiting cases of a queue that nobody active would be handed, and what it is that nobody has."""

    queue: str
    restricted: bool
    problem: str
    cases: int


class RoutingOut(BaseModel):
    """The rules at work (null before any were saved), every version, the queues, the special routes, and what starves."""

    version: int = Field(description="What `based_on` has to say in the next save; 0 before the first.")
    current: RoutingVersionOut | None
    history: list[RoutingVersionOut] = Field(description="The newest 50 versions, the newest first.")
    queues: list[ManagedQueueOut]
    special: list[SpecialOut]
    untaken: list[UntakenOut] = Field(description="Cases that would wait for ever, the most first.")


class SavedOut(BaseModel):
    """A version that was saved, and what deserves a second look."""

    version: int
    warnings: list[FindingOut]


class RuleCountOut(BaseModel):
    """How many of the cases the rule would route; `words` are its conditions in a sentence."""

    rule: str
    queue: str
    words: str
    cases: int


class MoveOut(BaseModel):
    """Cases that would go from one queue to another, with at most five of them; `undecided` of them still wait."""

    source: str
    target: str
    cases: int
    undecided: int
    examples: list[UUID]


class RoutingPreviewOut(BaseModel):
    """What the rules would have done with the cases opened in the last hours, against those at work."""

    hours: int
    cases: int
    truncated: bool = Field(description="There were more cases than are counted; the newest are.")
    rules: list[RuleCountOut]
    default: int = Field(description="Cases that no rule would match.")
    special: int = Field(description="Cases that special routes take before any rule.")
    moves: list[MoveOut]
    findings: list[FindingOut]
