"""Rules of the floor: what a lead has to know of every queue now, and what will be missed if all goes on like this."""

import csv
import io
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service.floor import store
from service.floor.breaches import HORIZON_HOURS, Breaches, Pace, predict
from service.floor.live import Watch
from service.floor.schemas import AgesOut, BreachesOut, CaseRateOut, DepthOut, FloorOut, FloorQueueOut, PeopleThereOut
from service.routing.workflow import visible_queues
from service.security import ROLES, Capability, Principal
from service.spreadsheets import guarded

SHIFT_HOURS = 8
# Fewer decisions in an hour are chance: then the pace is that of the shift.
LEAST_DECISIONS = 5
# Whoever decided something in these minutes is at work.
WORKING_MINUTES = 15
# A break is its person's own matter: among fewer people a number would tell whose it is.
LEAST_PEOPLE = 5
CLOCKS_MOST = 20_000
# Cases whose ages are sorted; of more, so many tell half and nine of ten to within one in a hundred cases.
AGED_MOST = 5000
DEPTH_HOURS = 24
ASSUMPTION = (
    "Everybody goes on at the pace of the last hour (of the shift, where fewer than five were decided in that hour), cases "
    "with a deadline are decided before all others, the nearest first, and more of them come as they did. Deadlines of the "
    "next 24 hours count."
)


async def floor(connection: AsyncConnection, *, viewer: Principal, idle_minutes: int) -> FloorOut:
    """Every queue the viewer may see, and how many people are at work; a session unused for `idle_minutes` is none."""
    titles = {queue.name: queue.title for queue in await visible_queues(connection, viewer)}
    waiting = await store.waiting(connection, list(titles), most=AGED_MOST)
    came = await store.came(connection, list(titles), shift=SHIFT_HOURS)
    done = await store.done(connection, list(titles), shift=SHIFT_HOURS)
    hands = await store.hands(connection, list(titles))
    due = await _due(connection, list(titles))
    overdue = await store.overdue(connection, list(titles))
    now = datetime.now(UTC)
    at = {name: pace(came.get(name), done.get(name)) for name in titles}
    return FloorOut(
        shift_hours=SHIFT_HOURS,
        assumption=ASSUMPTION,
        people=await people(connection, idle_minutes=idle_minutes),
        queues=[
            FloorQueueOut(
                queue=name,
                title=title,
                open=waiting[name].open if name in waiting else 0,
                ages=_ages(waiting.get(name)),
                arrived=_rate(came.get(name)),
                decided=_rate(done.get(name)),
                people=hands.get(name, 0),
                breaches=_breaches(predict(due[name], at[name], now=now, before=overdue.get(name, 0)), at[name]),
            )
            for name, title in titles.items()
        ],
    )


async def people(connection: AsyncConnection, *, idle_minutes: int) -> PeopleThereOut:
    """How many people who review are signed in, at work and on a break."""
    roles = [role for role, may in ROLES.items() if Capability.CASE_REVIEW in may]
    row = await store.people(connection, roles, minutes=WORKING_MINUTES, idle=idle_minutes)
    told = row.on_break if row.signed_in >= LEAST_PEOPLE else None
    return PeopleThereOut(signed_in=row.signed_in, working=row.working, on_break=told, least=LEAST_PEOPLE)


async def depths(connection: AsyncConnection, *, viewer: Principal) -> dict[str, list[DepthOut]]:
    """By queue, how many cases there were at each full hour of the last day."""
    queues = [queue.name for queue in await visible_queues(connection, viewer)]
    found: dict[str, list[DepthOut]] = {name: [] for name in queues}
    for row in await store.depths(connection, queues, hours=DEPTH_HOURS):
        found[row.queue].append(DepthOut(at=row.at.astimezone(UTC), cases=max(0, row.cases)))
    return found


def depths_as_csv(found: Mapping[str, Sequence[DepthOut]]) -> str:
    """The depths as a table, one line for each queue and hour."""
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(["queue", "at", "cases"])
    for queue, points in found.items():
        table.writerows([guarded(queue), point.at.isoformat(), point.cases] for point in points)
    return out.getvalue()


def watch_of(engine: AsyncEngine) -> Watch:
    """What tells pages that something has changed, by the newest event."""

    async def latest() -> int:
        async with engine.connect() as connection:
            return await store.latest(connection)

    return Watch(latest)


def pace(came: Row[Any] | None, done: Row[Any] | None) -> Pace:
    """The pace of a queue: of the last hour where that is no chance, else of the shift."""
    rate = _rate(done)
    return Pace(
        done_per_hour=rate.hour if rate.hour >= LEAST_DECISIONS else rate.shift,
        clocked_per_hour=came.clocked / SHIFT_HOURS if came else 0.0,
        allowance_hours=(came.allowance_hours or 0.0) if came else 0.0,
    )


async def _due(connection: AsyncConnection, queues: Sequence[str]) -> dict[str, list[datetime]]:
    due: dict[str, list[datetime]] = defaultdict(list)
    for row in await store.clocks(connection, queues, horizon=HORIZON_HOURS, most=CLOCKS_MOST):
        due[row.queue].append(row.deadline.astimezone(UTC))
    return due


def _ages(row: Row[Any] | None) -> AgesOut | None:
    return AgesOut(p50=row.ages[0], p90=row.ages[1], oldest=row.oldest) if row else None


def _rate(row: Row[Any] | None) -> CaseRateOut:
    return CaseRateOut(hour=row.hour, shift=row.shift / SHIFT_HOURS) if row else CaseRateOut(hour=0, shift=0)


def _breaches(found: Breaches, at: Pace) -> BreachesOut:
    return BreachesOut(
        overdue=found.overdue,
        missed=found.missed,
        first_at=found.first_at,
        done_per_hour=at.done_per_hour,
        clocked_per_hour=at.clocked_per_hour,
    )
