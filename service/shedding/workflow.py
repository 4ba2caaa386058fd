"""Rules of shedding: while more comes than can be done, what nobody will get to is given up openly, and can be taken back.

The rule is that of models/shed.py, which the simulator runs as well; its constants, owner, reason and date are those of the
ranking configuration. Reporters learn of it by the webhooks `case.shed` and `case.unshed`.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from procrastinate import App
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from labeling.taxonomy import Taxonomy
from models.rank import RankConfig
from models.shed import Flow, load, may_shed, overloaded
from service.cases.workflow import SHED, UNSHED, tell_shedding
from service.errors.requests import InvalidRequestError, NotFoundError
from service.ranking.workflow import live_rank
from service.routing.workflow import visible_queues
from service.security import Principal
from service.shedding import store
from service.shedding.schemas import (
    MOST_RESTORED,
    ForecastOut,
    ForecastsOut,
    RestoredOut,
    RestoreIn,
    SheddingRuleOut,
    ShedListOut,
    ShedOut,
)

# Cases looked at in one transaction, and how long a queue that is not overloaded is left alone.
BATCH = 200
LOOK_AGAIN_SECONDS = 60.0
# Cases whose minutes are read; those of more are estimated from so many of them, to within one in a hundred.
MEASURED_MOST = 2000
# Before every case of a queue.
FIRST = (datetime.min.replace(tzinfo=UTC, year=2000), UUID(int=0))


@dataclass(frozen=True, slots=True)
class Measured:
    """A queue's flow with the numbers that only people read."""

    flow: Flow
    waiting: int
    waiting_minutes: float
    graphic_late: int


class Shedding:
    """Gives up what has to be given up, queue by queue; any number of workers may do so at once."""

    def __init__(self, engine: AsyncEngine, jobs: App, config: RankConfig) -> None:
        self._engine = engine
        self._jobs = jobs
        self._configured = self._config = config
        self._rests: dict[str, float] = {}
        self._looked_at: dict[str, tuple[datetime, UUID]] = {}

    async def step(self) -> int:
        """Give up one batch of every overloaded queue; returns how many cases."""
        given_up = 0
        async with self._engine.begin() as connection:
            self._config = await at_work(connection, self._configured)
            queues = await store.due_queues(connection) if self._config.shed else []
        for queue in queues:
            if self._rests.get(queue, 0.0) < time.monotonic():
                given_up += await self._of(queue)
        return given_up

    async def _of(self, queue: str) -> int:
        async with self._engine.begin() as connection:
            flow = (await measure(connection, [queue], self._config))[queue].flow
            if not overloaded(flow, self._config):
                self._rests[queue] = time.monotonic() + LOOK_AGAIN_SECONDS
                return 0
            now = datetime.now(UTC)
            after = self._looked_at.get(queue, FIRST)
            page = await store.candidates(connection, queue, after=after, limit=BATCH)
            if len(page) < BATCH:
                # All were looked at; what may not be given up now may be later.
                self._looked_at[queue] = FIRST
                self._rests[queue] = time.monotonic() + LOOK_AGAIN_SECONDS
            else:
                self._looked_at[queue] = (page[-1].start_by, page[-1].id)
            chosen = [row.id for row in page if may_shed(row.rank, special=False, now=now, config=self._config)]
            if not chosen:
                return 0
            given_up = await store.shed(connection, chosen, under=self._config.version, load=load(flow))
            await tell_shedding(connection, self._jobs, SHED, given_up)
        return len(given_up)


async def at_work(connection: AsyncConnection, config: RankConfig) -> RankConfig:
    """The rule of shedding now: that of the continuity plan at work, if one is, else that of the configuration.

    What a plan can say is from which severity on nothing is given up, and from which load on something is; deadlines,
    special routes and what no model has assessed are never given up under either.
    """
    plan = await store.rule_of_plan(connection)
    if plan is None:
        return config
    version = f"{config.version}, {plan.name}"
    return replace(
        config,
        version=version,
        owner=plan.owner,
        reason=plan.reason,
        decided_on=plan.decided_on,
        shed=True,
        shed_below_severity=plan.below_severity,
        shed_above_load=plan.above_load,
    )


