"""Stored clocks and records as what the rules of clocks go by."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Row

from service.sla.matrix import Facts, Spec, parsed, specs_in
from service.sla.plan import Current, Situation
from service.sla.running import Pause, due, is_over

State = Literal["running", "paused", "overdue", "met", "late", "replaced"]


def facts_of(row: Row[Any]) -> Facts:
    """What the matrix goes by, of a record's row."""
    return Facts(row.source, row.trigger, row.severity, row.area, row.jurisdiction)


def done_of(rows: Iterable[Row[Any]]) -> dict[str, datetime]:
    """When each target was met last, of a record's clocks."""
    met_at = [(row.target, row.met_at) for row in rows if row.met_at is not None]
    return dict(sorted(met_at, key=lambda one: one[1]))


def runs(row: Row[Any]) -> bool:
    """Whether a clock runs or is paused."""
    return row.met_at is None and row.ended_at is None


def spec_of(row: Row[Any]) -> Spec | None:
    """What the matrix that set a clock says of it; None for a stated deadline."""
    if row.body is None:
        return None
    matrix = parsed(row.body)
    [named] = [one for one in matrix.rows if one.name == row.row_name]
    specs = specs_in(matrix, named)
    return next(one for one in specs if (one.target, one.kind) == (row.target, row.kind))


def due_of(row: Row[Any], pauses: Sequence[Pause]) -> datetime | None:
    """When a clock is due by these pauses; None where one that lasts stops it."""
    spec = spec_of(row)
    return row.due_at if spec is None else due(row.kind, row.started_at, spec.budget, pauses)


def current_of(row: Row[Any]) -> Current:
    """A clock that runs, for `replan`."""
    return Current(row.id, row.target, row.kind, row.basis, row.started_at, row.due_at, row.paused, spec_of(row))


def situation_of(
    rows: Sequence[Row[Any]],
    pauses: Sequence[Pause],
    *,
    received_at: datetime,
    answered_at: datetime | None,
    again: datetime | None = None,
) -> Situation:
    """Where a record with these clocks stands. `answered_at` is its last answer, whether a clock asked for it or not; since
    `again` it is taken up again: it was answered once, and the rest is due anew.
    """
    answered = {} if answered_at is None else {"first_response": answered_at, "next_update": answered_at}
    done = done_of(rows) | answered
    if again is not None:
        done = {target: at for target, at in done.items() if target == "first_response"}
    return Situation(again or received_at, done, pauses, _taken_over(rows))


def _taken_over(rows: Sequence[Row[Any]]) -> frozenset[tuple[str, str, str]]:
    """Target, kind and basis of the clocks whose place a stated deadline has that runs."""
    by_id = {row.id: row for row in rows}
    found = set()
    for row in rows:
        old = by_id.get(row.replaces) if runs(row) and row.row_name is None else None
        while old is not None:
            found.add((old.target, old.kind, old.basis))
            old = by_id.get(old.replaces)
    return frozenset(found)


def state_of(row: Row[Any], now: datetime) -> State:
    """How a clock stands at a moment."""
    if row.met_at is not None:
        return "late" if is_over(row.due_at, row.met_at) else "met"
    if row.ended_at is not None:
        return "replaced"
    if row.paused:
        return "paused"
    return "overdue" if is_over(row.due_at, now) else "running"
