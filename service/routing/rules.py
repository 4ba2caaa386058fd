"""Which queue a case goes to: an ordered list of rules of which the first that matches wins. Pure: no clock, no database.

Intake, every new rank and the preview call the same `route` with the same facts.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from models.languages import UNKNOWN_LANGUAGE, primary_language
from models.overlay import NO_OVERLAYS, Overlays

DEFAULT_QUEUE = "default"
LAW_ENFORCEMENT = "law_enforcement"
LEGAL_ORDER = "legal_order"
# Routes that go before every rule and wait for no score, the most pressing first.
SPECIAL_ROUTES = ("child_safety", "threat_to_life", LEGAL_ORDER)
NO_RULE = "No rule matches, so it waits in the default queue."


@dataclass(frozen=True, slots=True)
class When:
    """The conditions of a rule. All that are given must hold; within one, any of its values is enough.

    `areas` are least probabilities by area, `severity` and `graphic` least levels. Whatever is left empty asks nothing.
    """

    channels: frozenset[str] = frozenset()
    reasons: frozenset[str] = frozenset()
    flags: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    markets: frozenset[str] = frozenset()
    scored: bool | None = None
    areas: Mapping[str, float] = field(default_factory=dict)
    primary_areas: frozenset[str] = frozenset()
    severity: int | None = None
    graphic: int | None = None

    @property
    def needs_score(self) -> bool:
        """Whether an unscored case can never match, since nothing is known of what is asked."""
        asks = self.areas or self.primary_areas
        return bool(self.scored or asks or self.severity is not None or self.graphic is not None)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule by the name that people gave it."""

    name: str
    queue: str
    when: When


@dataclass(frozen=True, slots=True)
class Facts:
    """What routing may look at. A case has every channel, reason and flag that one of its reports brought.

    The fields of the score are None while there is none; `graphic` also where the model does not judge it.
    """

    channels: frozenset[str]
    reasons: frozenset[str]
    kind: str
    language: str = UNKNOWN_LANGUAGE
    market: str | None = None
    flags: frozenset[str] = frozenset()
    special: str | None = None
    areas: Mapping[str, float] | None = None
    primary_area: str | None = None
    severity: int | None = None
    graphic: int | None = None


@dataclass(frozen=True, slots=True)
class Urgent:
    """A rule that the crisis of that name puts before all others."""

    crisis: str
    rule: Rule


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules at work: `version` 0 is the time before any were made; `special` names the queue of each served route.

    Crises at work add their `overlays` for the order, `urgent` rules, and `instead`: the queue that takes what a queue would
    get which stands still meanwhile, with the name of the plan.
    """

    version: int = 0
    rules: tuple[Rule, ...] = ()
    special: Mapping[str, str] = field(default_factory=dict)
    overlays: Overlays = NO_OVERLAYS
    urgent: tuple[Urgent, ...] = ()
    instead: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Routed:
    """Where a case goes, and by what: a rule, a special route, or neither. `unserved` is a special route that failed."""

    queue: str
    matched: Rule | None = None
    special: str | None = None
    crisis: str | None = None
    instead_of: str | None = None

    @property
    def rule(self) -> str | None:
        """The name of the rule that matched."""
        return self.matched.name if self.matched else None

    @property
    def unserved(self) -> bool:
        """Whether a special route had nowhere to go, so that the case waits where everybody sees it."""
        return self.special is not None and self.queue == DEFAULT_QUEUE

    @property
    def reason(self) -> str:
        """Why it goes there, in a sentence."""
        if self.special is not None:
            route_name = self.special.replace("_", " ")
            if self.unserved:
                return f"Flagged as {route_name}, but nobody serves that special route: it waits in the default queue."
            return f"The special route for {route_name} goes before every rule."
        if self.instead_of is not None:
            return f"The queue {self.instead_of} stands still while “{self.crisis}” is at work."
        if self.crisis is not None and self.matched is not None:
            return f"Crisis “{self.crisis}”: rule “{self.matched.name}” matches."
        return f"Rule “{self.matched.name}” matches." if self.matched else NO_RULE


def route(facts: Facts, rules: RuleSet) -> Routed:
    """The queue of a case: its special route if it has one, else the first rule that matches, else the default.

    Rules of crises come before the others; what a queue would get that stands still goes to the one that takes its place.
    """
    if facts.special is not None:
        return Routed(rules.special.get(facts.special, DEFAULT_QUEUE), special=facts.special)
    found = _by_rules(facts, rules)
    if found.queue in rules.instead:
        queue, plan = rules.instead[found.queue]
        return Routed(queue, matched=found.matched, crisis=plan, instead_of=found.queue)
    return found


def _by_rules(facts: Facts, rules: RuleSet) -> Routed:
    for urgent in rules.urgent:
        if matches(facts, urgent.rule.when):
            return Routed(urgent.rule.queue, matched=urgent.rule, crisis=urgent.crisis)
    for rule in rules.rules:
        if matches(facts, rule.when):
            return Routed(rule.queue, matched=rule)
    return Routed(DEFAULT_QUEUE)


def special_of(flags: Collection[str], channel: str, *, has_deadline: bool) -> str | None:
    """The special route of a report, the most pressing where several apply; decided before any score is there."""
    legal = channel == LAW_ENFORCEMENT and has_deadline
    return next((one for one in SPECIAL_ROUTES if one in flags or (one == LEGAL_ORDER and legal)), None)


def matches(facts: Facts, when: When) -> bool:
    """Whether every condition holds."""
    return (
        (not when.channels or not when.channels.isdisjoint(facts.channels))
        and (not when.reasons or not when.reasons.isdisjoint(facts.reasons))
        and (not when.flags or not when.flags.isdisjoint(facts.flags))
        and (not when.kinds or facts.kind in when.kinds)
        and (not when.languages or facts.language in when.languages)
        and (not when.markets or facts.market in when.markets)
        and (when.scored is None or when.scored == (facts.areas is not None))
        and (not when.needs_score or _score_matches(facts, when))
    )


def _score_matches(facts: Facts, when: When) -> bool:
    areas = facts.areas
    if areas is None:
        return False
    return (
        (not when.areas or any(areas.get(area, 0.0) >= least for area, least in when.areas.items()))
        and (not when.primary_areas or facts.primary_area in when.primary_areas)
        and (when.severity is None or (facts.severity is not None and facts.severity >= when.severity))
        and (when.graphic is None or (facts.graphic is not None and facts.graphic >= when.graphic))
    )


def facts_of(row: Any) -> Facts:
    """Facts from the stored columns `channels, reasons, kind, language, market, flags, special, score` of a case."""
    score = row.score
    return Facts(
        channels=frozenset(row.channels or ()),
        reasons=frozenset(row.reasons or ()),
        kind=row.kind,
        language=primary_language(row.language),
        market=market_code(row.market),
        flags=frozenset(row.flags or ()),
        special=row.special,
        areas=score["areas"] if score else None,
        primary_area=score["primary_area"] if score else None,
        severity=_likeliest(score["severity"]) if score else None,
        graphic=_likeliest(score.get("graphic")) if score else None,
    )


def market_code(market: str | None) -> str | None:
    """A market the way rules name it, whatever case it was written in."""
    return market.upper() if market else None


def _likeliest(levels: list[float] | None) -> int | None:
    return max(range(len(levels)), key=levels.__getitem__) if levels else None
