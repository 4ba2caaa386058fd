"""Rules of escalations: opened once, worked on by an owner, changed only with a trace, closed with a reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service import events
from service.cases.workflow import require_visible
from service.errors.escalations import ChangedMeanwhileError, EscalationClosedError, TransitionError
from service.errors.requests import InvalidRequestError, NotFoundError
from service.escalations import store
from service.escalations.closing import Closing, raised, require_opener
from service.escalations.schemas import (
    EscalationEventOut,
    EscalationMessageOut,
    EscalationOut,
    FactsIn,
    MessageIn,
    MessagesOut,
    MessagesQuery,
    MoveIn,
    NewEscalation,
    Status,
    TimelineOut,
    TimelineQuery,
    Verb,
    WaitingFor,
)
from service.escalations.states import after, spoken
from service.ids import new_id
from service.security import ESCALATION_OVERSEERS, ESCALATION_WORKERS

# What each verb leaves behind.
KINDS: Mapping[Verb, str] = {
    "take": "escalation.taken",
    "assign": "escalation.assigned",
    "release": "escalation.released",
    "wait": "escalation.waits",
    "ask": "escalation.needs_information",
    "go_on": "escalation.goes_on",
    "resolve": "escalation.resolved",
    "take_up": "escalation.taken_up",
}
# Facts that may be unknown, and so be taken away again; the others always are one thing or another.
CLEARABLE = frozenset({"jurisdiction", "policy_area", "severity", "path"})
# What a change of these says of them, too, is no content.
NAMED = frozenset({"trigger", "language", "jurisdiction", "policy_area", "severity", "confidentiality", "path"})


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
        await add_link(connection, escalation, opened_by, {"kind": "case", "case_id": case})
    for asset in new.assets:
        await add_link(connection, escalation, opened_by, {"kind": asset.kind, "external_id": asset.id})
    data = {"number": made.number, "source": new.source, "trigger": new.trigger}
    await events.record_on(connection, "escalation.opened", escalation, actor=opened_by, data=data)
    return escalation


async def require(connection: AsyncConnection, escalation: UUID, *, viewer: UUID) -> Row[Any]:
    """The row of a record that this person may see. Raises NotFoundError for any other, whether it exists or not."""
    row = await store.record(connection, escalation, viewer=viewer, overseeing=ESCALATION_OVERSEERS)
    if row is None:
        raise NotFoundError(f"there is no escalation {escalation}")
    return row


async def require_open(connection: AsyncConnection, escalation: UUID, *, viewer: UUID) -> Row[Any]:
    """As `require`, and locked until the transaction ends. Raises EscalationClosedError where it is resolved."""
    await require(connection, escalation, viewer=viewer)
    if await store.lock(connection, escalation) == "resolved":
        raise EscalationClosedError("this escalation is resolved; take it up again first")
    return await require(connection, escalation, viewer=viewer)


async def require_locked(connection: AsyncConnection, escalation: UUID, *, viewer: UUID) -> Row[Any]:
    """As `require`, and locked until the transaction ends, whatever state it is in."""
    await require(connection, escalation, viewer=viewer)
    await store.lock(connection, escalation)
    return await require(connection, escalation, viewer=viewer)


async def is_seen(connection: AsyncConnection, escalation: UUID, *, viewer: UUID) -> bool:
    """Whether this person may see a record."""
    return await store.may_see(connection, escalation, viewer, overseeing=ESCALATION_OVERSEERS)


async def escalation_view(connection: AsyncConnection, escalation: UUID, *, viewer: UUID) -> EscalationOut:
    """A record. Raises NotFoundError."""
    return EscalationOut.model_validate(await require(connection, escalation, viewer=viewer), from_attributes=True)


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
    await events.record_on(connection, "escalation.said", escalation, actor=said.author, data=data)
    return message


async def add_message(
    connection: AsyncConnection, escalation: UUID, body: MessageIn, *, person: UUID
) -> EscalationMessageOut:
    """Add a note, or what whoever raised it said. Raises NotFoundError."""
    await require(connection, escalation, viewer=person)
    said = Said(body.direction, body.kind, body.body, body.language, person)
    message = await say(connection, escalation, said)
    return (await messages_named(connection, escalation, [message], viewer=person))[message]


async def messages_of(
    connection: AsyncConnection, escalation: UUID, asked: MessagesQuery, *, viewer: UUID
) -> MessagesOut:
    """The newest messages of a record, or those before one. Raises NotFoundError, or a 422 for what is none of them."""
    await require(connection, escalation, viewer=viewer)
    if asked.before is not None and not await store.is_message(connection, escalation, asked.before):
        raise InvalidRequestError("before: that is no message of this escalation; begin with the newest")
    rows = await store.messages(connection, escalation, before=asked.before, limit=asked.limit + 1)
    page = [EscalationMessageOut(**row._mapping) for row in reversed(rows[: asked.limit])]
    return MessagesOut(messages=page, next=page[0].id if len(rows) > asked.limit else None)


async def messages_named(
    connection: AsyncConnection, escalation: UUID, ids: Sequence[UUID], *, viewer: UUID
) -> dict[UUID, EscalationMessageOut]:
    """These messages of a record, by their ids. Raises NotFoundError."""
    await require(connection, escalation, viewer=viewer)
    rows = await store.messages_named(connection, escalation, ids) if ids else []
    return {row.id: EscalationMessageOut(**row._mapping) for row in rows}


async def timeline(connection: AsyncConnection, escalation: UUID, asked: TimelineQuery, *, viewer: UUID) -> TimelineOut:
    """The newest of what happened to a record, or what happened before an event. Raises NotFoundError."""
    await require(connection, escalation, viewer=viewer)
    rows = await store.events(connection, escalation, viewer=viewer, before=asked.before, limit=asked.limit + 1)
    page = [EscalationEventOut(**row._mapping) for row in reversed(rows[: asked.limit])]
    return TimelineOut(events=page, next=page[0].id if len(rows) > asked.limit else None)


async def history(connection: AsyncConnection, escalation: UUID, *, viewer: UUID) -> list[EscalationEventOut]:
    """Everything that happened to a record, for what is told of it as a whole. Raises NotFoundError."""
    await require(connection, escalation, viewer=viewer)
    return [
        EscalationEventOut(**row._mapping)
        for row in reversed(await store.events(connection, escalation, viewer=viewer))
    ]


async def attach(connection: AsyncConnection, escalation: UUID, media: UUID, *, name: str, person: UUID) -> None:
    """Keep an uploaded medium with a record, once, in the caller's transaction; the caller has checked who may."""
    values = {"escalation_id": escalation, "media_id": media, "name": name, "added_by": person}
    if not await store.attach(connection, values):
        return
    data = {"media": str(media)}
    await events.record_on(connection, "escalation.attached", escalation, actor=person, data=data)


