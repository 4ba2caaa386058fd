"""What is wrong with a list of rules: rules that can never match, and queues that cannot take what is sent to them.

The conditions span a finite lattice, so whether earlier rules take everything that a later one asks for can be decided
exactly: subtract one rule after the other from what the later one asks for and see whether anything is left. That may
take long for rules made to be hard; after `MOST_STEPS` a rule counts as one that can match, and so do those that come when
`STEPS_IN_ALL` are used up. A conflict that is told is
one in any case: what is related in truth (an area and the likeliest area) counts as free here.
"""

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from service.routing.rules import DEFAULT_QUEUE, SPECIAL_ROUTES, Rule, When

MOST_STEPS = 5_000
STEPS_IN_ALL = 50_000
PRESENT = 1.0

# Values that are asked for, with the least level of each; for what has no levels that is `PRESENT`.
Condition = Mapping[Hashable, float]


@dataclass(frozen=True, slots=True)
class QueueState:
    """What a rule has to know of the queue it leads to; `untaken` says why nobody may take from it, else it is None."""

    name: str
    closed: bool = False
    untaken: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a rule, and the other rules that it is about. An error is not saved."""

    kind: Literal["error", "warning"]
    code: str
    rule: str
    others: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class OneOf:
    """One value is there: of `chosen` where that is not None, of all there could ever be otherwise, none of `barred`."""

    chosen: frozenset[Hashable] | None = None
    barred: frozenset[Hashable] = frozenset()

    def inside(self, condition: Condition) -> "OneOf | None":
        """What is left where the condition holds; None when nothing is."""
        left = condition.keys() - self.barred if self.chosen is None else condition.keys() & self.chosen
        return OneOf(frozenset(left)) if left else None

    def outside(self, condition: Condition) -> "OneOf | None":
        """What is left where the condition does not hold; None when nothing is."""
        if self.chosen is None:
            return OneOf(None, self.barred | condition.keys())
        left = self.chosen - condition.keys()
        return OneOf(left) if left else None


@dataclass(frozen=True, slots=True)
class Levels:
    """Several values are there at once, each with a level: one of each of `needs` reaches it, all stay under `below`."""

    needs: tuple[Condition, ...] = ()
    below: Condition = field(default_factory=dict)

    def inside(self, condition: Condition) -> "Levels | None":
        """What is left where the condition holds; None when nothing is."""
        return Levels((*self.needs, condition), self.below).if_possible()

    def outside(self, condition: Condition) -> "Levels | None":
        """What is left where the condition does not hold; None when nothing is."""
        bounds = {name: min(least, self.below.get(name, least)) for name, least in condition.items()}
        return Levels(self.needs, {**self.below, **bounds}).if_possible()

    def if_possible(self) -> "Levels | None":
        """Itself, or None when a need can no longer be met."""
        for need in self.needs:
            if all(name in self.below and least >= self.below[name] for name, least in need.items()):
                return None
        return self


Region = Mapping[str, OneOf | Levels]
Conditions = Sequence[tuple[str, Condition]]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What there is at all: channels of reports, and labels that a score can name as the likeliest."""

    channels: Collection[str]
    labels: Collection[str]


def check(rules: Sequence[Rule], queues: Mapping[str, QueueState], vocabulary: Vocabulary) -> list[Finding]:
    """Everything that is wrong with the rules, in their order."""
    found: list[Finding] = []
    left = STEPS_IN_ALL
    everything = _everything(vocabulary)
    conditions = [_conditions(rule.when) for rule in rules]
    for place, rule in enumerate(rules):
        found += _about_queue(rule, queues.get(rule.queue))
        steps = [min(MOST_STEPS, left)]
        left -= steps[0]
        wanted = _within(everything, conditions[place])
        places = _covering(wanted, conditions[:place], steps) if wanted is not None else []
        found += _about_match(rule, [rules[one] for one in places], contradicts=wanted is None)
        left += steps[0]
    if rules and rules[-1].queue == DEFAULT_QUEUE and not any(one.rule == rules[-1].name for one in found):
        last = rules[-1].name
        text = f"“{last}” is the last rule and leads to the default queue, where its cases go anyway; leave it out."
        found.append(Finding("warning", "idle", last, (), text))
    return found


def _about_queue(rule: Rule, queue: QueueState | None) -> list[Finding]:
    if queue is None:
        text = f"“{rule.name}” leads to {rule.queue}, which is no queue; make it first or choose another."
        return [Finding("error", "missing_queue", rule.name, (), text)]
    if queue.closed:
        text = f"“{rule.name}” leads to {rule.queue}, which is closed; choose another."
        return [Finding("error", "closed_queue", rule.name, (), text)]
    if queue.untaken is not None:
        text = f"“{rule.name}” leads to {rule.queue}, from which nobody could take a case: {queue.untaken}."
        return [Finding("error", "untaken_queue", rule.name, (), text)]
    return []


