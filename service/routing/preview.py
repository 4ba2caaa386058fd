"""What rules would do to cases, counted with the function that routes the live ones. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from labeling.taxonomy import Taxonomy
from service.routing.rules import RuleSet, facts_of, route
from service.routing.schemas import MoveOut, RuleCountOut
from service.routing.words import sentence

EXAMPLES = 5


@dataclass
class Move:
    """Cases that go from one queue to another."""

    cases: int = 0
    undecided: int = 0
    examples: list[UUID] = field(default_factory=list)

    def add(self, row: Any) -> None:
        """Count a case, and keep it as an example while there are few."""
        self.cases += 1
        self.undecided += row.status != "decided"
        if len(self.examples) < EXAMPLES:
            self.examples.append(row.id)


@dataclass
class Tally:
    """What came out so far, for the rules at work against those that are tried."""

    now: RuleSet
    then: RuleSet
    cases: int = 0
    default: int = 0
    special: int = 0
    by_rule: Counter[str] = field(default_factory=Counter)
    moves: dict[tuple[str, str], Move] = field(default_factory=dict)

    def add(self, rows: Sequence[Row[Any]]) -> None:
        """Route these cases both ways."""
        for row in rows:
            facts = facts_of(row)
            before, after = route(facts, self.now), route(facts, self.then)
            self.cases += 1
            if after.special is not None:
                self.special += 1
            elif after.rule is None:
                self.default += 1
            else:
                self.by_rule[after.rule] += 1
            if before.queue != after.queue:
                self.moves.setdefault((before.queue, after.queue), Move()).add(row)

    def moved(self) -> list[MoveOut]:
        """Every move, the largest first."""
        largest_first = sorted(self.moves.items(), key=lambda item: -item[1].cases)
        return [
            MoveOut(source=source, target=target, cases=one.cases, undecided=one.undecided, examples=one.examples)
            for (source, target), one in largest_first
        ]

    def by_rules(self, taxonomy: Taxonomy) -> list[RuleCountOut]:
        """What each rule would route, in their order."""
        return [
            RuleCountOut(rule=one.name, queue=one.queue, words=sentence(one, taxonomy), cases=self.by_rule[one.name])
            for one in self.then.rules
        ]
