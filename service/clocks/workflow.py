"""Rules of clocks: a deadline is never changed, only replaced with a reason, and the nearest one ranks the case."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from procrastinate import App
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.taxonomy import Taxonomy
from models.rank import RankConfig
from service import events
from service.cases.workflow import UNSHED, rerank, tell_shedding
from service.clocks import store
from service.clocks.schemas import CLOCKS, CaseClockOut, CaseClocksOut, ClockIn, ClockSetOut
from service.errors.cases import CaseDecidedError, ClockReplacedError
from service.errors.requests import InvalidRequestError, NotFoundError
from service.ids import new_id

# Why a clock ended: what it asked for was done, or the record that it stood for does not ask for it any more.
Ended = Literal["met", "dropped"]


@dataclass(frozen=True, slots=True)
class NewClock:
    """A clock that somebody sets on a case; `own_only`: on one that they reported, and in place of a clock of theirs."""

    case_id: UUID
    clock: ClockIn
    set_by: UUID
    own_only: bool = False


async def set_clock(
    connection: AsyncConnection, new: NewClock, *, taxonomy: Taxonomy, config: RankConfig, jobs: App
) -> ClockSetOut:
    """Add a clock to an undecided case and rank it anew. Raises NotFoundError, a 409 or a 422.

    A moment in the past is taken: the case is due at once, and the answer says that it is overdue.
    """
    case_id, clock, actor = new.case_id, new.clock, new.set_by
    status = await store.lock_case(connection, case_id)
    # Alike for a case of somebody else and one that is not there: which of the two it is, is not the caller's to know.
    if status is None or (new.own_only and not await store.is_received_from(connection, case_id, caller=actor)):
        raise NotFoundError(f"there is no case {case_id}")
    if status == "decided":
        raise CaseDecidedError("this case is decided; a clock runs only while a case waits")
    before = await store.clocks(connection, case_id)
    if len(before) >= CLOCKS:
        raise InvalidRequestError(f"a case may have at most {CLOCKS} clocks, replaced ones counted")
    if clock.replaces is not None:
        _check_replaced({one.id: one for one in before}.get(clock.replaces), new)
    made = await start_clock(connection, new)
    # What must be decided by a date is not left undecided, whatever the load.
    back = await store.back_from_shed(connection, case_id, actor=actor)
    await tell_shedding(connection, jobs, UNSHED, back)
    await rerank(connection, [case_id], taxonomy=taxonomy, config=config)
    rows = await store.clocks(connection, case_id)
    [stored] = [row for row in rows if row.id == made]
    return ClockSetOut(clock=_out(stored), deadline=_nearest(rows) or clock.due_at)


async def start_clock(connection: AsyncConnection, new: NewClock) -> UUID:
    """Add a clock to a case that the caller has locked and will rank anew; returns its id."""
    clock, made = new.clock, new_id()
    await store.add(connection, clock.model_dump() | {"id": made, "case_id": new.case_id, "set_by": new.set_by})
    data = {"clock": str(made), "kind": clock.kind, "due_at": clock.due_at.isoformat()}
    if clock.replaces is not None:
        data["replaces"] = str(clock.replaces)
    event = "clock.set" if clock.replaces is None else "clock.replaced"
    await events.record(connection, event, case_id=new.case_id, actor=new.set_by, data=data)
    return made


async def end_clock(
    connection: AsyncConnection, case_id: UUID, clock: UUID, *, because: Ended, ranking: tuple[Taxonomy, RankConfig]
) -> bool:
    """End a clock because what it stood for is over, and rank the case by those that are left; False where it runs no more.

    On a case that was decided before nothing is told: its clocks ended with the decision.
    """
    status = await store.lock_case(connection, case_id)
    if not await store.end(connection, clock, because=because):
        return False
    if status == "decided":
        return True
    data = {"clock": str(clock), "because": because}
    await events.record(connection, "clock.ended", case_id=case_id, data=data)
    taxonomy, config = ranking
    await rerank(connection, [case_id], taxonomy=taxonomy, config=config)
    return True


async def clocks_of(connection: AsyncConnection, case_id: UUID) -> CaseClocksOut:
    """Every clock of a case, replaced ones too."""
    rows = await store.clocks(connection, case_id)
    return CaseClocksOut(clocks=[_out(row) for row in rows], deadline=_nearest(rows))


async def overdue_legal(connection: AsyncConnection) -> int:
    """How many legal clocks have run out on undecided cases: any number above 0 is an alert."""
    return await store.overdue_legal(connection)


def _check_replaced(old: Row[Any] | None, wanted: NewClock) -> None:
    """Refuse to replace what is not there, another's or no longer runs, without a reason, and to soften the law by it."""
    new = wanted.clock
    if old is None:
        raise InvalidRequestError(f"replaces: this case has no clock {new.replaces}")
    if wanted.own_only and old.set_by != wanted.set_by:
        raise NotFoundError(
            f"replaces: this case has no clock {new.replaces} that you set; set a further one, of all the nearest counts"
        )
    if old.replaced_by is not None:
        raise ClockReplacedError(f"this clock was replaced by {old.replaced_by}; replace that one")
    if old.ended_at is not None:
        raise InvalidRequestError("replaces: this clock ended with the escalation that it stood for; set a further one")
    if not new.reason:
        raise InvalidRequestError("reason: say why the other clock is replaced")
    if old.kind != "legal":
        return
    if new.kind != "legal":
        raise InvalidRequestError("kind: only a legal clock can take the place of a legal one")
    named = new.basis.casefold() != old.basis.casefold() and new.basis.casefold() in new.reason.casefold()
    if new.due_at > old.due_at and not named:
        raise InvalidRequestError(
            "reason: a legal clock moves later only on another basis, and the reason has to name that basis word for word"
        )


def _nearest(rows: Iterable[Row[Any]]) -> datetime | None:
    return min((row.due_at for row in rows if row.replaced_by is None and row.ended_at is None), default=None)


def _out(row: Row[Any]) -> CaseClockOut:
    return CaseClockOut.model_validate(row, from_attributes=True)