def _about_match(rule: Rule, covering: Sequence[Rule], *, contradicts: bool) -> list[Finding]:
    if contradicts:
        text = (
            f"“{rule.name}” asks for unscored cases and for something that only a score can tell; drop one of the two."
        )
        return [Finding("error", "contradiction", rule.name, (), text)]
    if covering:
        names = " and ".join(f"“{one.name}”" for one in covering)
        same = len(covering) == 1 and covering[0].when == rule.when
        told = "asks for the very same and comes first" if same else "before it takes every case that it asks for"
        if len(covering) > 1:
            told = "before it together take every case that it asks for"
        text = f"“{rule.name}” can never match: {names} {told}; move it up, narrow the other or leave it out."
        others = tuple(one.name for one in covering)
        return [Finding("error", "duplicate" if same else "shadowed", rule.name, others, text)]
    if rule.when.flags and rule.when.flags <= frozenset(SPECIAL_ROUTES):
        text = f"“{rule.name}” asks for flags whose special routes go before every rule, so it has no effect."
        return [Finding("warning", "special_flag", rule.name, (), text)]
    return []


def _covering(wanted: Region, earlier: Sequence[Conditions], steps: list[int]) -> list[int]:
    """The fewest rules found that take all of it, by place; empty when something is left or it takes too long."""
    touching = [place for place, conditions in enumerate(earlier) if _within(wanted, conditions) is not None]
    for place in touching:
        # One rule is one step, whatever is in it: this is not counted.
        if _covered(wanted, [earlier[place]], [1]):
            return [place]
    if not _covered(wanted, [earlier[place] for place in touching], steps):
        return []
    for place in reversed(list(touching)):
        fewer = [one for one in touching if one != place]
        if _covered(wanted, [earlier[one] for one in fewer], steps):
            touching = fewer
    return touching


def _covered(wanted: Region, rules: Sequence[Conditions], steps: list[int]) -> bool:
    """Whether the rules take all of it. `steps` holds how many more may be taken; without any left it is not shown."""
    if not rules or steps[0] <= 0:
        return False
    steps[0] -= 1
    first, rest = rules[0], rules[1:]
    region: Region = wanted
    for name, condition in first:
        left = region[name].outside(condition)
        if left is not None and not _covered({**region, name: left}, rest, steps):
            return False
        taken = region[name].inside(condition)
        if taken is None:
            return True
        region = {**region, name: taken}
    return True


def _everything(vocabulary: Vocabulary) -> Region:
    """What a case can be, in every respect that a rule can ask about. Every case came by some channel."""
    return {
        "scored": OneOf(frozenset({True, False})),
        "channels": Levels((dict.fromkeys(vocabulary.channels, PRESENT),)),
        "reasons": Levels(),
        "flags": Levels(),
        "kinds": OneOf(),
        "languages": OneOf(),
        "markets": OneOf(),
        "areas": Levels(),
        "primary_areas": OneOf(frozenset(vocabulary.labels)),
        "severity": OneOf(frozenset(range(5))),
        # None for models that do not judge it.
        "graphic": OneOf(frozenset({None, *range(4)})),
    }


def _within(region: Region, conditions: Conditions) -> Region | None:
    """What of it satisfies the conditions; None when nothing does."""
    for name, condition in conditions:
        left = region[name].inside(condition)
        if left is None:
            return None
        region = {**region, name: left}
    return region


def _conditions(when: When) -> Conditions:
    """The conditions that are given, whether it is scored in front: what a score tells is asked of scored cases alone."""
    scored = when.scored if when.scored is not None or not when.needs_score else True
    given: list[tuple[str, Condition]] = []
    if scored is not None:
        given.append(("scored", {scored: PRESENT}))
    if when.scored is False and when.needs_score:
        given.append(("scored", {True: PRESENT}))
    named = ("channels", "reasons", "flags", "kinds", "languages", "markets", "primary_areas")
    given += [(name, dict.fromkeys(values, PRESENT)) for name in named if (values := getattr(when, name))]
    if when.areas:
        given.append(("areas", dict[Hashable, float](when.areas.items())))
    if when.severity is not None:
        given.append(("severity", dict.fromkeys(range(when.severity, 5), PRESENT)))
    if when.graphic is not None:
        given.append(("graphic", dict.fromkeys(range(when.graphic, 4), PRESENT)))
    return given
