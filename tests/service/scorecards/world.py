"""A small world written straight into the tables, minute by minute, so that every figure can be worked out by hand."""

import itertools
import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import dict_row

from service.db import libpq_url

Row = dict[str, Any]
ANSWER = {"policy_area": "spam", "severity": 2, "actions": ["remove"]}


def day_before(days: int = 3) -> datetime:
    """Ten o'clock of a day that lies safely in the past, UTC."""
    return datetime.now(UTC).replace(hour=10, minute=0, second=0, microsecond=0) - timedelta(days=days)


@dataclass
class World:
    """Rows are added by noun; times are minutes after `start`."""

    connection: psycopg.Connection[Row]
    start: datetime = field(default_factory=day_before)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def together(self) -> AbstractContextManager[Any]:
        """Rows that are committed at once, which is far quicker than one by one."""
        return self.connection.transaction()

    def at(self, minute: float) -> datetime:
        return self.start + timedelta(minutes=minute)

    def add(self, table: str, **values: Any) -> None:
        names = ", ".join(values)
        places = ", ".join("%s" for _ in values)
        self.connection.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", list(values.values()))

    def person(self, vendor: str | None = None, **fields: Any) -> UUID:
        made = uuid4()
        name = f"world-{next(self.numbers)}"
        self.add("principals", id=made, username=name, role="reviewer", vendor=vendor, **fields)
        return made

    def case(self, opened: float = 0, *, language: str | None = "en", **fields: Any) -> UUID:
        made = uuid4()
        self.add("subjects", id=made, kind="post", external_id=str(made))
        self.add("evidence", id=made, subject_id=made, content_hash=b"x", text="words", language=language)
        values = {"queue": "default", "status": "decided", "rank_value": 0, "rank": "{}", **fields}
        self.add("cases", id=made, subject_id=made, evidence_id=made, opened_at=self.at(opened), **values)
        return made

    def lease(
        self, case: UUID, person: UUID, span: tuple[float, float], outcome: str = "decided", **fields: Any
    ) -> UUID:
        token = uuid4()
        values = {"rank_value": 0, "rank": "{}", **fields}
        granted, ended = map(self.at, span)
        self.add(
            "leases", token=token, case_id=case, holder=person, evidence_id=case, granted_at=granted, ended_at=ended,
            outcome=outcome, **values,
        )  # fmt: skip
        return token

    def decide(self, case: UUID, person: UUID, span: tuple[float, float], **fields: Any) -> UUID:
        """Claimed and decided at these minutes."""
        made, token = uuid4(), self.lease(case, person, span)
        values: Row = {**ANSWER, "taxonomy_version": "1", "shown": "{}", "undo_until": self.at(span[1]), **fields}
        self.add(
            "decisions", id=made, case_id=case, evidence_id=case, lease_token=token, decided_by=person,
            decided_at=self.at(span[1]), **values,
        )  # fmt: skip
        return made

    def decided(self, person: UUID, **fields: Any) -> UUID:
        """A decision on a case of its own: opened at 0, claimed at 5, decided at 11."""
        return self.decide(self.case(), person, (5, 11), **fields)

    def undo(self, decision: UUID, person: UUID, minute: float) -> None:
        self.add("decision_undos", decision_id=decision, undone_by=person, undone_at=self.at(minute))

    def event(self, kind: str, case: UUID, minute: float, actor: UUID | None = None) -> None:
        self.add("events", kind=kind, case_id=case, actor=actor, at=self.at(minute))

    def clock(self, case: UUID, person: UUID, due: float, **fields: Any) -> UUID:
        made = uuid4()
        values = {"kind": "legal", "basis": "law", "set_at": self.start, **fields}
        self.add("clocks", id=made, case_id=case, due_at=self.at(due), set_by=person, **values)
        return made

    def policy(self, person: UUID, number: int = 1, area: str = "spam") -> UUID:
        made = uuid4()
        self.add(
            "policy_versions", id=made, area=area, number=number, title="t", body="b", digest="d", owner="o", reason="r",
            made_by=person, effective_at=self.start, published_at=self.start,
        )  # fmt: skip
        return made

    def plan(self, person: UUID, kind: str = "random", **fields: Any) -> UUID:
        made = uuid4()
        values = {"name": f"plan {next(self.numbers)}", "scope": "{}", "size": 1, "seed": 1, "population": 1, **fields}
        self.add("qa_plans", id=made, kind=kind, owner="o", reason="r", made_by=person, **values)
        return made

    def check(
        self, plan: UUID, decision: UUID, error: str | None = None, *, answers: Sequence[Row] = (), **fields: Any
    ) -> tuple[UUID, UUID]:
        """A settled check: (item, settlement). Of two of the same decision the later one is settled later."""
        item, settlement = uuid4(), uuid4()
        values = {"stratum": "all", "chance": 1.0, "state": "settled", **fields}
        case = self.value("SELECT case_id FROM decisions WHERE id = %s", decision)
        self.add(
            "qa_items", id=item, plan_id=plan, place=0.5, case_id=case, evidence_id=case, decision_id=decision,
            **values,
        )  # fmt: skip
        for number, answer in enumerate(answers):
            self.add(
                "qa_reviews", token=uuid4(), item_id=item, reviewer=self.person(), expires_at=self.at(90),
                answered_at=self.at(60 + number), answer=json.dumps(answer),
            )  # fmt: skip
        self.add("qa_settlements", id=settlement, item_id=item, by="agreement", answer=json.dumps(ANSWER), error=error)
        return item, settlement

    def wait(self, item: UUID) -> None:
        """Nobody has answered yet."""
        self.connection.execute("DELETE FROM qa_settlements WHERE item_id = %s", [item])
        self.connection.execute("UPDATE qa_items SET state = 'waiting' WHERE id = %s", [item])

    def dispute(self, item: UUID) -> None:
        """Answers that differ, which nobody has settled."""
        self.connection.execute("DELETE FROM qa_settlements WHERE item_id = %s", [item])
        self.connection.execute("UPDATE qa_items SET state = 'disputed' WHERE id = %s", [item])

    def expose(self, person: UUID, case: UUID, token: UUID, span: tuple[float, float], **fields: Any) -> None:
        media = uuid4()
        self.add(
            "media", id=media, sha256=b"x", kind="image", mime="image/png", width=1, height=1, frames=1, bytes=1,
            stored_as="x", uploaded_by=person,
        )  # fmt: skip
        since, until = map(self.at, span)
        self.add(
            "exposures", id=uuid4(), media_id=media, case_id=case, principal_id=person, lease_token=token, reason="r",
            at=since, expires_at=until, **fields,
        )  # fmt: skip

    def rows(self, statement: str, *values: Any) -> list[Row]:
        return self.connection.execute(statement, values).fetchall()

    def value(self, statement: str, *values: Any) -> Any:
        [row] = self.rows(statement, *values)
        [found] = row.values()
        return found


@contextmanager
def world_in(database: str) -> Iterator[World]:
    """A world in a migrated database; every row is there for others at once."""
    with psycopg.connect(libpq_url(database), autocommit=True, row_factory=dict_row) as connection:
        yield World(connection)


def staffed(world: World, vendor: str, *, people: int, decisions: int, wrong: int = 0, **fields: Any) -> list[UUID]:
    """A vendor whose people took turns at `decisions`, each of six minutes, all checked, the first few of them `wrong`."""
    team = [world.person(vendor, **fields) for _ in range(people)]
    plan = world.plan(team[0])
    with world.together():
        made = [world.decided(team[number % people]) for number in range(decisions)]
        for number, decision in enumerate(made):
            world.check(plan, decision, "wrong_area" if number < wrong else None)
    return made
