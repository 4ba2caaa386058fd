"""Rules of holds: putting a case aside, handing it over, passing it over, and coming back from all of that."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service.cases.workflow import require_visible
from service.errors.cases import CannotReceiveError, NoTimeToHoldError, TooManyHeldError
from service.errors.requests import InvalidRequestError, NotFoundError
from service.holds import store
from service.holds.schemas import (
    HandOverIn,
    HeldUntilOut,
    HoldIn,
    HoldOut,
    HoldsOut,
    LeaseAlertOut,
    LeaseAlertsOut,
    SkipIn,
    SkipsOut,
)
from service.leases.workflow import one_at_a_time, require_live, server_now, stale
from service.routing.workflow import OVERSEEING
from service.security import ROLES, Capability
from service.settings import Settings

ALERTS_LISTED = 100

# What a skip for these reasons says about the case is counted; the others say something about the person.
COUNTED = frozenset({"language", "expertise", "conflict_of_interest", "technical"})
# Neither a conflict of interest nor what upset somebody passes with time.
FOR_EVER = frozenset({"upset", "other", "conflict_of_interest"})


async def hold(
    connection: AsyncConnection, case_id: UUID, wish: HoldIn, *, holder: UUID, settings: Settings
) -> HeldUntilOut:
    """Keep a leased case back for its holder.

    Raises InvalidRequestError, LeaseStaleError, NoTimeToHoldError, TooManyHeldError.
    """
    if wish.minutes > settings.hold_hours * 60:
        raise InvalidRequestError(
            f"minutes: at most {settings.hold_hours * 60} ({settings.hold_hours} hours), not {wish.minutes}"
        )
    await one_at_a_time(connection, holder)
    values = {
        "held_as": "hold",
        "outcome": "held",
        "event": "case.held",
        "person": holder,
        "reason": wish.reason,
        "minutes": wish.minutes,
    }
    row = await _kept_back(connection, case_id, wish.lease_token, holder=holder, values=_with_limit(values, settings))
    if row is None:
        raise TooManyHeldError(
            f"you keep back {settings.holds_most} cases, which is the most: decide or release one of them first"
        )
    return HeldUntilOut(**row._mapping)


async def hand_over(
    connection: AsyncConnection, case_id: UUID, wish: HandOverIn, *, holder: UUID, settings: Settings
) -> HeldUntilOut:
    """Give a leased case to a colleague, for whom it waits a while before it returns to its queue.

    Raises LeaseStaleError, CannotReceiveError, NoTimeToHoldError, TooManyHeldError.
    """
    lease = await require_live(connection, token=wish.lease_token, holder=holder)
    if lease.case_id != case_id:
        raise stale()
    values = {
        "held_as": "hand_over",
        "outcome": "handed_over",
        "event": "case.handed_over",
        "person": await _receiver(connection, case_id, wish.to, giver=holder),
        "reason": wish.note,
        "minutes": settings.hand_over_minutes,
    }
    row = await _kept_back(connection, case_id, wish.lease_token, holder=holder, values=_with_limit(values, settings))
    if row is None:
        raise TooManyHeldError(
            f"to: {settings.holds_most} cases wait handed to {wish.to!r} already, which is the most; choose somebody else"
        )
    return HeldUntilOut(**row._mapping)


async def skip(connection: AsyncConnection, case_id: UUID, wish: SkipIn, *, holder: UUID, settings: Settings) -> None:
    """Pass a leased case over: it returns to its queue and is kept from this person. Raises LeaseStaleError."""
    values = {
        "case_id": case_id,
        "token": wish.lease_token,
        "holder": holder,
        "for_ever": wish.reason in FOR_EVER,
        "hours": settings.skip_hours,
        "counted": wish.reason if wish.reason in COUNTED else None,
    }
    if not await store.skip(connection, values):
        raise stale()


async def holds_of(connection: AsyncConnection, person: UUID) -> HoldsOut:
    """What is kept back for one person, by themselves or handed to them."""
    rows = await store.holds_of(connection, person)
    return HoldsOut(holds=[HoldOut(**row._mapping) for row in rows], server_now=await server_now(connection))


async def return_due(connection: AsyncConnection) -> int:
    """Give back every held case whose time has come: at the end of the hold, or at its latest start if that is before.

    Also those that wait for somebody whose account is closed. Returns how many.
    """
    return await store.return_due(connection)


async def raise_alerts(connection: AsyncConnection, settings: Settings) -> int:
    """Leave one event for each case that has begun to keep coming back; returns how many."""
    return await store.raise_alerts(connection, lapses=settings.alert_lapses, skips=settings.alert_skips)


async def lease_alerts(connection: AsyncConnection, settings: Settings, *, person: UUID) -> LeaseAlertsOut:
    """Undecided cases whose leases ran out, or that people skipped, so often that `person` should look."""
    values = {
        "lapses": settings.alert_lapses,
        "skips": settings.alert_skips,
        "person": person,
        "overseeing": list(OVERSEEING),
        "limit": ALERTS_LISTED,
    }
    rows = await store.alerts(connection, values)
    return LeaseAlertsOut(alerts=[LeaseAlertOut(**row._mapping) for row in rows], total=rows[0].total if rows else 0)


async def count_alerts(connection: AsyncConnection, settings: Settings) -> int:
    """How many cases keep coming back, in all queues."""
    return await store.count_alerts(connection, lapses=settings.alert_lapses, skips=settings.alert_skips)


async def skips_of(connection: AsyncConnection, case_id: UUID, *, person: UUID) -> SkipsOut:
    """Why a case was skipped, without those who were upset or did not say. Raises NotFoundError."""
    await require_visible(connection, case_id, viewer=person)
    row = await store.skip_reasons(connection, case_id)
    if row is None:
        raise NotFoundError(f"there is no case {case_id}")
    return SkipsOut(case_id=row.id, reasons=row.reasons)


async def forget_old(connection: AsyncConnection) -> None:
    """Remove what decided cases no longer need: notes of holds, and skips that keep nothing from anybody."""
    await store.forget_old(connection)


def _with_limit(values: dict[str, Any], settings: Settings) -> dict[str, Any]:
    return {**values, "most": settings.holds_most}


async def _kept_back(
    connection: AsyncConnection, case_id: UUID, token: UUID, *, holder: UUID, values: dict[str, Any]
) -> Row[Any] | None:
    """Keep the case back; None when the person has too many. The caller made other calls about that person wait."""
    lease = {"case_id": case_id, "token": token, "holder": holder}
    row = await store.hold(connection, {**values, **lease})
    if row is not None:
        return row
    found = await store.why_not_held(connection, **lease)
    if found is None or not found.live:
        raise stale()
    if found.late:
        raise NoTimeToHoldError(
            "this case has reached its latest start and cannot be kept from its queue: decide it, or release it and "
            "it is served next"
        )
    return None


async def _receiver(connection: AsyncConnection, case_id: UUID, username: str, *, giver: UUID) -> UUID:
    person = await store.lock_receiver(connection, username.strip().lower())
    if person is None or not person.active:
        raise CannotReceiveError(f"to: there is no open account named {username!r}")
    if person.id == giver:
        raise CannotReceiveError("to: this is you; to keep the case for yourself, hold it")
    if Capability.CASE_REVIEW not in ROLES.get(person.role, frozenset()):
        raise CannotReceiveError(f"to: {username!r} does not review cases (role {person.role!r})")
    fit = await store.fit(connection, case_id=case_id, person=person.id)
    if fit is None:
        raise stale()
    if not fit.in_queue:
        raise CannotReceiveError(
            f"to: {username!r} does not work in the queue {fit.queue!r}: role, skills or membership are missing"
        )
    if not fit.reads:
        raise CannotReceiveError(f"to: {username!r} does not review the language {fit.language!r}")
    if not fit.willing:
        # Which of the two it is, what they consented to or that they passed the case over, is theirs to tell.
        raise CannotReceiveError(f"to: {username!r} cannot be given this case; choose somebody else")
    return UUID(str(person.id))
