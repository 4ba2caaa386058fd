"""Rules of exposure: one's own ledger, breaks, the wish for nothing graphic now, and what leads see of it."""

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.errors.requests import InvalidRequestError
from service.exposure import rules, store
from service.exposure.limits import Limits
from service.exposure.schemas import (
    BreakOut,
    DayOut,
    DeskOut,
    ExposureOut,
    KeptBackOut,
    LevelOut,
    LimitsOut,
    NotNowOut,
    PeriodOut,
    RestOut,
    SpreadOut,
    WaitingCasesOut,
)
from service.ids import new_id
from service.security import ROLES, Capability

DAYS = 14
# A shift with its breaks is no longer; the wish ends with it.
NOT_NOW_HOURS = 12
REVEALING = tuple(role for role, may in ROLES.items() if Capability.MEDIA_REVEAL in may)
FEW = f"fewer than {rules.LEAST_PEOPLE} people had anything open: figures would tell of one of them"


async def ledger(connection: AsyncConnection, person: UUID, limits: Limits) -> ExposureOut:
    """All that is known about one person's exposure, for that person. Notes that they have been told who else sees what."""
    now = await _standing(connection, person, limits)
    midnight = _midnight(now.now)
    bounds = [
        (now.working_since, now.now),
        (now.shift_since, now.now),
        (now.now - rules.DAY, now.now),
        (midnight - timedelta(days=midnight.weekday()), now.now),
        *_bounds(midnight),
    ]
    stretch, shift, last, week, *found = await _periods(connection, person, bounds)
    seen_by_leads = now.day_seconds >= limits.day_seconds
    if seen_by_leads:
        await store.tell(connection, person)
    breaks = await _breaks(connection, person, limits)
    return ExposureOut(
        server_now=now.now,
        kept_back=await _kept_back(connection, person, now, limits),
        waiting=await _waiting(connection, person),
        rest=_rest(now, breaks, limits),
        not_now_until=now.not_now_until,
        seen_by_leads=seen_by_leads,
        stretch=stretch,
        shift=shift,
        last_24_hours=last,
        week=week,
        days=_days(found),
        breaks=breaks,
        limits=_told(limits),
    )


async def days(connection: AsyncConnection, person: UUID, limits: Limits) -> list[DayOut]:
    """The last 14 days, the newest first. Nobody is told by it who else sees what."""
    midnight = _midnight((await _standing(connection, person, limits)).now)
    return _days(await _periods(connection, person, _bounds(midnight)))


async def rest(connection: AsyncConnection, person: UUID, limits: Limits) -> RestOut:
    """Whether it is time for a break."""
    now = await _standing(connection, person, limits)
    return _rest(now, await _breaks(connection, person, limits), limits)


async def desk(connection: AsyncConnection, person: UUID, limits: Limits) -> DeskOut:
    """What somebody is told who is about to take a case: why no graphic ones come, and whether a break lasts."""
    now = await _standing(connection, person, limits)
    breaks = await _breaks(connection, person, limits)
    return DeskOut(
        kept_back=await _kept_back(connection, person, now, limits),
        waiting=None if now.why is None else await _waiting(connection, person),
        on_break=_lasting(breaks),
    )


async def milder_only(connection: AsyncConnection, person: UUID, limits: Limits) -> bool:
    """Whether somebody is shown nothing of high exposure now, whatever it is that they are about to look at."""
    return (await _standing(connection, person, limits)).why is not None


async def take_break(connection: AsyncConnection, person: UUID, limits: Limits) -> BreakOut:
    """Begin a break, or the one that lasts already."""
    await store.start_break(connection, person, break_id=new_id())
    return (await _breaks(connection, person, limits))[0]


async def end_break(connection: AsyncConnection, person: UUID) -> None:
    """End the break that lasts, if one does."""
    await store.end_break(connection, person)


async def not_now(connection: AsyncConnection, person: UUID, *, until: datetime | None) -> NotNowOut:
    """Keep graphic cases away until then, or let them come again. Raises InvalidRequestError."""
    if until is None:
        await store.forget_not_now(connection, person)
        return NotNowOut(until=None)
    kept = await store.set_not_now(connection, person, until=until, hours=NOT_NOW_HOURS)
    if kept is None:
        raise InvalidRequestError(f"until: give a moment between now and {NOT_NOW_HOURS} hours from now, or null")
    return NotNowOut(until=kept)


async def spread(connection: AsyncConnection, limits: Limits) -> SpreadOut:
    """How exposure of the last 24 hours lies across people, and who has reached the cap and knows that leads see it."""
    found = await store.exposed(connection, REVEALING)
    minutes = [row.seconds / 60 for row in found]
    capped = [row for row in found if row.seconds >= limits.day_seconds]
    few = len(found) < rules.LEAST_PEOPLE
    return SpreadOut(
        people=len(found),
        note=FEW if few else None,
        percentiles=None if few else rules.percentiles(minutes),
        bins=None if few else rules.binned(minutes),
        cap_minutes=round(limits.day_seconds / 60),
        at_cap=None if few else len(capped),
        named=[] if few else [row.username for row in capped if row.told],
    )


