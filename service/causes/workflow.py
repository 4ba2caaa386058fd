"""Rules of root causes and of the improvement register."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.statistics.weighted import wilson
from service import events
from service.causes import store
from service.causes.codes import codes
from service.causes.estimates import LEAST_SHARED, Compared, compared, rate
from service.causes.figures import QUERIES, NamedQuery
from service.causes.schemas import (
    CauseIn,
    CauseOut,
    ImprovementChangeIn,
    ImprovementIn,
    ImprovementOut,
    ParetoAsked,
    ParetoOut,
    ParetoRow,
    RegisterAsked,
    RegisterOut,
)
from service.errors.escalations import FindingChangedError
from service.errors.requests import InvalidRequestError, NotFoundError
from service.escalations.workflow import Said, require, say
from service.ids import new_id
from service.security import ESCALATION_OVERSEERS

SHOWN = 300
IN_A_FILE = 10_000
DAY = timedelta(days=1)
# How long before and after an action its effect is measured.
EFFECT_WEEKS = 12
PARETO_DAYS = 90
LONGEST_DAYS = 1100


@dataclass(frozen=True, slots=True)
class Figure:
    """The result of a named query with all that it rests on; `value` is None where nothing is known or too little is."""

    query: NamedQuery
    parameters: Mapping[str, str]
    n: int
    value: float | None
    low: float | None = None
    high: float | None = None
    # Of a share: how many of `n`.
    part: float | None = None
    too_few: bool = False


async def figure(connection: AsyncConnection, name: str, values: Mapping[str, Any]) -> Figure:
    """Run a named query; of `values` it takes the parameters that it names. An unknown name is a KeyError."""
    query = QUERIES[name]
    taken = {one: values[one] for one in query.parameters}
    row = await store.named(connection, name, taken)
    shown = {one: _shown(value) for one, value in taken.items()}
    n, part = int(row.n), None if row.part is None else float(row.part)
    if query.kind == "rate":
        found = rate(n, _weeks(values["since"], values["until"]))
        return Figure(query, shown, n, found.value, found.low, found.high)
    if query.kind == "share":
        if n < LEAST_SHARED or part is None:
            return Figure(query, shown, n, None, part=part, too_few=True)
        low, high = wilson(part / n, n)
        return Figure(query, shown, n, part / n, low, high, part)
    return Figure(query, shown, n, part, part=part)


async def file_cause(connection: AsyncConnection, escalation: UUID, body: CauseIn, *, person: UUID) -> CauseOut:
    """Say why a record, and others with the same cause, came about. Resolved ones too: causes are found late.

    Raises NotFoundError, InvalidRequestError for a part that the code does not have or a record that there is not, and
    FindingChangedError where another finding is there than the one that was read, or one of the others has another.
    """
    await require(connection, escalation, viewer=person)
    if body.subcode not in codes()[body.code].subcodes:
        known = ", ".join(codes()[body.code].subcodes)
        raise InvalidRequestError(f"subcode: {body.code} has {known}")
    numbers = sorted(set(body.records))
    others = await store.numbered(connection, numbers, viewer=person, overseeing=ESCALATION_OVERSEERS)
    if missing := [f"E-{number}" for number in numbers if number not in others]:
        raise InvalidRequestError(f"records: there is no {', '.join(missing)}")
    records = list(dict.fromkeys((escalation, *others.values())))
    await store.lock(connection, records)
    filed = await store.causes_of(connection, records)
    if filed.get(escalation) != body.replaces:
        raise FindingChangedError("somebody filed another cause for this record; read it, then save again")
    if taken := [number for number, one in others.items() if filed.get(one) not in {None, body.replaces}]:
        raise FindingChangedError(f"E-{taken[0]} has another cause already; change it there first")
    cause = new_id()
    values = body.model_dump(include={"code", "subcode", "whys", "factors"}) | {"id": cause, "found_by": person}
    await store.file_cause(connection, values, records=records)
    data = {"cause": str(cause), "code": body.code, "subcode": body.subcode, "records": len(records)}
    for record in records:
        await events.record_on(connection, "cause.filed", record, actor=person, data=data)
    found = await cause_of(connection, escalation, viewer=person)
    if found is None:
        raise NotFoundError(f"there is no escalation {escalation}")
    return found


async def cause_of(connection: AsyncConnection, escalation: UUID, *, viewer: UUID) -> CauseOut | None:
    """Why a record came about, None as long as nobody found out. Raises NotFoundError."""
    await require(connection, escalation, viewer=viewer)
    row = await store.cause(connection, escalation, viewer=viewer, overseeing=ESCALATION_OVERSEERS)
    return None if row is None else CauseOut.model_validate(row, from_attributes=True)


async def add_improvement(
    connection: AsyncConnection, escalation: UUID, body: ImprovementIn, *, person: UUID
) -> ImprovementOut:
    """Add an action to a record, resolved or not. Raises NotFoundError or InvalidRequestError."""
    await require(connection, escalation, viewer=person)
    owner = await _owner(connection, body.owner)
    if not body.team and owner is None:
        raise InvalidRequestError("team: name the team or the person who sees to it")
    made = new_id()
    values = body.model_dump() | {"id": made, "escalation_id": escalation, "owner": owner, "added_by": person}
    await store.add(connection, values)
    data = {"improvement": str(made), "direction": body.direction}
    await events.record_on(connection, "improvement.added", escalation, actor=person, data=data)
    return await improvement(connection, made, viewer=person)


async def change_improvement(
    connection: AsyncConnection, improvement_id: UUID, body: ImprovementChangeIn, *, person: UUID
) -> ImprovementOut:
    """Change an action. Raises NotFoundError, InvalidRequestError, and FindingChangedError where somebody was faster."""
    row = await _row(connection, improvement_id, viewer=person)
    state = body.state or row.state
    today = datetime.now(UTC).date()
    done_on = (body.done_on or row.done_on or today) if state == "done" else None
    if done_on is not None and done_on > today:
        raise InvalidRequestError("done_on: a day that has not come yet")
    if body.done_on is not None and state != "done":
        raise InvalidRequestError("done_on: only what is done has a day on which it was")
    note = row.note if body.note is None else body.note
    if state == "dropped" and not note:
        raise InvalidRequestError("note: say why it was dropped")
    named = body.model_fields_set
    # Whoever has it keeps it until somebody names another, also when their account is closed meanwhile.
    other = "owner" in named and body.owner != row.owner
    owner = await _owner(connection, body.owner) if other else row.owner_id
    team = row.team if body.team is None else body.team
    if not team and owner is None:
        raise InvalidRequestError("team: name the team or the person who sees to it")
    values = {"state": state, "done_on": done_on, "due_on": body.due_on or row.due_on, "team": team, "owner": owner}
    values |= {"note": note, "id": improvement_id, "revision": body.revision}
    if not await store.change(connection, values):
        raise FindingChangedError("somebody changed this action meanwhile; load it again")
    data = {"improvement": str(improvement_id), "from": row.state, "to": state}
    await events.record_on(connection, "improvement.changed", row.escalation_id, actor=person, data=data)
    return await improvement(connection, improvement_id, viewer=person)


async def improvement(connection: AsyncConnection, improvement_id: UUID, *, viewer: UUID) -> ImprovementOut:
    """An action. Raises NotFoundError."""
    return _improvement(await _row(connection, improvement_id, viewer=viewer))


async def register(
    connection: AsyncConnection,
    asked: RegisterAsked,
    *,
    viewer: UUID,
    escalation: UUID | None = None,
    most: int = SHOWN,
) -> RegisterOut:
    """Actions on records that this person may see, or on one of them."""
    values = {**_viewing(viewer), **asked.model_dump(), "escalation": escalation, "most": most}
    rows = await store.register(connection, values)
    return RegisterOut(found=rows[0].found if rows else 0, improvements=[_improvement(row) for row in rows])


async def of_record(connection: AsyncConnection, escalation: UUID, *, viewer: UUID) -> RegisterOut:
    """What is done about a record. Raises NotFoundError."""
    await require(connection, escalation, viewer=viewer)
    return await register(connection, RegisterAsked(), viewer=viewer, escalation=escalation)


async def teams(connection: AsyncConnection, *, viewer: UUID) -> list[str]:
    """Every team that an action names."""
    return await store.teams(connection, viewer=viewer, overseeing=ESCALATION_OVERSEERS)


async def effect(connection: AsyncConnection, improvement_id: UUID, *, viewer: UUID) -> Compared | None:
    """Rates before and after an action that is done, None of any other. Raises NotFoundError."""
    row = await _row(connection, improvement_id, viewer=viewer)
    if row.done_on is None or row.done_on >= datetime.now(UTC).date():
        return None
    record = await require(connection, row.escalation_id, viewer=viewer)
    done, span = _midnight(row.done_on), timedelta(weeks=EFFECT_WEEKS)
    until = min(done + span, datetime.now(UTC))
    values = {
        "escalation": record.id,
        "trigger": record.trigger,
        "area": record.policy_area,
        "code": row.code,
        "subcode": row.subcode,
    }
    before = await figure(connection, row.measure, {**values, "since": done - span, "until": done})
    after = await figure(connection, row.measure, {**values, "since": done, "until": until})
    return compared(rate(before.n, EFFECT_WEEKS), rate(after.n, _weeks(done, until)))


async def pareto(connection: AsyncConnection, asked: ParetoAsked, *, viewer: UUID, today: date) -> ParetoOut:
    """Records that this person may see by what they have in common, the most first. Raises InvalidRequestError."""
    until = asked.until or today
    since = asked.since or until - timedelta(days=PARETO_DAYS)
    if not timedelta() <= until - since <= timedelta(days=LONGEST_DAYS):
        raise InvalidRequestError(f"since: a period from its first day to its last, of at most {LONGEST_DAYS} days")
    values = {"since": _midnight(since), "until": _midnight(until) + DAY, **_viewing(viewer)}
    found = await store.pareto(connection, asked.by, values)
    total = sum(row.records for row in found)
    rows, seen = [], 0
    for row in found:
        seen += row.records
        rows.append(ParetoRow(name=row.name, records=row.records, share=row.records / total, cumulated=seen / total))
    return ParetoOut(by=asked.by, since=since, until=until, records=total, rows=rows)


async def check_recurrence(connection: AsyncConnection, *, today: date) -> int:
    """Look whether what was acted on came back, 30 and 90 days on, and tell those who work on the record; returns how often."""
    rows = await store.check_recurrence(connection, today=today)
    for row in rows:
        data = {"improvement": str(row.improvement_id), "days": row.days, "before": row.alike_before}
        data |= {"after": row.alike_after, "same_cause": row.same_cause_after}
        kind = "improvement.recurred" if row.alike_after or row.same_cause_after else "improvement.held"
        await events.record_on(connection, kind, row.record, data=data)
        told = (
            f"I-{row.number}, {row.days} days after it was done: {row.alike_after} records of the same kind came in,"
            f" {row.alike_before} in as many days before; {row.same_cause_after} were filed under the same cause."
        )
        await say(connection, row.record, Said("internal", "note", told, "en"))
    return len(rows)


def _viewing(viewer: UUID) -> dict[str, Any]:
    return {"viewer": viewer, "overseeing": list(ESCALATION_OVERSEERS), "today": datetime.now(UTC).date()}


async def _row(connection: AsyncConnection, improvement_id: UUID, *, viewer: UUID) -> Row[Any]:
    row = await store.improvement(connection, improvement_id, _viewing(viewer))
    if row is None:
        raise NotFoundError(f"there is no action {improvement_id}")
    return row


async def _owner(connection: AsyncConnection, username: str | None) -> UUID | None:
    if username is None:
        return None
    owner = await store.person(connection, username)
    if owner is None:
        raise InvalidRequestError(f"owner: there is no account {username!r} in use")
    return owner


def _improvement(row: Row[Any]) -> ImprovementOut:
    return ImprovementOut.model_validate(row, from_attributes=True)


def _weeks(since: datetime, until: datetime) -> float:
    return (until - since) / timedelta(weeks=1)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _shown(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return "none" if value is None else str(value)