async def add_link(connection: AsyncConnection, escalation: UUID, person: UUID, what: dict[str, Any]) -> UUID:
    """Add what a record is about, in the caller's transaction; the caller has checked who may. Returns its id."""
    link = new_id()
    await store.link(connection, {"id": link, "escalation_id": escalation, "added_by": person} | what)
    return link


@dataclass(frozen=True, slots=True)
class Moved:
    """A record went from one state to another."""

    before: Status
    after: Status
    waited_for: WaitingFor | None
    waits_for: WaitingFor | None


async def move(connection: AsyncConnection, escalation: UUID, body: MoveIn, *, person: UUID | None) -> Moved:
    """Do one thing of the table of states with a record; `person` is None for what happens by itself.

    Raises NotFoundError, TransitionError or ChangedMeanwhileError with the state that it is in, or a 422.
    """
    row = await _locked(connection, escalation, body.original, person)
    _unchanged(row, body.version)
    owner = await _owner_after(connection, row, body, person)
    to = after(body.verb, row.status, owned=owner is not None)
    _expected(row, body, owner, person)
    same = body.waiting_for == row.waiting_for if body.verb == "wait" else body.verb in ("take", "assign", "release")
    if to == row.status and owner == row.owner_id and same:
        raise TransitionError(f"nothing changes: this escalation is {spoken(row.status)} and {_whose(row)} already")
    if body.verb == "wait" and body.waiting_for is None:
        raise InvalidRequestError("waiting_for: say what this escalation waits for")
    data: dict[str, Any] = {"from": row.status, "to": to, "waiting_for": body.waiting_for}
    data |= await _ending(connection, row, body, person)
    if body.note:
        reason = Said("internal", "reason", body.note, author=person)
        data["message"] = str(await say(connection, escalation, reason))
    if owner != row.owner_id:
        data["owner"] = str(owner) if owner else None
    ends = to == "resolved"
    kept: WaitingFor | None = row.waiting_for if body.verb in ("take", "assign", "release") else body.waiting_for
    waits_for = kept if to == "waiting" else None
    values = {
        "status": to,
        "owner": owner,
        "waiting_for": waits_for,
        "resolution": body.resolution if ends else None,
        "resolution_note": body.note if ends else None,
    }
    await store.move(connection, escalation, values)
    if owner is not None and not await is_seen(connection, escalation, viewer=owner):
        raise InvalidRequestError("to: this record takes a restricted path, and that person is not named there")
    said = {name: one for name, one in data.items() if one is not None}
    await events.record_on(connection, KINDS[body.verb], escalation, actor=person, data=said)
    return Moved(row.status, to, row.waiting_for, waits_for)


