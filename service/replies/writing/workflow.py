"""Rules of a reply: begun from a template, written, approved by another person where the rules ask for it, sent as it was seen."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service import events
from service.errors.replies import ApprovalNeededError, OwnReplyError, ReplyChangedError, ReplyOpenError
from service.errors.requests import InvalidRequestError, NotFoundError
from service.escalations.workflow import require, require_open
from service.ids import new_id
from service.policies.workflow import text_in_force
from service.replies.approval import configured
from service.replies.checking.checks import Letter, Problem
from service.replies.checking.workflow import addresses, found, refuse
from service.replies.facts import Known, values
from service.replies.placeholders import filled
from service.replies.schemas import SUBJECT_CHARACTERS, Purpose
from service.replies.sending import workflow as sending
from service.replies.shipped import Template
from service.replies.workflow import Chosen, Wanted, choose, template, text_of
from service.replies.writing import store
from service.replies.writing.schemas import (
    RepliesOut,
    ReplyChangeIn,
    ReplyOut,
    ReplyProblemOut,
    ReplyReturnIn,
    ReplyStartIn,
    ReplySureIn,
    TemplateRef,
    WaitingListOut,
    WaitingReplyOut,
)
from service.security import ESCALATION_OVERSEERS
from service.settings import Settings
from service.sla import workflow as sla

SHOWN = 50
WAITING = 200
OPEN = ("draft", "waiting", "approved")
UNKNOWN_LANGUAGE = "und"


async def replies(connection: AsyncConnection, escalation: UUID, *, viewer: UUID, settings: Settings) -> RepliesOut:
    """Replies of a record and what became of them. Raises NotFoundError."""
    record = await require(connection, escalation, viewer=viewer)
    rows = await store.replies(connection, escalation, limit=SHOWN)
    return RepliesOut(
        replies=[await _shown(connection, record, row, settings) for row in rows if row.state != "discarded"],
        deliveries=await sending.deliveries(connection, escalation),
        addresses=addresses(record.requester.get("email", "")),
        sender=settings.reply_sender,
    )


async def waiting(connection: AsyncConnection, *, viewer: UUID) -> WaitingListOut:
    """What waits for approval, of the records that this person may see."""
    rows = await store.waiting(connection, viewer=viewer, overseeing=ESCALATION_OVERSEERS, limit=WAITING)
    return WaitingListOut(waiting=[WaitingReplyOut(**row._mapping) for row in rows])


@dataclass(frozen=True, slots=True)
class Opening:
    """With what a reply is begun: the template that fits best, the one that is named, or a text that was agreed on elsewhere.

    Of the template that fits best such a text takes the subject alone. `noted` is kept with the event.
    """

    purpose: Purpose
    language: str | None = None
    template_id: UUID | None = None
    text: str | None = None
    noted: Mapping[str, str] = field(default_factory=dict)


async def start(
    connection: AsyncConnection, escalation: UUID, body: ReplyStartIn, *, settings: Settings, person: UUID
) -> ReplyOut:
    """Begin a reply. Raises NotFoundError, EscalationClosedError, ReplyOpenError."""
    opening = Opening(body.purpose, body.language, body.template_id)
    return await begin(connection, escalation, opening, settings=settings, person=person)


async def begin(
    connection: AsyncConnection, escalation: UUID, opening: Opening, *, settings: Settings, person: UUID
) -> ReplyOut:
    """Begin a reply with this. Raises NotFoundError, EscalationClosedError, ReplyOpenError."""
    record = await require_open(connection, escalation, viewer=person)
    language = opening.language or (record.language if record.language != UNKNOWN_LANGUAGE else "en")
    wanted = Wanted(record.source, record.policy_area, language, opening.purpose)
    chosen = (
        Chosen(await template(connection, opening.template_id), [])
        if opening.template_id
        else await choose(connection, wanted)
    )
    found = chosen.template
    if opening.text is not None and found is not None and found.language != language:
        # A subject in another language than the text helps nobody.
        found = None
    spoken = found.language if found else language
    fill = await filler(connection, record, settings)
    reply = new_id()
    row = {
        "id": reply,
        "escalation_id": escalation,
        "purpose": opening.purpose,
        "language": spoken,
        "recipients": addresses(record.requester.get("email", "")),
        "steps": json.dumps([one.model_dump() for one in (chosen.steps if opening.text is None else ())]),
        "person": person,
    }
    if not await store.add(connection, row | _begun(found, opening.text, lambda text: fill(text, spoken))):
        raise ReplyOpenError("a reply of this escalation is being written already; finish or discard that one first")
    data = {"reply": str(reply), "purpose": opening.purpose, **opening.noted}
    await events.record_on(connection, "reply.begun", escalation, actor=person, data=data)
    made = await _reply(connection, reply, escalation=escalation)
    return await _shown(connection, record, made, settings)


async def change(
    connection: AsyncConnection, reply: tuple[UUID, UUID], body: ReplyChangeIn, *, settings: Settings, person: UUID
) -> ReplyOut:
    """Write a reply anew; an approval is gone with any change. `reply` are the ids of record and reply.

    Raises NotFoundError, EscalationClosedError, ReplyChangedError, InvalidRequestError.
    """
    record, row = await _seen(connection, reply, body.version, person)
    _require_state(row, OPEN)
    if strangers := _strangers(body.recipients, addresses(record.requester.get("email", ""))):
        raise InvalidRequestError(
            f"recipients: {', '.join(strangers)}: replies go to the addresses of whoever raised the record, and to no other"
        )
    said = body.model_dump(exclude={"version"})
    if digest(_Said(**said)) != digest(row):
        await store.change(connection, said | {"id": row.id, "person": person})
        if row.state != "draft":
            await _event(connection, row, "reply.changed", person)
    return await _after(connection, record, row, settings)


async def submit(
    connection: AsyncConnection, reply: tuple[UUID, UUID], body: ReplySureIn, *, settings: Settings, person: UUID
) -> ReplyOut:
    """Ask for approval. Raises NotFoundError, EscalationClosedError, ReplyChangedError, ReplyRefusedError."""
    record, row = await _seen(connection, reply, body.version, person)
    _require_state(row, ("draft",))
    passed = refuse(await _problems(connection, record, row, settings), namesakes=body.namesakes)
    await store.set_state(connection, row.id, "waiting")
    await _event(connection, row, "reply.submitted", person, namesakes=passed)
    return await _after(connection, record, row, settings)


async def approve(
    connection: AsyncConnection, reply: tuple[UUID, UUID], body: ReplySureIn, *, settings: Settings, person: UUID
) -> ReplyOut:
    """Approve what waits, as it is. Raises NotFoundError, EscalationClosedError, ReplyChangedError, OwnReplyError."""
    record, row = await _seen(connection, reply, body.version, person)
    _require_state(row, ("waiting",))
    if person in row.writer_ids:
        raise OwnReplyError("you wrote in this reply: another person has to approve it")
    passed = refuse(await _problems(connection, record, row, settings), namesakes=body.namesakes)
    await store.approve(connection, row.id, person=person, digest=digest(row))
    await _event(connection, row, "reply.approved", person, namesakes=passed)
    return await _after(connection, record, row, settings)


async def give_back(
    connection: AsyncConnection, reply: tuple[UUID, UUID], body: ReplyReturnIn, *, settings: Settings, person: UUID
) -> ReplyOut:
    """Send what waits, or was approved, back to whoever wrote it. Raises NotFoundError, ReplyChangedError."""
    record, row = await _seen(connection, reply, body.version, person)
    _require_state(row, ("waiting", "approved"))
    await store.give_back(connection, row.id, person=person, reason=body.reason)
    await _event(connection, row, "reply.returned", person)
    return await _after(connection, record, row, settings)


async def rewrite(
    connection: AsyncConnection, reply: tuple[UUID, UUID], version: int, *, settings: Settings, person: UUID
) -> ReplyOut:
    """Go on writing what waits or was approved, which takes that back. Raises NotFoundError, ReplyChangedError."""
    record, row = await _seen(connection, reply, version, person)
    _require_state(row, ("waiting", "approved"))
    await store.reopen(connection, row.id)
    await _event(connection, row, "reply.changed", person)
    return await _after(connection, record, row, settings)


async def send(
    connection: AsyncConnection, reply: tuple[UUID, UUID], body: ReplySureIn, *, settings: Settings, person: UUID
) -> ReplyOut:
    """Send a reply once the undo window is over, exactly as it was seen and, where the rules ask for it, approved.

    Raises NotFoundError, EscalationClosedError, NoSenderError, ReplyChangedError, ReplyRefusedError, ApprovalNeededError.
    """
    record, row = await _seen(connection, reply, body.version, person)
    _require_state(row, ("draft", "waiting", "approved"))
    await sending.require_sender(connection, settings)
    passed = refuse(await _problems(connection, record, row, settings), namesakes=body.namesakes)
    reasons = configured(settings).reasons(record, row.purpose)
    if row.state == "waiting" or (reasons and row.state != "approved"):
        raise ApprovalNeededError(
            f"another person approves this reply first: {' '.join(reasons) or 'it was asked for'}"
        )
    if row.state == "approved" and bytes(row.approved_hash) != digest(row):
        raise ReplyChangedError("the text is not the one that was approved; have it approved anew")
    going = sending.Outgoing(record.id, row.id, row.recipients, row.subject, row.body, row.language)
    until = await sending.queue(connection, going, settings=settings, actor=person)
    await store.set_state(connection, row.id, "sent")
    await _event(connection, row, "reply.sent", person, namesakes=passed)
    return (await _after(connection, record, row, settings)).model_copy(update={"undo_until": until})


async def take_back(
    connection: AsyncConnection, reply: tuple[UUID, UUID], *, settings: Settings, person: UUID
) -> ReplyOut:
    """Stop a reply within its undo window; it is open again as it was. Raises NotFoundError, TooLateToUndoError."""
    record = await require(connection, reply[0], viewer=person)
    row = await _reply(connection, reply[1], escalation=reply[0])
    _require_state(row, ("sent",))
    if await store.another_is_open(connection, row.id, escalation=record.id):
        raise ReplyOpenError("another reply was begun meanwhile; discard that one first")
    await sending.take_back(connection, row.id)
    await store.set_state(connection, row.id, "approved" if row.approved_hash else "draft")
    await _event(connection, row, "reply.taken_back", person)
    return await _after(connection, record, row, settings)


async def discard(connection: AsyncConnection, reply: tuple[UUID, UUID], version: int, *, person: UUID) -> None:
    """Give up a reply that was not sent. Raises NotFoundError, ReplyChangedError."""
    await require(connection, reply[0], viewer=person)
    row = await _reply(connection, reply[1], escalation=reply[0])
    _require_version(row, version)
    _require_state(row, OPEN)
    await store.set_state(connection, row.id, "discarded")
    await _event(connection, row, "reply.discarded", person)


class _Said:
    """What a hash is made of, before it is a row."""

    def __init__(self, *, subject: str, body: str, language: str, recipients: list[str]) -> None:
        self.subject, self.body, self.language, self.recipients = subject, body, language, recipients


def digest(said: Any) -> bytes:
    """SHA-256 of all that a reader would see of a reply."""
    whole = [said.subject, said.body, said.language, list(said.recipients)]
    return hashlib.sha256(json.dumps(whole, ensure_ascii=False).encode()).digest()


async def filler(connection: AsyncConnection, record: Row[Any], settings: Settings) -> Callable[[str, str], str]:
    """What fills a text of a language with all that is known of a record."""
    known = await _known(connection, record, settings)
    return lambda text, language: filled(text, values(known, language))


def _begun(chosen: Template | None, text: str | None, fill: Callable[[str], str]) -> dict[str, Any]:
    """Subject and text of a new reply: from its template where there is one, the text where another one is given."""
    subject = fill(chosen.subject) if chosen else "{{ fill: subject }}"
    # A text of another origin is no template's, whatever the subject is from.
    origin = chosen if text is None else None
    body = text if text is not None else chosen.body if chosen else ""
    return {
        "template_id": origin.id if origin else None,
        "template_version": origin.version if origin else None,
        # What somebody outside gave may be long, and on several lines.
        "subject": " ".join(subject.split())[:SUBJECT_CHARACTERS],
        "body": fill(body),
    }


async def _known(connection: AsyncConnection, record: Row[Any], settings: Settings) -> Known:
    decision = await store.decision(connection, record.id)
    area = record.policy_area
    policy = await text_in_force(connection, area) if area else None
    return Known(
        record,
        subjects=await store.subjects(connection, record.id),
        due_at=await sla.due_once_answered(connection, record.id),
        actions=decision.actions if decision else (),
        decided_at=decision.decided_at if decision else None,
        policy_name=policy.title if policy else "",
        policy_link=settings.reply_policy_link.replace("{area}", area) if settings.reply_policy_link and area else "",
        team=settings.reply_team or "",
    )


async def _problems(connection: AsyncConnection, record: Row[Any], row: Row[Any], settings: Settings) -> list[Problem]:
    """Everything that keeps a reply from being sent."""
    letter = Letter(record.source, row.subject, row.body)
    more = [await text_of(connection, row.template_id)] if row.template_id else []
    wrong = await found(connection, record.id, letter, requester=record.requester, more=more)
    if not row.body.strip():
        wrong.append(Problem("placeholder", "body", 1, 1, "", "write something"))
    known = addresses(record.requester.get("email", ""))
    if settings.reply_sender != "webhook" and not row.recipients:
        mend = "choose an address" if known else sending.NO_ADDRESS
        wrong.append(Problem("recipient", "recipients", 1, 1, "", mend))
    # What was missing may have come meanwhile, and with it another address.
    for one in _strangers(row.recipients, known):
        wrong.append(
            Problem("recipient", "recipients", 1, 1, one, "this is no address of whoever raised it; choose one")
        )
    return wrong


def _strangers(recipients: Sequence[str], known: Sequence[str]) -> list[str]:
    theirs = {one.casefold() for one in known}
    return [one for one in recipients if one.casefold() not in theirs]


async def _seen(
    connection: AsyncConnection, reply: tuple[UUID, UUID], version: int, person: UUID
) -> tuple[Row[Any], Row[Any]]:
    """The record, open and locked, and the reply as the caller has seen it."""
    record = await require_open(connection, reply[0], viewer=person)
    row = await _reply(connection, reply[1], escalation=reply[0])
    _require_version(row, version)
    return record, row


async def _reply(connection: AsyncConnection, reply: UUID, *, escalation: UUID) -> Row[Any]:
    row = await store.reply(connection, reply, escalation=escalation)
    if row is None:
        raise NotFoundError(f"there is no reply {reply} of this escalation")
    return row


def _require_version(row: Row[Any], version: int) -> None:
    if row.version != version:
        raise ReplyChangedError(f"somebody wrote version {row.version} meanwhile; look at it, then try again")


def _require_state(row: Row[Any], states: tuple[str, ...]) -> None:
    if row.state not in states:
        raise ReplyChangedError(f"this reply is {row.state}, and that needs one that is {' or '.join(states)}")


async def _event(
    connection: AsyncConnection, row: Row[Any], kind: str, person: UUID, *, namesakes: Sequence[str] = ()
) -> None:
    data = {"reply": str(row.id), "purpose": row.purpose, "version": row.version}
    if namesakes:
        data["namesakes"] = list(namesakes)
    await events.record_on(connection, kind, row.escalation_id, actor=person, data=data)


async def _after(connection: AsyncConnection, record: Row[Any], row: Row[Any], settings: Settings) -> ReplyOut:
    return await _shown(connection, record, await _reply(connection, row.id, escalation=record.id), settings)


async def _shown(connection: AsyncConnection, record: Row[Any], row: Row[Any], settings: Settings) -> ReplyOut:
    is_open = row.state in OPEN
    wrong = await _problems(connection, record, row, settings) if is_open else []
    fields = {name: value for name, value in row._mapping.items() if name in ReplyOut.model_fields}
    return ReplyOut(
        **fields,
        template=TemplateRef(id=row.template_id, version=row.template_version) if row.template_id else None,
        approval=configured(settings).reasons(record, row.purpose) if is_open else [],
        problems=[ReplyProblemOut.model_validate(one, from_attributes=True) for one in wrong],
    )
