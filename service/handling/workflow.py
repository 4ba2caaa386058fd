"""Rules of working on escalations: what one does with a record moves its clocks too, and what is next is told by both."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service.errors.escalations import TransitionError
from service.escalations.closing import Closing
from service.escalations.listing import workflow as listing
from service.escalations.schemas import EscalationOut, FactsIn, MoveIn, Status
from service.escalations.seeing import Seer
from service.escalations.workflow import change_facts, escalation_view, is_seen
from service.escalations.workflow import move as move_record
from service.handling import places, store
from service.handling.schemas import EscalationSearchIn, ListedOut, ListOut, ListQuery, NearestClockOut
from service.settings import Settings
from service.sla import workflow as sla
from service.sla.workflow import Nearest

# While a record is in one of these, clocks of our own rest; those that a law sets never do.
RESTING: frozenset[Status] = frozenset({"waiting", "needs_information"})
# What the matrix of clocks goes by.
CLOCKED = frozenset({"trigger", "severity", "policy_area", "jurisdiction"})
# A record at this severity or a higher one is told of sooner while nobody has it.
GRAVE = 3
# What one person has to do within half a shift.
SOON_HOURS = 4
# So many are tried before taking the next is given up: as many people would have to press at once.
TRIED = 20
# After every clock.
_LAST = datetime.max.replace(tzinfo=UTC)
_NUMBER = re.compile(r"(?i)e-?(\d{1,15})|(\d{4,15})")


async def move(connection: AsyncConnection, escalation: UUID, body: MoveIn, *, person: UUID) -> EscalationOut | None:
    """Do one thing with a record, and with its clocks what follows from it.

    None where the person may not see the record any more, such as a confidential one that they gave away. Raises as
    `escalations.workflow.move`.
    """
    await _moved(connection, escalation, body, person)
    return await _as_seen(connection, escalation, person)


async def wake(connection: AsyncConnection, escalation: UUID) -> bool:
    """What a record waited for has come by itself, such as an answer: it goes on. Returns whether it did wait."""
    try:
        await _moved(connection, escalation, MoveIn(verb="go_on"), None)
    except TransitionError:
        return False
    return True


async def _moved(connection: AsyncConnection, escalation: UUID, body: MoveIn, person: UUID | None) -> None:
    went = await move_record(connection, escalation, body, person=person)
    if went.before in RESTING and went.after not in RESTING:
        await sla.resume(connection, escalation, actor=person)
    if went.after in RESTING and (went.before, went.waited_for) != (went.after, went.waits_for):
        # For this, too, where they rest already: what they rested for before may come while this is awaited.
        reason = went.waits_for or "requester"
        await sla.pause(connection, escalation, reason=reason, actor=person)
    if went.after == "resolved":
        # A decision is an answer too: after it nothing is owed any more.
        await sla.met(connection, escalation, "decision", actor=person)
    if "resolved" in (went.before, went.after):
        # What the matrix asks for depends on whether it is open.
        await sla.restart(connection, escalation, actor=person)


async def change(
    connection: AsyncConnection, escalation: UUID, body: FactsIn, *, person: UUID, closing: Closing
) -> EscalationOut | None:
    """Change facts of a record, and apply the matrix of clocks anew where it goes by them.

    None where the person may not see the record any more. Raises as `escalations.workflow.change_facts`.
    """
    changed = await change_facts(connection, escalation, body, person=person, closing=closing)
    if changed & CLOCKED:
        await sla.restart(connection, escalation, actor=person)
    return await _as_seen(connection, escalation, person)


async def _as_seen(connection: AsyncConnection, escalation: UUID, person: UUID) -> EscalationOut | None:
    if not await is_seen(connection, escalation, viewer=person):
        return None
    return await escalation_view(connection, escalation, viewer=person)


async def listed(connection: AsyncConnection, asked: ListQuery, *, viewer: UUID) -> ListOut:
    """Records that this person may see, in the order in which they are to be done. Raises a 422 for a place in another order."""
    order = store.ENDED if asked.status == "resolved" else store.TO_DO
    place = places.read(asked.after, parts=len(order)) if asked.after else None
    page = store.Page(order, place, asked.limit + 1)
    rows = await store.listed(connection, _values(asked), Seer(viewer), page)
    shown = rows[: asked.limit]
    said = rows
    if place and not rows:
        # Behind the last one there is none that says how many there are.
        said = await store.listed(connection, _values(asked), Seer(viewer), replace(page, after=None, limit=1))
    return ListOut(
        escalations=[_out(row) for row in shown],
        total=said[0].total if said else 0,
        next=places.write(shown[-1].place) if len(rows) > asked.limit else None,
        server_now=datetime.now(UTC),
    )


async def due_soon(connection: AsyncConnection, *, person: UUID, hours: int = SOON_HOURS) -> list[ListedOut]:
    """Records of this person with a clock that runs out soon, or has, the nearest first."""
    found = await listed(connection, ListQuery(who="mine", due_hours=hours, limit=200), viewer=person)
    return sorted(found.escalations, key=lambda one: one.clock.due_at if one.clock else _LAST)


async def take_next(connection: AsyncConnection, *, person: UUID) -> EscalationOut | None:
    """Take the record that is to be done first of those that nobody has; None where there is none.

    Whoever presses at the same moment gets the one after it, never the same.
    """
    page = store.Page(store.TO_DO, None, TRIED)
    for row in await store.listed(connection, {"unowned": True, "open": True}, Seer(person), page):
        if await listing.free(connection, row.id) and await is_seen(connection, row.id, viewer=person):
            return await move(connection, row.id, MoveIn(verb="take"), person=person)
    return None


async def tell_unowned(engine: AsyncEngine, settings: Settings) -> int:
    """Free what somebody had who has left, and raise the alarm once for each record that nobody has for too long.

    Sooner for what is grave and what a law sets a clock for. Returns how many alarms were raised.
    """
    async with engine.begin() as connection:
        await listing.free_orphans(connection)
        rows = await listing.untold(
            connection,
            minutes=settings.escalation_unowned_minutes,
            urgent=settings.escalation_unowned_urgent_minutes,
        )
        clocks = await sla.nearest(connection, [row.id for row in rows]) if rows else {}
        late = [row for row in rows if row.long or (row.severity or 0) >= GRAVE or _hard_due(clocks.get(row.id))]
        await listing.tell(connection, late)
    return len(late)


def _hard_due(clock: Nearest | None) -> datetime | None:
    """When the nearest clock that a law sets runs out; None where there is none."""
    return None if clock is None else clock.hard_due_at


def _values(asked: ListQuery) -> dict[str, Any]:
    values: dict[str, Any] = {
        "number": asked.number,
        "source": asked.source,
        "severity": asked.severity,
        "high_profile": asked.high_profile,
        "grey_area": asked.grey_area,
        "due_hours": asked.due_hours,
    }
    if asked.who:
        values[asked.who] = True
    if asked.status is None:
        values["open"] = True
    elif asked.status != "any":
        values["status"] = asked.status
    words = asked.words.strip() if isinstance(asked, EscalationSearchIn) else ""
    if number := _NUMBER.fullmatch(words):
        values["number"] = int(number[1] or number[2])
    elif words:
        values["words"] = words
    return values


def _out(row: Row[Any]) -> ListedOut:
    clock = (
        NearestClockOut(target=row.target, due_at=row.due_at, hard=row.hard, paused=row.paused) if row.target else None
    )
    return ListedOut(**row._mapping, clock=clock)
