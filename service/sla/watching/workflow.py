"""The watch over clocks: every record has those of its facts, warnings and breaches are told once, and a breach acts once."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog
from procrastinate import App
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from labeling.taxonomy import Taxonomy
from models.rank import RankConfig
from service import events
from service.clocks.schemas import ClockIn
from service.clocks.workflow import NewClock, end_clock, set_clock
from service.errors.base import TriageError
from service.errors.cases import CaseDecidedError
from service.security import ESCALATION_OVERSEERS, ROLES, Capability
from service.sla.calendars import NoWorkingTimeError
from service.sla.versions.workflow import WORKING, at_work
from service.sla.watching import store
from service.sla.workflow import apply

BATCH = 100
LEADING = tuple(role for role, may in ROLES.items() if Capability.ESCALATION_MANAGE in may)

log = structlog.get_logger()


def _now() -> datetime:
    return datetime.now(UTC)


class Watch:
    """Looks at all clocks; any number of workers may do so at once. `clock` tells the time."""

    def __init__(self, engine: AsyncEngine, clock: Callable[[], datetime] = _now) -> None:
        self._engine = engine
        self._clock = clock

    async def step(self) -> int:
        """Warn of what runs out soon and act on what has run out; returns how much there was to do."""
        now = self._clock()
        async with self._engine.begin() as connection:
            done = await store.warn(connection, now, limit=BATCH)
        for _ in range(BATCH):
            # One at a time: what a breach sets off is committed with it, or neither is.
            async with self._engine.begin() as connection:
                late = await store.breach(connection, now)
                if late is None:
                    break
                await act(connection, late, now)
            done += 1
        return done

    async def settle(self) -> int:
        """Bring clocks up to what their records and the matrix say by now; returns of how many records."""
        now = self._clock()
        async with self._engine.begin() as connection:
            version, _matrix = await at_work(connection, now)
            stale = await store.stale(connection, version=version, limit=BATCH)
        for escalation in stale:
            try:
                async with self._engine.begin() as connection:
                    await apply(connection, escalation, actor=None, now=now)
            except (TriageError, NoWorkingTimeError) as error:
                # The others have their clocks all the same.
                log.error("sla.clocks_not_set", escalation=str(escalation), error=str(error))
        return len(stale)


async def act(connection: AsyncConnection, late: Row[Any], now: datetime) -> None:
    """What a breach sets off, in the transaction that marks it. One that has no effect says so in the trace."""
    values = {"clock": late.id, "escalation": late.escalation_id}
    roles = {"working": list(WORKING), "leading": list(LEADING), "overseeing": list(ESCALATION_OVERSEERS)}
    told = await store.notify(connection, values | roles)
    log.warning("sla.breached", clock=str(late.id), target=late.target, kind=late.kind)
    data: dict[str, Any] = {"clock": str(late.id), "action": late.on_breach, "told": told, "done": True}
    if late.on_breach == "raise_severity":
        raised = await store.raise_severity(connection, late.escalation_id)
        data |= {"done": raised is not None} | ({"from": raised.old, "to": raised.new} if raised else {})
        if raised:
            await apply(connection, late.escalation_id, actor=None, now=now)
    elif late.on_breach == "hand_over":
        owner = await store.hand_over(connection, late.escalation_id, to=late.hand_to, working=WORKING)
        data |= {"done": owner is not None} | ({"to": str(owner)} if owner else {})
    elif late.on_breach == "front_queue":
        data["done"] = await store.has_cases(connection, late.escalation_id)
    elif late.on_breach == "notify":
        data["done"] = told > 0
    if not data["done"]:
        log.error("sla.breach_without_effect", clock=str(late.id), action=late.on_breach)
    await events.record_on(connection, "sla.acted", late.escalation_id, data=data)


class CaseClocks:
    """Gives the cases of a record its legal clocks, and those that are to go to the front: the queue serves them first.

    They end with those of the record, which stand for the same duty; every other clock of the case stays.
    """

    def __init__(self, engine: AsyncEngine, jobs: App, *, taxonomy: Taxonomy, config: RankConfig) -> None:
        self._engine = engine
        self._jobs = jobs
        self._taxonomy = taxonomy
        self._config = config

    async def step(self) -> int:
        """Set what is missing and end what is over; returns how many clocks of cases there were."""
        async with self._engine.begin() as connection:
            missing = await store.unmirrored(connection, limit=BATCH)
            over = await store.over(connection, limit=BATCH)
        return sum([await self._set(row) for row in missing]) + sum([await self._end(row) for row in over])

    async def _end(self, row: Row[Any]) -> bool:
        async with self._engine.begin() as connection:
            if not await store.settle(connection, row.case_id, row.sla_clock_id):
                return False
            if row.clock_id is None:
                return False
            ranking = self._taxonomy, self._config
            return await end_clock(connection, row.case_id, row.clock_id, because=row.because, ranking=ranking)

    async def _set(self, row: Row[Any]) -> bool:
        try:
            async with self._engine.begin() as connection:
                if not await store.claim_mirror(connection, row.case_id, row.id):
                    return False
                made = await set_clock(
                    connection, new_clock(row), taxonomy=self._taxonomy, config=self._config, jobs=self._jobs
                )
                await store.mirrored(connection, row.case_id, row.id, case_clock=made.clock.id)
        except CaseDecidedError:
            return False
        except TriageError as error:
            log.error("sla.case_clock_refused", case=str(row.case_id), clock=str(row.id), error=error.code)
            return await self._give_up(row.case_id, row.id)
        return True

    async def _give_up(self, case_id: UUID, clock: UUID) -> bool:
        """Keep that a case could not be given a clock, so that it is not tried for ever."""
        async with self._engine.begin() as connection:
            return await store.claim_mirror(connection, case_id, clock)


def new_clock(row: Row[Any]) -> NewClock:
    """The clock of a case that stands for one of a record. Of one that not everybody may see it tells nothing but the time."""
    kind = "legal" if row.kind == "legal" else "contract"
    basis = f"A deadline of {row.due_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if row.hidden else row.basis
    reason = f"another deadline took its place: {basis}" if row.replaces else ""
    clock = ClockIn(kind=kind, basis=basis, due_at=row.due_at, replaces=row.replaces, reason=reason)
    return NewClock(row.case_id, clock, set_by=row.opened_by)
