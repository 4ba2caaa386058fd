"""Rules of the clocks of escalations: which run, when they are due, what pauses them, and what a breach sets off."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service import events
from service.errors.requests import InvalidRequestError, NotFoundError
from service.escalations.workflow import require, require_open
from service.ids import new_id
from service.security import ESCALATION_OVERSEERS
from service.sla import store
from service.sla.matrix import MOST_WARNING, specs_of
from service.sla.plan import New, begun, replan
from service.sla.rows import current_of, due_of, facts_of, runs, situation_of, spec_of, state_of
from service.sla.running import Deadline, Pause, is_over, moves_later
from service.sla.schemas import CLOCKS, EscalationClockOut, EscalationClocksOut, MatrixIn, PauseOut, StatedIn, Target
from service.sla.versions.workflow import at_work


@dataclass(frozen=True, slots=True)
class Nearest:
    """The clock of a record that runs out first: `hard` for a legal one, which never pauses. `hard_due_at` is that of the
    nearest legal one, which may come later; None where the record has none.
    """

    target: str
    due_at: datetime
    hard: bool
    paused: bool
    hard_due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OpenRecord:
    """What the matrix goes by of a record, every clock that it ever had, and its pauses."""

    facts: Row[Any]
    clocks: Sequence[Row[Any]]
    pauses: Sequence[Pause]


async def start(connection: AsyncConnection, escalation: UUID, *, actor: UUID, now: datetime | None = None) -> None:
    """Start the clocks that the matrix at work has for a record that was just opened, in the caller's transaction.

    A record that nobody did this for has its clocks from the worker within seconds.
    """
    await apply(connection, escalation, actor=actor, now=now)


async def restart(
    connection: AsyncConnection, escalation: UUID, *, actor: UUID | None, now: datetime | None = None
) -> None:
    """Apply the matrix anew after a record's facts changed (severity, area, jurisdiction, trigger); pauses are kept.

    A record that was taken up again has its decision due anew from now on.
    """
    await apply(connection, escalation, actor=actor, now=now)


async def apply(
    connection: AsyncConnection, escalation: UUID, *, actor: UUID | None, now: datetime | None = None
) -> None:
    """Bring the clocks of a record up to its facts and the matrix at work. Doing so again changes nothing."""
    moment = now or datetime.now(UTC)
    facts = await store.lock(connection, escalation)
    if facts is None:
        return
    version, matrix = await at_work(connection, moment)
    before = await store.applied(connection, escalation)
    rows = await store.clocks(connection, [escalation])
    if facts.resolved:
        await _close(connection, facts, rows, actor=actor)
    else:
        to = _Applied(version, matrix, actor, moment, before)
        await _bring_up(connection, facts, rows, to)
    await store.apply(connection, facts, version=version)


async def met(
    connection: AsyncConnection, escalation: UUID, target: Target, *, actor: UUID | None, now: datetime | None = None
) -> None:
    """Stop the running clocks of a target, because what they ask for was done; those of next_update start anew.

    A decision is an answer too: with it, nothing else of the record runs on.
    """
    moment = now or datetime.now(UTC)
    if await store.lock(connection, escalation) is None:
        return
    if await store.applied(connection, escalation) is None:
        await apply(connection, escalation, actor=actor, now=moment)
    rows = await store.clocks(connection, [escalation])
    # An answer tells whoever waits that somebody is at it: the first of them is also an update.
    done = get_args(Target) if target == "decision" else ("first_response", "next_update")
    stopped = [row for row in rows if runs(row) and row.target in done]
    await _meet(connection, escalation, stopped, moment, actor=actor)
    if target == "decision":
        return
    await store.answered(connection, escalation, moment)
    pauses = await _pauses(connection, escalation)
    for row in stopped:
        spec = spec_of(row)
        if row.target == "next_update" and spec is not None:
            made = begun(spec, moment, pauses)
            await _set(connection, escalation, made, version=row.version, actor=actor)


async def pause(
    connection: AsyncConnection, escalation: UUID, *, reason: str, actor: UUID | None, now: datetime | None = None
) -> None:
    """Pause the internal clocks of a record; legal ones run on. For one reason they are paused once at a time."""
    moment = now or datetime.now(UTC)
    await store.lock(connection, escalation)
    values = {"id": new_id(), "escalation_id": escalation, "reason": reason, "now": moment, "actor": actor}
    if await store.pause(connection, values):
        stand = await _place(connection, escalation)
        await events.record_on(connection, "sla.paused", escalation, actor=actor, data={"clocks": stand})


async def resume(
    connection: AsyncConnection,
    escalation: UUID,
    *,
    actor: UUID | None,
    reason: str | None = None,
    now: datetime | None = None,
) -> None:
    """Let paused clocks go on: whatever they were paused for or, with a `reason`, unless another one still holds."""
    moment = now or datetime.now(UTC)
    await store.lock(connection, escalation)
    values = {"escalation_id": escalation, "reason": reason, "now": moment, "actor": actor}
    if await store.resume(connection, values):
        stand = await _place(connection, escalation)
        await events.record_on(connection, "sla.resumed", escalation, actor=actor, data={"clocks": stand})


async def nearest(connection: AsyncConnection, escalations: Sequence[UUID]) -> dict[UUID, Nearest]:
    """The nearest running clock of each of these records; a record without one is left out."""
    rows = await store.nearest(connection, escalations)
    return {row.escalation_id: Nearest(row.target, row.due_at, row.hard, row.paused, row.hard_due_at) for row in rows}


async def due_once_answered(
    connection: AsyncConnection, escalation: UUID, *, now: datetime | None = None
) -> datetime | None:
    """By when whoever waits is to hear of it again if they are answered now: what an answer may promise.

    None where no clock says so, or all of them are paused or have run out.
    """
    moment = now or datetime.now(UTC)
    pauses = await _pauses(connection, escalation)
    running = [row for row in await store.clocks(connection, [escalation]) if runs(row) and not row.paused]
    updates = [spec for row in running if row.target == "next_update" and (spec := spec_of(row)) is not None]
    dues = [row.due_at for row in running if row.target == "decision" and row.due_at > moment]
    return min([*dues, *(begun(spec, moment, pauses).due_at for spec in updates)], default=None)


async def state(connection: AsyncConnection, escalation: UUID, body: StatedIn, *, actor: UUID) -> EscalationClocksOut:
    """Set a legal deadline that an order states, alone or in place of another clock. Raises NotFoundError or a 422.

    A legal clock moves later only where the reason names the new basis.
    """
    await require_open(connection, escalation, viewer=actor)
    rows = await store.clocks(connection, [escalation])
    if len(rows) >= CLOCKS:
        raise InvalidRequestError(f"a record may have at most {CLOCKS} clocks, replaced ones counted")
    old = _replaced(rows, body)
    started = old.started_at if old is not None else datetime.now(UTC)
    left = max(body.due_at - started, timedelta(0))
    values = {
        "target": body.target,
        "kind": "legal",
        "basis": body.basis,
        "row_name": None,
        "version": None,
        "warn_seconds": int(min(left / 4, MOST_WARNING).total_seconds()),
        "on_breach": old.on_breach if old is not None else "front_queue",
        "hand_to": old.hand_to if old else None,
        "started_at": started,
        "due_at": body.due_at,
        "paused": False,
        "replaces": body.replaces,
        "reason": body.reason,
    }
    if old is not None:
        await store.end(connection, [old.id], datetime.now(UTC))
    await _add(connection, escalation, values, old, actor=actor)
    return await clocks_of(connection, escalation, viewer=actor)


async def clocks_of(connection: AsyncConnection, escalation: UUID, *, viewer: UUID) -> EscalationClocksOut:
    """Every clock that a record ever had, and its pauses. Raises NotFoundError."""
    record = await require(connection, escalation, viewer=viewer)
    now = datetime.now(UTC)
    return EscalationClocksOut(
        clocks=[_out(row, record.resolved_at, now) for row in await store.clocks(connection, [escalation])],
        pauses=[
            PauseOut.model_validate(row, from_attributes=True) for row in await store.pauses(connection, [escalation])
        ],
    )


async def pause_by(connection: AsyncConnection, escalation: UUID, *, reason: str, person: UUID) -> EscalationClocksOut:
    """As `pause`, by somebody who may see the record. Raises NotFoundError, EscalationClosedError."""
    await require_open(connection, escalation, viewer=person)
    await pause(connection, escalation, reason=reason, actor=person)
    return await clocks_of(connection, escalation, viewer=person)


async def resume_by(connection: AsyncConnection, escalation: UUID, *, person: UUID) -> EscalationClocksOut:
    """As `resume`, by somebody who may see the record. Raises NotFoundError, EscalationClosedError."""
    await require_open(connection, escalation, viewer=person)
    await resume(connection, escalation, actor=person)
    return await clocks_of(connection, escalation, viewer=person)


async def open_records(connection: AsyncConnection, *, viewer: UUID, most: int) -> list[OpenRecord]:
    """Open records that this person may see with their clocks, the newest of very many."""
    records = await store.open_facts(connection, viewer=viewer, overseeing=ESCALATION_OVERSEERS, limit=most)
    ids = [one.id for one in records]
    clocks: dict[UUID, list[Row[Any]]] = defaultdict(list)
    for clock in await store.clocks(connection, ids):
        clocks[clock.escalation_id].append(clock)
    pauses: dict[UUID, list[Pause]] = defaultdict(list)
    for one in await store.pauses(connection, ids):
        pauses[one.escalation_id].append(Pause(one.paused_at, one.resumed_at))
    return [OpenRecord(one, clocks[one.id], pauses[one.id]) for one in records]


@dataclass(frozen=True, slots=True)
class _Applied:
    """What clocks are brought up to, and by what they were set before."""

    version: int
    matrix: MatrixIn
    actor: UUID | None
    now: datetime
    before: Row[Any] | None


async def _bring_up(connection: AsyncConnection, facts: Row[Any], rows: Sequence[Row[Any]], to: _Applied) -> None:
    specs = specs_of(to.matrix, facts_of(facts))
    running = [current_of(row) for row in rows if runs(row)]
    before = to.before
    where = situation_of(
        rows,
        await _pauses(connection, facts.id),
        received_at=facts.received_at,
        answered_at=before.answered_at if before is not None else None,
        again=to.now if before is not None and before.resolved else None,
    )
    plan = replan(running, specs, where)
    by_id = {row.id: row for row in rows}
    gone = [*plan.ended, *(one.replaces for one in plan.new if one.replaces is not None)]
    await store.end(connection, gone, to.now)
    for made in plan.new:
        old = by_id.get(made.replaces) if made.replaces is not None else None
        await _set(connection, facts.id, made, version=to.version, actor=to.actor, old=old)
    for ended in plan.ended:
        data = {"clock": str(ended), "target": by_id[ended].target}
        await events.record_on(connection, "sla.ended", facts.id, actor=to.actor, data=data)


async def _close(connection: AsyncConnection, facts: Row[Any], rows: Sequence[Row[Any]], *, actor: UUID | None) -> None:
    """A record that was resolved needs nothing more: what still ran was done with it."""
    await _meet(connection, facts.id, [row for row in rows if runs(row)], facts.resolved_at, actor=actor)


async def _meet(
    connection: AsyncConnection, escalation: UUID, stopped: Sequence[Row[Any]], now: datetime, *, actor: UUID | None
) -> None:
    pauses = [Pause(one.start, one.end or max(now, one.start)) for one in await _pauses(connection, escalation)]
    for row in stopped:
        due_at = row.due_at
        if row.paused:
            # Until now it stood still: whether it was in time is counted without the pause.
            due_at = due_of(row, pauses) or row.due_at
            await store.place(connection, row.id, due_at, paused=True)
        data = {"clock": str(row.id), "target": row.target, "kind": row.kind, "late": is_over(due_at, now)}
        await events.record_on(connection, "sla.met", escalation, actor=actor, data=data)
    await store.meet(connection, [row.id for row in stopped], now)


async def _place(connection: AsyncConnection, escalation: UUID) -> int:
    """Let internal clocks be due by the pauses as they are now; returns how many stand still."""
    pauses = await _pauses(connection, escalation)
    ended = [one for one in pauses if one.end is not None]
    still = 0
    for row in await store.clocks(connection, [escalation]):
        if row.kind == "internal" and runs(row):
            due_at = due_of(row, pauses)
            still += due_at is None
            await store.place(connection, row.id, due_at or due_of(row, ended) or row.due_at, paused=due_at is None)
    return still


async def _set(
    connection: AsyncConnection,
    escalation: UUID,
    made: New,
    *,
    version: int,
    actor: UUID | None,
    old: Row[Any] | None = None,
) -> None:
    spec = made.spec
    values = {
        "target": spec.target,
        "kind": spec.kind,
        "basis": spec.basis,
        "row_name": spec.row,
        "version": version,
        "warn_seconds": int(spec.warn.total_seconds()),
        "on_breach": spec.on_breach,
        "hand_to": spec.hand_to,
        "started_at": made.started_at,
        "due_at": made.due_at,
        "paused": made.stands,
        "replaces": made.replaces,
        "reason": made.reason,
    }
    await _add(connection, escalation, values, old, actor=actor)


async def _add(
    connection: AsyncConnection, escalation: UUID, values: dict[str, Any], old: Row[Any] | None, *, actor: UUID | None
) -> None:
    """Add a clock. One in place of a clock that had run out is not told of again, if it had by then as well."""
    made = new_id()
    told = old is not None and old.breached_at is not None and values["due_at"] < old.breached_at
    values |= {
        "id": made,
        "escalation_id": escalation,
        "set_by": actor,
        "warned_at": old.warned_at if told and old is not None else None,
        "breached_at": old.breached_at if told and old is not None else None,
        "fronted": told and old is not None and old.fronted,
    }
    await store.add(connection, values)
    data = {
        "clock": str(made),
        "target": values["target"],
        "kind": values["kind"],
        "due_at": values["due_at"].isoformat(),
    }
    if old is not None:
        data |= {"replaces": str(old.id), "was_due_at": old.due_at.isoformat()}
    kind = "sla.started" if old is None else "sla.replaced"
    await events.record_on(connection, kind, escalation, actor=actor, data=data)


def _replaced(rows: Iterable[Row[Any]], body: StatedIn) -> Row[Any] | None:
    """The clock that a stated deadline takes the place of. Raises NotFoundError, InvalidRequestError."""
    if body.replaces is None:
        return None
    old = next((row for row in rows if row.id == body.replaces), None)
    if old is None:
        raise NotFoundError(f"replaces: this record has no clock {body.replaces}")
    if not runs(old):
        raise InvalidRequestError("replaces: this clock no longer runs; replace the one that does")
    if old.target != body.target:
        raise InvalidRequestError(f"target: this clock is one of {old.target}, and so is what takes its place")
    if not body.reason:
        raise InvalidRequestError("reason: say why the other clock is replaced")
    old_one, new_one = Deadline(old.due_at, old.basis), Deadline(body.due_at, body.basis)
    refused = moves_later(old.kind, old_one, new_one, reason=body.reason)
    if refused:
        raise InvalidRequestError(f"reason: {refused}")
    return old


async def _pauses(connection: AsyncConnection, escalation: UUID) -> list[Pause]:
    return [Pause(row.paused_at, row.resumed_at) for row in await store.pauses(connection, [escalation])]


def _out(row: Row[Any], resolved_at: datetime | None, now: datetime) -> EscalationClockOut:
    return EscalationClockOut(
        **{name: getattr(row, name) for name in ("id", "target", "kind", "basis", "started_at", "due_at", "warn_at")},
        **{name: getattr(row, name) for name in ("met_at", "on_breach", "hand_to", "replaces", "reason")},
        row=row.row_name,
        state=state_of(row, resolved_at or now),
    )