async def totals(connection: AsyncConnection, limits: Limits) -> tuple[float, int] | None:
    """Seconds of all people in the last 24 hours, and how many people have reached the cap; None where few had anything open."""
    found = await store.exposed(connection, REVEALING)
    if 0 < len(found) < rules.LEAST_PEOPLE:
        return None
    return sum(row.seconds for row in found), sum(row.seconds >= limits.day_seconds for row in found)


async def forget_old(connection: AsyncConnection) -> None:
    """Remove breaks of long ago and wishes that have run out."""
    await store.forget_old(connection)


def as_csv(days: Sequence[DayOut]) -> str:
    """Days by level, as a spreadsheet reads them: numbers and dates alone."""
    out = io.StringIO()
    lines = csv.writer(out)
    lines.writerow(["day_utc", "level", "seconds", "items"])
    lines.writerows(
        [one.day, level.level, round(level.seconds, 1), level.items] for one in days for level in one.levels
    )
    return out.getvalue()


def _midnight(now: datetime) -> datetime:
    """When the day began, in UTC."""
    return datetime.combine(now.astimezone(UTC), time(), UTC)


def _bounds(midnight: datetime) -> list[tuple[datetime, datetime]]:
    """Begin and end of each of the days that are told of, the newest first."""
    return [(midnight - timedelta(days=ago), midnight - timedelta(days=ago - 1)) for ago in range(DAYS)]


def _days(found: Sequence[PeriodOut]) -> list[DayOut]:
    return [DayOut(day=one.since.date(), **one.model_dump(exclude={"since"})) for one in found]


async def _standing(connection: AsyncConnection, person: UUID, limits: Limits) -> Row[Any]:
    values = {
        "day_seconds": limits.day_seconds,
        "stretch_seconds": limits.stretch_seconds,
        "break_seconds": limits.break_seconds,
        "in_a_row": limits.in_a_row,
    }
    return await store.standing(connection, person, values)


async def _periods(
    connection: AsyncConnection, person: UUID, bounds: Sequence[tuple[datetime, datetime]]
) -> list[PeriodOut]:
    levels: list[list[LevelOut]] = [[] for _ in bounds]
    for row in await store.periods(connection, person, bounds):
        levels[row.place - 1].append(LevelOut(level=row.level, seconds=row.seconds, items=row.items))
    return [
        PeriodOut(
            since=since,
            seconds=sum(one.seconds for one in found),
            items=sum(one.items for one in found),
            weighted_minutes=rules.weighted_minutes(found),
            levels=found,
        )
        for (since, _), found in zip(bounds, levels, strict=True)
    ]


async def _breaks(connection: AsyncConnection, person: UUID, limits: Limits) -> list[BreakOut]:
    pause = timedelta(seconds=limits.break_seconds)
    return [
        BreakOut(id=row.id, started_at=row.started_at, ended_at=row.ended_at, enough_at=row.started_at + pause)
        for row in await store.breaks(connection, person)
    ]


async def _kept_back(connection: AsyncConnection, person: UUID, now: Row[Any], limits: Limits) -> KeptBackOut | None:
    if now.why is None:
        return None
    until = None
    if now.why == "not_now":
        until = now.not_now_until
    elif now.why == "day":
        until = rules.below_again(await store.spans(connection, person), seconds=limits.day_seconds)
    elif now.active_at < now.now:
        # Nothing is open: with no case taken meanwhile, the break is had by then.
        until = now.active_at + timedelta(seconds=limits.break_seconds)
    return rules.kept_back(now.why, limits, until=until)


async def _waiting(connection: AsyncConnection, person: UUID) -> WaitingCasesOut:
    return WaitingCasesOut.model_validate(await store.waiting(connection, person), from_attributes=True)


def _lasting(breaks: Sequence[BreakOut]) -> BreakOut | None:
    return next((one for one in breaks if one.ended_at is None), None)


def _rest(now: Row[Any], breaks: Sequence[BreakOut], limits: Limits) -> RestOut:
    due = rules.break_due(now.work_seconds, limits)
    return RestOut(
        server_now=now.now,
        on_break=_lasting(breaks),
        work_seconds=now.work_seconds,
        due_in_seconds=due,
        suggestion=rules.suggestion(now.work_seconds, limits) if due == 0 and not _lasting(breaks) else None,
        alert=now.day_seconds >= limits.alert_seconds,
    )


def _told(limits: Limits) -> LimitsOut:
    return LimitsOut(
        alert_minutes=round(limits.alert_seconds / 60),
        day_minutes=round(limits.day_seconds / 60),
        stretch_minutes=round(limits.stretch_seconds / 60),
        break_after_minutes=round(limits.break_after_seconds / 60),
        break_minutes=round(limits.break_seconds / 60),
        in_a_row=limits.in_a_row,
    )
