"""Rules of calibration: what people disagreed on is talked over, agreed on, and taken along as guidance."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.taxonomy import Taxonomy
from service import events
from service.errors.quality import CheckSettledError
from service.errors.requests import InvalidRequestError, NotFoundError
from service.ids import new_id
from service.labels import check_labels
from service.quality.calibration import store
from service.quality.calibration.pack import pack_of
from service.quality.calibration.schemas import (
    AgreedIn,
    AnswerOut,
    CalibrationIn,
    CalibrationItemOut,
    CalibrationOut,
    CalibrationRow,
    CalibrationsOut,
    GuidanceIn,
    PackOut,
)
from service.quality.settling.schemas import SaidOut, label_of
from service.quality.settling.workflow import answers_to, neutral_name
from service.routing.workflow import OVERSEEING

SHOWN_SESSIONS = 100


@dataclass(frozen=True, slots=True)
class Entry:
    """An item of a session."""

    session: UUID
    item: UUID


async def make(connection: AsyncConnection, body: CalibrationIn, *, person: UUID, secret: str) -> CalibrationOut:
    """Begin a session. Raises InvalidRequestError where nothing was disagreed on."""
    session = new_id()
    values = {**body.model_dump(), "id": session, "person": person}
    found = await store.add(connection, values, overseeing=OVERSEEING)
    if not found:
        raise InvalidRequestError(
            "since, until: nothing that answers differed on was settled then; take a longer period"
        )
    data = {"session": str(session), "items": found}
    await events.record(connection, "qa.calibration_made", actor=person, data=data)
    return await one(connection, session, person=person, secret=secret)


async def listed(connection: AsyncConnection) -> CalibrationsOut:
    """Sessions, newest first."""
    rows = await store.sessions(connection, limit=SHOWN_SESSIONS)
    return CalibrationsOut(sessions=[CalibrationRow(**_row(row)) for row in rows])


async def one(connection: AsyncConnection, session: UUID, *, person: UUID, secret: str) -> CalibrationOut:
    """A session with its items; the secret orders the answers to each. Raises NotFoundError."""
    row = await store.session(connection, session)
    if row is None:
        raise _unknown(session)
    items = await store.items(connection, session, person=person, overseeing=OVERSEEING)
    contents = [await _item(connection, item, secret) for item in items]
    return CalibrationOut(**_row(row), guidance=row.guidance, contents=contents)


async def agree(connection: AsyncConnection, entry: Entry, body: AgreedIn, *, person: UUID, taxonomy: Taxonomy) -> None:
    """Store what a session agreed on for an item. Raises NotFoundError, CheckSettledError or a 422."""
    check_labels(body.actions, body.policy_area, taxonomy)
    values = {"id": entry.session, "item_id": entry.item, "note": body.note, "person": person}
    if not await store.agree(connection, values, agreed=label_of(body), overseeing=OVERSEEING):
        await _require_open(connection, entry.session)
        raise NotFoundError(f"there is no item {entry.item} in this session")
    data = {"session": str(entry.session), "item": str(entry.item)}
    await events.record(connection, "qa.calibration_agreed", actor=person, data=data)


async def close(connection: AsyncConnection, session: UUID, body: GuidanceIn, *, person: UUID) -> None:
    """End a session with the guidance it came to. Raises NotFoundError, CheckSettledError."""
    if not await store.close(connection, session, guidance=body.guidance):
        await _require_open(connection, session)
    await events.record(connection, "qa.calibration_closed", actor=person, data={"session": str(session)})


async def pack(connection: AsyncConnection, session: UUID, *, person: UUID, taxonomy: Taxonomy, secret: str) -> PackOut:
    """A session to take along. Raises NotFoundError."""
    shown = await one(connection, session, person=person, secret=secret)
    await events.record(connection, "qa.calibration_taken", actor=person, data={"session": str(session)})
    return pack_of(shown, taxonomy)


async def _require_open(connection: AsyncConnection, session: UUID) -> None:
    row = await store.session(connection, session)
    if row is None:
        raise _unknown(session)
    if row.closed_at is not None:
        raise CheckSettledError("this session is over: what it agreed on does not change any more")


async def _item(connection: AsyncConnection, row: Row[Any], secret: str) -> CalibrationItemOut:
    said = await answers_to(connection, row.item_id, secret=secret)
    return CalibrationItemOut(
        **{name: getattr(row, name) for name in ("item_id", "kind", "language", "text", "error", "note", "golden")},
        answers=[
            AnswerOut(name=neutral_name(place), note=one["note"], **_label(one).model_dump())
            for place, one in enumerate(said)
        ],
        settled=_label(row.settled),
        agreed=_label(row.agreed) if row.agreed else None,
    )


def _row(row: Row[Any]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in CalibrationRow.model_fields}


def _label(said: Any) -> SaidOut:
    return SaidOut(**{name: said[name] for name in SaidOut.model_fields})


def _unknown(session: UUID) -> NotFoundError:
    return NotFoundError(f"there is no calibration session {session}")
