"""What rules would do, tried on the cases of the last hours by the function that routes the live ones."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from anyio import to_thread
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.taxonomy import Taxonomy
from service.routing import store
from service.routing.rules import RuleSet, facts_of, route
from service.routing.schemas import MoveOut, PreviewIn, PreviewOut, RuleCountOut
from service.routing.words import sentence
from service.routing.workflow import active, finding_out, findings

MOST_CASES = 100_000
# Rows read at once, and how long all of it may take: what is left out then is the oldest, and the answer says so.
BATCH = 1_000
MOST_SECONDS = 20.0
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


async def preview(connection: AsyncConnection, body: PreviewIn, taxonomy: Taxonomy) -> PreviewOut:
    """Try the rules on the cases of the last hours. Nothing is changed. Raises UnknownLabelError."""
    found = await findings(connection, body.rules, taxonomy)
    now = await active(connection)
    tally = Tally(now, RuleSet(now.version, tuple(rule.rule() for rule in body.rules), now.special))
    truncated = False
    ends = time.monotonic() + MOST_SECONDS
    # One more than are counted tells whether there were more.
    async for rows in store.facts(connection, hours=body.hours, limit=MOST_CASES + 1, batch=BATCH):
        if time.monotonic() > ends or tally.cases + len(rows) > MOST_CASES:
            truncated = True
        counted = rows[: MOST_CASES - tally.cases] if time.monotonic() <= ends else []
        # Off the event loop: other callers are answered meanwhile.
        await to_thread.run_sync(tally.add, counted)
        if truncated:
            break
    return PreviewOut(
        hours=body.hours,
        cases=tally.cases,
        truncated=truncated,
        rules=[
            RuleCountOut(rule=one.name, queue=one.queue, words=sentence(one, taxonomy), cases=tally.by_rule[one.name])
            for one in tally.then.rules
        ],
        default=tally.default,
        special=tally.special,
        moves=[
            MoveOut(source=source, target=target, cases=one.cases, undecided=one.undecided, examples=one.examples)
            for (source, target), one in sorted(tally.moves.items(), key=lambda item: -item[1].cases)
        ],
        findings=[finding_out(one) for one in found],
    )
