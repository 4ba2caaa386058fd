"""Rules of preservation: longer by one person, shorter by two, and nothing happens by itself when the time has passed."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service import events
from service.errors.requests import InvalidRequestError, NotFoundError
from service.errors.restricted import ChangeSettledError, ChangeWaitingError, SecondPersonError
from service.escalations.workflow import require
from service.ids import new_id
from service.restricted.preservations import store
from service.restricted.preservations.schemas import (
    EndOut,
    PreservationEndIn,
    PreservationIn,
    PreservationOut,
    PreservationsOut,
)
from service.security import ESCALATION_OVERSEERS

# So long before its end one is told of it.
AHEAD_DAYS = 30
SHOWN = 200
# Longer than any law asks for: a slip of a digit would keep something for ever.
MOST_DAYS = 3653


async def preserve(connection: AsyncConnection, escalation: UUID, body: PreservationIn, *, actor: UUID) -> UUID:
    """Preserve a record, or one thing that belongs to it; returns the preservation. Raises NotFoundError, InvalidRequestError."""
    await require(connection, escalation, viewer=actor)
    _require_sensible(body.until)
    if (body.target is None) != (body.scope == "record"):
        raise InvalidRequestError("target: name what is kept by its id, and nothing where it is the whole record")
    target = {} if body.target is None else {f"{body.scope}_id": body.target}
    if body.target is not None and not await store.belongs(
        connection, escalation, scope=body.scope, target=body.target
    ):
        raise InvalidRequestError(f"target: no {body.scope} {body.target} belongs to this record")
    preservation = new_id()
    values = {
        "id": preservation,
        "escalation_id": escalation,
        "actor": actor,
        **body.model_dump(include={"scope", "basis", "reason", "until"}),
    }
    await store.preserve(connection, values, target=target)
    await _tell(connection, "preservation.set", escalation, preservation, actor=actor, until=body.until.isoformat())
    return preservation


async def preservations_of(connection: AsyncConnection, escalation: UUID, *, viewer: UUID) -> PreservationsOut:
    """What is preserved for a record. Raises NotFoundError."""
    await require(connection, escalation, viewer=viewer)
    rows = await store.of_record(connection, escalation, days=AHEAD_DAYS)
    return PreservationsOut(preservations=[_view(row) for row in rows])


async def running(connection: AsyncConnection, *, viewer: UUID) -> PreservationsOut:
    """What is preserved for any record that this person may see, the nearest end first."""
    values = {"days": AHEAD_DAYS, "viewer": viewer, "overseeing": list(ESCALATION_OVERSEERS), "limit": SHOWN}
    return PreservationsOut(preservations=[_view(row) for row in await store.running(connection, values)])


async def change_end(
    connection: AsyncConnection, escalation: UUID, preservation: UUID, body: PreservationEndIn, *, actor: UUID
) -> PreservationOut:
    """Move the end. A later one holds at once, as does ending one whose time has passed; else a second person is waited for.

    Raises NotFoundError, InvalidRequestError, ChangeWaitingError.
    """
    await require(connection, escalation, viewer=actor)
    row = await _running(connection, escalation, preservation)
    if body.until is not None:
        _require_sensible(body.until)
        if body.until == row.until:
            raise InvalidRequestError("until: that is its end already")
    holds = body.until > row.until if body.until is not None else row.passed
    values = {"id": new_id(), "preservation": preservation, "until": body.until, "reason": body.reason, "actor": actor}
    if not await store.ask(connection, values, holds=holds):
        raise ChangeWaitingError("a change of this end waits for a second person: have it confirmed or declined first")
    if holds:
        await _apply(connection, preservation, body.until)
    kind = "preservation.changed" if holds else "preservation.change_asked"
    until = body.until.isoformat() if body.until is not None else None
    await _tell(connection, kind, escalation, preservation, actor=actor, until=until)
    return await _one(connection, escalation, preservation)


async def settle(
    connection: AsyncConnection, escalation: UUID, preservation: UUID, *, confirmed: bool, actor: UUID
) -> PreservationOut:
    """Confirm or decline an earlier end, as the second person. Raises NotFoundError, ChangeSettledError, SecondPersonError."""
    await require(connection, escalation, viewer=actor)
    await _running(connection, escalation, preservation)
    change = await store.waiting(connection, preservation)
    if change is None:
        raise ChangeSettledError("no change of this end waits")
    if confirmed and change.asked_by == actor:
        raise SecondPersonError("you asked for this yourself: somebody else has to confirm it")
    await store.settle(connection, change.id, confirmed=confirmed, actor=actor)
    if confirmed:
        await _apply(connection, preservation, change.until)
    kind = "preservation.changed" if confirmed else "preservation.change_declined"
    until = change.until.isoformat() if change.until is not None else None
    await _tell(connection, kind, escalation, preservation, actor=actor, until=until)
    return await _one(connection, escalation, preservation)


async def tell_endings(engine: AsyncEngine) -> int:
    """Tell once of each end that comes near; nothing else happens to it. Every minute, by a worker."""
    async with engine.begin() as connection:
        return await store.tell_endings(connection, days=AHEAD_DAYS)


def _require_sensible(until: datetime) -> None:
    days = (until - datetime.now(UTC)).days
    if not 0 <= days <= MOST_DAYS:
        raise InvalidRequestError(f"until: a moment to come is needed, at most {MOST_DAYS} days ahead")


async def _running(connection: AsyncConnection, escalation: UUID, preservation: UUID) -> Row[Any]:
    row = await store.lock(connection, escalation, preservation)
    if row is None:
        raise NotFoundError(f"there is no preservation {preservation} for this record")
    if row.ended_at is not None:
        raise ChangeSettledError("this preservation was ended; set another one")
    return row


async def _apply(connection: AsyncConnection, preservation: UUID, until: datetime | None) -> None:
    if until is None:
        await store.end(connection, preservation)
    else:
        await store.move(connection, preservation, until)
        # What came to the record since is kept as well.
        await store.keep_files(connection, preservation)


async def _one(connection: AsyncConnection, escalation: UUID, preservation: UUID) -> PreservationOut:
    rows = await store.of_record(connection, escalation, days=AHEAD_DAYS)
    return next(_view(row) for row in rows if row.id == preservation)


async def _tell(
    connection: AsyncConnection, kind: str, escalation: UUID, preservation: UUID, *, actor: UUID, until: str | None
) -> None:
    data = {"preservation": str(preservation), "until": until}
    await events.record_on(connection, kind, escalation, actor=actor, data=data)


def _view(row: Row[Any]) -> PreservationOut:
    return PreservationOut(**{**row._mapping, "changes": [EndOut(**one) for one in row.changes]})
