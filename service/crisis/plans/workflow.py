"""Rules of continuity plans: kept as data, put to work as crises are, and tried by drills that change nothing."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from labeling.taxonomy import Taxonomy
from service import events
from service.crisis import workflow as crises
from service.crisis.plans import store
from service.crisis.plans.drilling import ASSUMPTION, QueueNow, Scene, drilled
from service.crisis.plans.schemas import (
    DRILL_DAYS,
    ContinuityPlanIn,
    ContinuityPlanOut,
    ContinuityPlansOut,
    DrillOut,
    DrillsOut,
    PlanActivationIn,
)
from service.crisis.schemas import CrisisIn, CrisisWholeOut, SpecIn
from service.errors.crisis import CrisisChangedError
from service.errors.requests import InvalidRequestError, NotFoundError
from service.ids import new_id
from service.routing.schemas import RuleIn
from service.routing.workflow import REVIEWING, open_queues

DUE_MOST = 20_000
DRILLS_SHOWN = 20


async def plans(connection: AsyncConnection) -> ContinuityPlansOut:
    """Every plan with its last drill."""
    return ContinuityPlansOut(plans=[_out(row) for row in await store.plans(connection)])


async def plan(connection: AsyncConnection, name: str) -> ContinuityPlanOut:
    """One plan. Raises NotFoundError."""
    rows = await store.plans(connection, name)
    if not rows:
        raise NotFoundError(f"there is no continuity plan {name!r}; GET /v1/continuity lists them")
    return _out(rows[0])


async def save(connection: AsyncConnection, name: str, body: ContinuityPlanIn, *, actor: UUID) -> ContinuityPlanOut:
    """Save a plan. Raises CrisisChangedError, InvalidRequestError for a restricted queue that would stand still."""
    restricted = {name for name, closed in (await open_queues(connection)).items() if closed}
    if open_to_all := sorted(restricted & {one.queue for one in body.plan.stopped}):
        raise InvalidRequestError(
            f"plan.stopped: {', '.join(open_to_all)} is restricted; its cases would be seen by others than its members"
        )
    version = await store.save(
        connection,
        plan=body.plan.model_dump(mode="json"),
        name=name,
        title=body.title,
        based_on=body.based_on,
        actor=actor,
    )
    if version is None or version != body.based_on + 1:
        raise CrisisChangedError(
            f"the plan {name!r} is another one than version {body.based_on}; look at it again first"
        )
    await events.record(connection, "continuity.saved", actor=actor, data={"plan": name, "version": version})
    return await plan(connection, name)


async def activate(
    connection: AsyncConnection, name: str, body: PlanActivationIn, *, actor: UUID, taxonomy: Taxonomy
) -> CrisisWholeOut:
    """A draft that puts the plan to work once a second person approves it.

    Raises NotFoundError, InvalidRequestError, RoutingConflictError where nobody could take what a stopped queue would get.
    """
    found = await plan(connection, name)
    checked = CrisisIn(
        name=found.title[:80],
        reason=body.reason,
        until=body.until,
        spec=SpecIn(guidance=found.plan.guidance, statements=found.plan.statements),
    )
    await crises.require_useful(connection, checked.spec, taxonomy)
    await _require_taken(connection, found, taxonomy)
    crises.require_end(checked.until)
    values = {"name": checked.name, "reason": checked.reason, "until": checked.until}
    return await crises.keep(connection, values, found.plan.model_dump(mode="json"), actor=actor, plan=name)


async def _require_taken(connection: AsyncConnection, found: ContinuityPlanOut, taxonomy: Taxonomy) -> None:
    """Refuse a plan that sends cases to where nobody could take them, not even those whom it lets help there."""
    async with connection.begin_nested() as pretence:
        await store.pretend(connection, found.name, new_id())
        for into in sorted({one.into for one in found.plan.stopped}):
            await crises.require_taken(connection, [RuleIn(name=into, queue=into)], taxonomy)
        await pretence.rollback()


async def drills(connection: AsyncConnection, name: str) -> DrillsOut:
    """The latest drills of a plan, the newest first. Raises NotFoundError."""
    await plan(connection, name)
    return DrillsOut(drills=[DrillOut(**one) for one in await store.drills(connection, name, most=DRILLS_SHOWN)])


async def drill(engine: AsyncEngine, name: str, *, minutes: int) -> DrillOut:
    """Try a plan on what is there now, and keep what was found. Raises NotFoundError.

    The plan is put to work in a transaction that is always rolled back, so that the functions which the claim asks answer
    as they would; nothing of it is ever seen by anybody else. What was found is kept in a transaction of its own.
    """
    async with engine.connect() as connection:
        await connection.begin()
        try:
            found = await _drill(connection, name, minutes=minutes)
        finally:
            await connection.rollback()
    async with engine.begin() as connection:
        await store.keep(
            connection,
            plan=name,
            version=found.version,
            holes=len(found.holes),
            found=found.model_dump_json(),
            ran_at=found.ran_at,
        )
        data = {"plan": name, "version": found.version, "holes": len(found.holes)}
        await events.record(connection, "continuity.drilled", data=data)
    return found


async def _drill(connection: AsyncConnection, name: str, *, minutes: int) -> DrillOut:
    tried = await plan(connection, name)
    before = await _takers(connection)
    await store.pretend(connection, name, new_id())
    after = await _takers(connection)
    due: dict[str, list[datetime]] = defaultdict(list)
    for row in await store.due(connection, minutes=minutes, most=DUE_MOST):
        due[row.queue].append(row.deadline.astimezone(UTC))
    people = await store.people(connection, [one.person for one in tried.plan.reskilled], REVIEWING)
    now = datetime.now(UTC)
    shed = tried.plan.shed
    scene = Scene(
        now=now,
        queues={row.name: _queue(row) for row in await store.queues(connection)},
        due=due,
        takers=before,
        takers_with=after,
        sheddable=await store.sheddable(connection, shed.below_severity) if shed else {},
        people={person: row.active and row.reviews for person, row in people.items()},
    )
    queues, holes = drilled(tried.plan, scene)
    helpers = {person for queue, found in after.items() for person in found - before.get(queue, frozenset())}
    return DrillOut(
        plan=name,
        version=tried.version,
        ran_at=now,
        minutes=minutes,
        assumption=ASSUMPTION,
        queues=queues,
        helpers=sorted(helpers),
        holes=holes,
    )


async def _takers(connection: AsyncConnection) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for row in await store.takers(connection, REVIEWING):
        found[row.queue].add(row.username)
    return {queue: frozenset(people) for queue, people in found.items()}


def _queue(row: Row[Any]) -> QueueNow:
    return QueueNow(row.cases, row.legal, row.bound, row.minutes, row.overdue, row.restricted)


def _out(row: Row[Any]) -> ContinuityPlanOut:
    old = row.drilled_at is None or row.drilled_at < datetime.now(UTC) - timedelta(days=DRILL_DAYS)
    return ContinuityPlanOut(**row._mapping, stale=old or row.drill_version != row.version)
