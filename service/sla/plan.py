"""What becomes of the clocks of a record when its facts or the matrix change. All pure.

Pauses are of the record and not of a clock, so that whatever takes a clock's place keeps them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from service.sla.matrix import Spec
from service.sla.running import Deadline, Pause, due, moves_later


@dataclass(frozen=True, slots=True)
class Current:
    """A clock that runs or is paused. `spec` is what the matrix said when it was set; None for a stated deadline."""

    id: UUID
    target: str
    kind: str
    basis: str
    started_at: datetime
    due_at: datetime
    paused: bool
    spec: Spec | None


@dataclass(frozen=True, slots=True)
class New:
    """A clock to be set. `stands` where a pause that lasts stops it: `due_at` is then as if the pause had not begun."""

    spec: Spec
    started_at: datetime
    due_at: datetime
    stands: bool
    replaces: UUID | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """Clocks to be set, some in place of others, and clocks that end with nothing in their place."""

    new: tuple[New, ...] = ()
    ended: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Situation:
    """Where a record stands: from when its clocks count, what was done already and when, its pauses, and the clocks, by target,
    kind and basis, whose place a deadline has that an order stated.
    """

    received_at: datetime
    done: Mapping[str, datetime]
    pauses: Sequence[Pause]
    taken_over: frozenset[tuple[str, str, str]] = frozenset()


def replan(running: Sequence[Current], wanted: Sequence[Spec], where: Situation) -> Plan:
    """Bring running clocks up to what the matrix wants now.

    A legal clock is never dropped, and moves later only on another basis; the reason of the new one names it. What a deadline
    that an order stated took the place of is not brought back. Raises NoWorkingTimeError.
    """
    by_key = {(one.target, one.kind): one for one in running if one.spec is not None}
    new = []
    for spec in wanted:
        old = by_key.pop((spec.target, spec.kind), None)
        if old is not None:
            new += [made] if (made := _instead(old, spec, where)) is not None else []
        elif (spec.target, spec.kind, spec.basis) not in where.taken_over:
            begin = _begins(spec, where)
            new += [begun(spec, begin, where.pauses)] if begin is not None else []
    return Plan(tuple(new), tuple(one.id for one in by_key.values() if one.kind == "internal"))


def begun(
    spec: Spec, start: datetime, pauses: Sequence[Pause], *, replaces: UUID | None = None, reason: str = ""
) -> New:
    """A clock of the matrix from a moment on. Raises NoWorkingTimeError."""
    stated = due(spec.kind, start, spec.budget, pauses)
    if stated is not None:
        return New(spec, start, stated, stands=False, replaces=replaces, reason=reason)
    # Without the pause that lasts; with it, nobody knows.
    known = due(spec.kind, start, spec.budget, [one for one in pauses if one.end is not None])
    if known is None:
        raise AssertionError("a clock whose pauses all have an end is due some time")
    return New(spec, start, known, stands=True, replaces=replaces, reason=reason)


def _begins(spec: Spec, where: Situation) -> datetime | None:
    """From when a clock counts that did not run: an update is due anew after each, what was done once is done."""
    done = where.done.get(spec.target)
    if done is None:
        return where.received_at
    return done if spec.target == "next_update" and "decision" not in where.done else None


def _instead(old: Current, spec: Spec, where: Situation) -> New | None:
    if old.spec is not None and _same(old.spec, spec):
        return None
    reason = f"by the matrix, row {spec.row}: {spec.basis}"
    made = begun(spec, old.started_at, where.pauses, replaces=old.id, reason=reason)
    before, after = Deadline(old.due_at, old.basis), Deadline(made.due_at, spec.basis)
    refused = moves_later(spec.kind, before, after, reason=reason)
    return None if refused else made


def _same(old: Spec, new: Spec) -> bool:
    return (old.basis, old.budget, old.warn, old.on_breach, old.hand_to) == (
        new.basis,
        new.budget,
        new.warn,
        new.on_breach,
        new.hand_to,
    )
