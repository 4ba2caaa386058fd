"""What crises at work add to the rules of routing and to the order. Pure: who reads them says which are at work."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from models.overlay import Overlay, Overlays
from service.routing.rules import DEFAULT_QUEUE, Rule, RuleSet, Urgent, When
from service.routing.schemas import RuleIn


@dataclass(frozen=True, slots=True)
class AtWork:
    """Crises at work, that which began last first."""

    overlays: Overlays
    urgent: tuple[Urgent, ...]
    # By queue that stands still: the queue that takes its place, and the name of the plan.
    instead: Mapping[str, tuple[str, str]]


def read(key: str, crises: Sequence[Mapping[str, Any]]) -> AtWork:
    """Stored crises `{"id", "name", "until", "spec"}`, that which began last first."""
    instead: dict[str, tuple[str, str]] = {}
    for one in crises:
        for stopped in one["spec"].get("stopped", ()):
            instead.setdefault(stopped["queue"], (stopped["into"], one["name"]))
    return AtWork(
        overlays=Overlays(key, tuple(overlay_of(one) for one in crises)),
        urgent=tuple(Urgent(one["name"], rule) for one in crises for rule in rules_of(one["spec"])),
        instead=instead,
    )


def overlay_of(crisis: Mapping[str, Any]) -> Overlay:
    """What it adds to the order."""
    spec, until = crisis["spec"], crisis["until"]
    return Overlay(
        id=str(crisis["id"]),
        name=crisis["name"],
        until=until if isinstance(until, datetime) else datetime.fromisoformat(until),
        areas={one["area"]: float(one["factor"]) for one in spec.get("areas", ())},
        guard_minutes=spec.get("guard_minutes"),
        markets=frozenset(spec.get("markets", ())),
        languages=frozenset(spec.get("languages", ())),
        severity_only=frozenset(spec.get("severity_only", ())),
    )


def rules_of(spec: Mapping[str, Any]) -> list[Rule]:
    """Its rules, each only for content of the markets and languages that the crisis is about."""
    markets, languages = frozenset(spec.get("markets", ())), frozenset(spec.get("languages", ()))
    rules = [RuleIn.model_validate(one).rule() for one in spec.get("rules", ())]
    return [replace(one, when=_narrowed(one.when, markets, languages)) for one in rules]


def _narrowed(when: When, markets: frozenset[str], languages: frozenset[str]) -> When:
    return replace(
        when,
        markets=_both(when.markets, markets),
        languages=_both(when.languages, languages),
    )


def _both(given: frozenset[str], wider: frozenset[str]) -> frozenset[str]:
    """Values of both, where an empty set is any value. A draft whose rule has none in common is refused."""
    return given & wider if given and wider else given or wider


def under(rules: RuleSet, crises: AtWork, *, queues: Mapping[str, bool]) -> RuleSet:
    """The rules with the crises at work; `queues` are those that take cases, with whether each is restricted.

    What leads to a queue that takes no cases is left out: nothing is lost there.
    """
    # The default queue is where everything goes that goes nowhere else.
    urgent = tuple(one for one in crises.urgent if one.rule.queue in queues or one.rule.queue == DEFAULT_QUEUE)
    return replace(rules, overlays=crises.overlays, urgent=urgent, instead=_standing_in(crises.instead, queues))


def _standing_in(instead: Mapping[str, tuple[str, str]], queues: Mapping[str, bool]) -> dict[str, tuple[str, str]]:
    """Where the cases of each queue that stands still end up, plans that began last first.

    Where one plan's queue stands still under another plan, they go on to where that one sends them, and no queue stands
    still that a later plan sends them to. Nor does one that has become restricted since: only its members see its cases.
    """
    found: dict[str, tuple[str, str]] = {}

    def end(queue: str) -> str:
        while queue in found:
            queue = found[queue][0]
        return queue

    for queue, (into, plan) in instead.items():
        if into not in queues or queues.get(queue, False) or end(into) == queue:
            continue
        found[queue] = (into, plan)
    return {queue: (end(into), plan) for queue, (into, plan) in found.items()}