async def measure(connection: AsyncConnection, queues: Sequence[str], config: RankConfig) -> dict[str, Measured]:
    """What came to each queue and was done in it during the window of the rule."""
    seconds = config.shed_window_hours * 3600
    guard_seconds = config.guard_minutes * 60
    rows = await store.flows(connection, queues, seconds=seconds, guard_seconds=guard_seconds, most=MEASURED_MOST)
    return {queue: _measured(row, seconds) for queue, row in rows.items()}


def _measured(row: Row[Any], seconds: float) -> Measured:
    hours = min(row.seconds or 0.0, seconds) / 3600
    flow = Flow(row.arrived_minutes, row.done_minutes, row.decided, hours, late=row.late)
    return Measured(flow, row.waiting, row.waiting_minutes, row.graphic_late)


async def forecast(connection: AsyncConnection, config: RankConfig, *, viewer: Principal) -> ForecastsOut:
    """Every queue the viewer may see: what came, what was done, and whether the bound can be kept."""
    config = await at_work(connection, config)
    shed = await store.counts(connection)
    visible = await _visible(connection, viewer)
    measured = await measure(connection, visible, config)
    return ForecastsOut(
        rule=SheddingRuleOut(
            version=config.version,
            owner=config.owner,
            reason=config.reason,
            decided_on=config.decided_on,
            at_work=config.shed,
            above_load=config.shed_above_load,
            window_hours=config.shed_window_hours,
            below_severity=config.shed_below_severity,
        ),
        queues=[_forecast(queue, measured[queue], config, shed=shed.get(queue, 0)) for queue in visible],
    )


async def listed(
    connection: AsyncConnection, taxonomy: Taxonomy, *, viewer: Principal, after: UUID | None, limit: int
) -> ShedListOut:
    """A page of what was given up."""
    queues = await _visible(connection, viewer)
    rows = await store.listed(connection, queues, after=after, limit=limit + 1)
    page = rows[:limit]
    return ShedListOut(
        cases=[_shed(row, taxonomy) for row in page], next=page[-1].case_id if len(rows) > limit else None
    )


async def restore(connection: AsyncConnection, jobs: App, wanted: RestoreIn, *, viewer: Principal) -> RestoredOut:
    """Take cases back into their queues, for good. Raises InvalidRequestError, NotFoundError when nothing was given up."""
    if (wanted.cases is None) == (wanted.queue is None):
        raise InvalidRequestError("cases, queue: name either the cases or the queue whose cases are to be taken back")
    visible = await _visible(connection, viewer)
    if wanted.queue is not None and wanted.queue not in visible:
        raise NotFoundError(f"there is no queue {wanted.queue!r}")
    queues = visible if wanted.queue is None else [wanted.queue]
    back = await store.restore(connection, queues, cases=wanted.cases, actor=viewer.id, limit=MOST_RESTORED)
    if not back:
        raise NotFoundError("none of these cases is given up; GET /v1/shed lists those that are")
    await tell_shedding(connection, jobs, UNSHED, back)
    return RestoredOut(cases=back, more=wanted.queue is not None and len(back) == MOST_RESTORED)


async def _visible(connection: AsyncConnection, viewer: Principal) -> list[str]:
    return [queue.name for queue in await visible_queues(connection, viewer)]


def _forecast(queue: str, measured: Measured, config: RankConfig, *, shed: int) -> ForecastOut:
    flow = measured.flow
    found = load(flow)
    surplus = flow.done_minutes - flow.arrived_minutes
    return ForecastOut(
        queue=queue,
        arrived_minutes=flow.arrived_minutes,
        done_minutes=flow.done_minutes,
        decided=flow.decided,
        hours=flow.hours,
        load=found if math.isfinite(found) else None,
        overloaded=overloaded(flow, config),
        waiting=measured.waiting,
        waiting_minutes=measured.waiting_minutes,
        hours_to_clear=measured.waiting_minutes / surplus * flow.hours if surplus > 0 else None,
        late=flow.late,
        graphic_late=measured.graphic_late,
        shed=shed,
    )


def _shed(row: Row[Any], taxonomy: Taxonomy) -> ShedOut:
    found = live_rank(row.rank, row.live_views)
    leading = found.parts["areas"][0]["area"]
    known = leading in taxonomy.area_ids
    return ShedOut(
        case_id=row.case_id,
        queue=row.queue,
        kind=row.kind,
        opened_at=row.opened_at,
        shed_at=row.shed_at,
        shed_under=row.shed_under,
        report_count=row.report_count,
        value=found.value,
        primary_area=leading if known else taxonomy.benign_id,
        severity=found.parts["severity"],
    )