async def change_facts(
    connection: AsyncConnection, escalation: UUID, body: FactsIn, *, person: UUID, closing: Closing
) -> frozenset[str]:
    """Change facts of an open record, with a trace; returns the names of those that are others now.

    What makes it more closed by default does so at once. Raises NotFoundError, EscalationClosedError, ChangedMeanwhileError,
    ForbiddenError for who may not let others see it, or a 422.
    """
    row = await require_open(connection, escalation, viewer=person)
    _unchanged(row, body.version)
    given = {name: getattr(body, name) for name in body.model_fields_set - {"version", "reason"}}
    for name, value in given.items():
        if value is None and name not in CLEARABLE:
            raise InvalidRequestError(f"{name}: this cannot be taken away, only changed")
    if given.get("confidentiality", "restricted") != "restricted":
        given.setdefault("path", None)
    by_default = raised(row, given, closing)
    given |= by_default
    require_opener(row, given | {"reason": body.reason}, closing)
    new = {name: value for name, value in given.items() if value != getattr(row, name)}
    if not new:
        raise InvalidRequestError("nothing changes: every fact is as it was")
    if (new.get("path", row.path) is None) != (new.get("confidentiality", row.confidentiality) != "restricted"):
        raise InvalidRequestError("path: a record is restricted exactly when it takes a path of named people")
    if new.keys() & {"confidentiality", "path"} and not body.reason and not by_default:
        raise InvalidRequestError("reason: say why others are to see this record from now on, or fewer")
    await store.change(connection, escalation, new)
    data: dict[str, Any] = {
        name: {"from": getattr(row, name), "to": value} if name in NAMED or isinstance(value, bool) else True
        for name, value in new.items()
    }
    if by_default:
        data["by_default"] = True
    if body.reason:
        data["message"] = str(await say(connection, escalation, Said("internal", "reason", body.reason, author=person)))
    await events.record_on(connection, "escalation.changed", escalation, actor=person, data=data)
    return frozenset(new)


async def worker_named(connection: AsyncConnection, username: str) -> UUID:
    """Somebody who works on escalations, by name. Raises a 422 for any other name."""
    found = await store.worker(connection, username, working=ESCALATION_WORKERS)
    if found is None:
        raise InvalidRequestError(f"nobody of the name {username!r} works on escalations")
    return found


async def _locked(
    connection: AsyncConnection, escalation: UUID, original: UUID | None, person: UUID | None
) -> Row[Any]:
    """The record, and the one that goes on in its place where there is one: always in one order, so that of two records
    each is not made a duplicate of the other at the same moment.
    """
    if person is not None:
        await require(connection, escalation, viewer=person)
    for one in sorted({escalation, original or escalation}):
        await store.lock(connection, one)
    if person is not None:
        # Whoever waited here may not see it any more.
        return await require(connection, escalation, viewer=person)
    row = await store.plain(connection, escalation)
    if row is None:
        raise NotFoundError(f"there is no escalation {escalation}")
    return row


def _unchanged(row: Row[Any], version: int | None) -> None:
    if version is not None and version != row.version:
        raise ChangedMeanwhileError(
            f"somebody changed this escalation meanwhile: it is {spoken(row.status)} and {_whose(row)}, version {row.version}; "
            "look at it again"
        )


def _expected(row: Row[Any], body: MoveIn, owner: UUID | None, person: UUID | None) -> None:
    """Whoever takes a record from a colleague says from whom, so that two do not take it from each other unawares."""
    takes_over = body.verb in ("take", "assign") and owner == person and row.owner_id not in (None, person)
    if (takes_over or body.owner is not None) and body.owner != row.owner:
        raise ChangedMeanwhileError(
            f"this escalation is {_whose(row)}; to take it from whoever has it, name them in `owner`"
        )


def _whose(row: Row[Any]) -> str:
    return f"with {row.owner}" if row.owner else "with nobody"


async def _owner_after(connection: AsyncConnection, row: Row[Any], body: MoveIn, person: UUID | None) -> UUID | None:
    match body.verb:
        case "release":
            return None
        case "assign":
            if body.to is None:
                raise InvalidRequestError("to: name the person who is to have this escalation")
            return await worker_named(connection, body.to)
        case "take" | "take_up":
            return person
        case "go_on" if row.owner_id is None:
            return person
    owner: UUID | None = row.owner_id
    return owner


async def _ending(
    connection: AsyncConnection, row: Row[Any], body: MoveIn, person: UUID | None
) -> dict[str, str | None]:
    """What is to be known of a resolution that is made or taken back, and the link of a duplicate to its original."""
    if body.verb == "take_up":
        if not body.note:
            raise InvalidRequestError("note: say why this escalation is taken up again")
        return {"resolution": row.resolution}
    if body.verb != "resolve":
        return {}
    if body.resolution is None or not body.note:
        raise InvalidRequestError("resolution: say how this escalation ended, and in `note` in a sentence why")
    if (body.resolution == "duplicate") != (body.original is not None):
        raise InvalidRequestError("original: name the record that goes on where this one is a duplicate, and only then")
    if body.original is not None and person is not None:
        original = await require(connection, body.original, viewer=person)
        if original.id == row.id or original.resolution == "duplicate":
            raise InvalidRequestError("original: name a record that goes on by itself")
        if not await store.names(connection, row.id, original.id):
            await add_link(connection, row.id, person, {"kind": "escalation", "other_id": original.id})
    return {"resolution": body.resolution}
