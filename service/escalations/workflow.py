"""Rules of escalations: opened once, worked on by an owner, changed only with a trace, closed with a reason."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service import events
from service.cases.workflow import require_visible
from service.errors.escalations import EscalationClosedError
from service.errors.requests import InvalidRequestError, NotFoundError
from service.escalations import store
from service.escalations.schemas import (
    AssetOut,
    EscalationOut,
    EventOut,
    MessageIn,
    MessageOut,
    MessagesOut,
    NewEscalation,
    TimelineOut,
)
from service.ids import new_id
from service.routing.workflow import OVERSEEING


@dataclass(frozen=True, slots=True)
class Said:
    """A message that a part of the product adds to a record: `author` is None where no person wrote it."""

    direction: str
    kind: str
    body: str
    language: str = "und"
    author: UUID | None = None


async def open_escalation(connection: AsyncConnection, new: NewEscalation, *, opened_by: UUID) -> UUID:
    """Open a record with what it is about. Raises NotFoundError for a case that the opener may not see, or a 422."""
    if (new.path is None) != (new.confidentiality != "restricted"):
        raise InvalidRequestError("path: a record is restricted exactly when it takes a path of named people")
    for case in new.cases:
        await require_visible(connection, case, viewer=opened_by)
    escalation = new_id()
    values = new.model_dump(exclude={"cases", "assets"}) | {"id": escalation, "opened_by": opened_by}
    made = await store.open_record(connection, values)
    for case in dict.fromkeys(new.cases):
        await _link(connection, escalation, opened_by, {"kind": "case", "case_id": case})
    for asset in new.assets:
        await _link(connection, escalation, opened_by, {"kind": asset.kind, "external_id": asset.id})
    data = {"number": made.number, "source": new.source, "trigger": new.trigger}
    await events.record(connection, "escalation.opened", escalation_id=escalation, actor=opened_by, data=data)
    return escalation


async def require(connection: AsyncConnection, escalation: UUID, *, viewer: UUID) -> Row[Any]:
    """The row of a record that this person may see. Raises NotFoundError for any other, whether it exists or not."""
    row = await store.record(connection, escalation, viewer=viewer, overseeing=OVERSEEING)
    if row is None:
        raise NotFoundError(f"there is no escalation {escalation}")
    return row


async def require_open(connection: AsyncConnection, escalation: UUID, *, viewer: UUID) -> Row[Any]:
    """As `require`, and locked until the transaction ends. Raises EscalationClosedError where it is resolved."""
    await require(connection, escalation, viewer=viewer)
    if await store.lock(connection, escalation) == "resolved":
        raise EscalationClosedError("this escalation is resolved; take it up again first")
    return await require(connection, escalation, viewer=viewer)


async def escalation_view(connection: AsyncConnection, escalation: UUID, *, viewer: UUID) -> EscalationOut:
    """A record. Raises NotFoundError."""
    return EscalationOut.model_validate(await require(connection, escalation, viewer=viewer), from_attributes=True)


async def links_of(connection: AsyncConnection, escalation: UUID, *, viewer: UUID) -> list[AssetOut]:
    """What a record is about. Raises NotFoundError."""
    await require(connection, escalation, viewer=viewer)
    return [AssetOut(**row._mapping) for row in await store.links(connection, escalation)]


async def say(connection: AsyncConnection, escalation: UUID, said: Said) -> UUID:
    """Keep a message with a record, in the caller's transaction; the caller has checked who may. Returns its id."""
    message = new_id()
    values = {
        "id": message,
        "escalation_id": escalation,
        "direction": said.direction,
        "kind": said.kind,
        "body": said.body,
        "language": said.language,
        "written_by": said.author,
    }
    await store.add_message(connection, values)
    data = {"message": str(message), "direction": said.direction, "kind": said.kind}
    await events.record(connection, "escalation.said", escalation_id=escalation, actor=said.author, data=data)
    return message


async def add_message(connection: AsyncConnection, escalation: UUID, body: MessageIn, *, person: UUID) -> MessageOut:
    """Add a note, or what whoever raised it said. Raises NotFoundError."""
    await require(connection, escalation, viewer=person)
    said = Said(body.direction, body.kind, body.body, body.language, person)
    message = await say(connection, escalation, said)
    return next(one for one in (await messages_of(connection, escalation, viewer=person)).messages if one.id == message)


async def messages_of(connection: AsyncConnection, escalation: UUID, *, viewer: UUID) -> MessagesOut:
    """The messages of a record. Raises NotFoundError."""
    await require(connection, escalation, viewer=viewer)
    rows = await store.messages(connection, escalation)
    return MessagesOut(messages=[MessageOut(**row._mapping) for row in rows])


async def timeline(connection: AsyncConnection, escalation: UUID, *, viewer: UUID) -> TimelineOut:
    """Everything that happened to a record. Raises NotFoundError."""
    await require(connection, escalation, viewer=viewer)
    return TimelineOut(
        events=[EventOut(**row._mapping) for row in await store.events(connection, escalation, viewer=viewer)]
    )


async def attach(connection: AsyncConnection, escalation: UUID, media: UUID, *, name: str, person: UUID) -> None:
    """Keep an uploaded medium with a record, in the caller's transaction; the caller has checked who may."""
    values = {"escalation_id": escalation, "media_id": media, "name": name, "added_by": person}
    await store.attach(connection, values)
    data = {"media": str(media)}
    await events.record(connection, "escalation.attached", escalation_id=escalation, actor=person, data=data)


async def _link(connection: AsyncConnection, escalation: UUID, person: UUID, what: dict[str, Any]) -> None:
    await store.link(connection, {"id": new_id(), "escalation_id": escalation, "added_by": person} | what)
