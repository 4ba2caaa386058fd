"""Rules of sending: stored with the step that caused it, tried until it arrives or is given up, once for each letter."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from procrastinate import App
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service import events
from service.errors.decisions import NotDeadLetterError
from service.errors.replies import NoSenderError, TooLateToUndoError
from service.errors.requests import NotFoundError
from service.escalations.workflow import Said, require, say
from service.ids import new_id
from service.outbox.workflow import Message, list_endpoints, publish
from service.replies.checking.checks import Letter
from service.replies.checking.workflow import addresses, certain, found, refuse
from service.replies.mail import Mail, Outcome, mail_id, send
from service.replies.sending import store
from service.replies.sending.schemas import DeliveryOut, LetterOut, LettersOut
from service.replies.shipped import phrases
from service.security import ESCALATION_OVERSEERS
from service.settings import Settings
from service.sla import workflow as sla

KIND = "reply.sent"
NO_ENDPOINT = "no webhook endpoint takes reply.sent"
NO_ADDRESS = "whoever raised it gave no address"
# How long a letter stays with a worker beyond the longest try.
MARGIN_SECONDS = 10
LONGEST_PAUSE_SECONDS = 3600
AT_ONCE = 4
PICKED_UP = 50
LETTERS = 200


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A reply that is to go out after the undo window."""

    escalation_id: UUID
    reply_id: UUID
    recipients: Sequence[str]
    subject: str
    body: str
    language: str


async def require_sender(connection: AsyncConnection, settings: Settings) -> None:
    """Raises NoSenderError where nothing could carry a reply: sending without an effect is an error."""
    if settings.reply_sender == "none":
        raise NoSenderError("no sender is set up, so nothing was sent: set TRIAGE_REPLY_SENDER to smtp or webhook")
    if settings.reply_sender == "webhook" and not any(
        one.active and (one.kinds is None or KIND in one.kinds) for one in (await list_endpoints(connection)).webhooks
    ):
        raise NoSenderError(f"{NO_ENDPOINT}, so nothing was sent: add one under Webhooks")


async def queue(connection: AsyncConnection, going: Outgoing, *, settings: Settings, actor: UUID) -> datetime:
    """Store a reply to be sent, in the caller's transaction; returns until when it can be taken back."""
    delivery = new_id()
    values = {
        "id": delivery,
        "escalation_id": going.escalation_id,
        "reply_id": going.reply_id,
        "sender": settings.reply_sender,
        "recipients": list(going.recipients),
        "subject": going.subject,
        "body": going.body,
        "language": going.language,
        "mail_id": mail_id(settings, delivery),
        "automatic": False,
        "seconds": settings.reply_undo_seconds,
        "sent_by": actor,
    }
    until: datetime = await store.add(connection, values)
    return until


async def take_back(connection: AsyncConnection, reply: UUID) -> None:
    """Stop a reply that nobody has begun to send. Raises TooLateToUndoError."""
    if not await store.cancel(connection, reply):
        raise TooLateToUndoError("this reply is being sent or was sent; write another one that sets it right")


async def deliveries(connection: AsyncConnection, escalation: UUID) -> list[DeliveryOut]:
    """Everything that goes or went out for a record; the caller has checked who may see it."""
    return [DeliveryOut(**row._mapping) for row in await store.deliveries(connection, escalation)]


async def dead_letters(connection: AsyncConnection, *, viewer: UUID) -> LettersOut:
    """What was given up, of the records that this person may see."""
    rows = await store.failed(connection, viewer=viewer, overseeing=ESCALATION_OVERSEERS, limit=LETTERS)
    return LettersOut(letters=[LetterOut(**row._mapping) for row in rows])


async def send_again(connection: AsyncConnection, delivery: UUID, *, settings: Settings, actor: UUID) -> DeliveryOut:
    """Send what was given up again, under the same Message-ID, to those whom it has not reached.

    Raises NotFoundError, NotDeadLetterError, NoSenderError, ReplyRefusedError.
    """
    row = await store.delivery(connection, delivery)
    if row is None:
        raise NotFoundError(f"there is no letter {delivery}")
    try:
        record = await require(connection, row.escalation_id, viewer=actor)
    except NotFoundError:
        raise NotFoundError(f"there is no letter {delivery}") from None
    await require_sender(connection, settings)
    letter = Letter(record.source, row.subject, row.body)
    if not row.reply_id:
        refuse(certain(await found(connection, record.id, letter, requester=record.requester)))
    if not await store.again(connection, delivery):
        raise NotDeadLetterError(f"letter {delivery} is {row.state}: only one that was given up can be sent again")
    data = {"delivery": str(delivery)}
    await events.record_on(connection, "reply.sent_again", row.escalation_id, actor=actor, data=data)
    return DeliveryOut(**{**row._mapping, "state": "pending", "attempts": 0})


async def record_of(connection: AsyncConnection, mail_ids: Sequence[str]) -> UUID | None:
    """The record that a mail answers, by the Message-IDs that it names; None where none is ours."""
    return await store.record_of(connection, mail_ids) if mail_ids else None


class Deliveries:
    """Sends what is due, again and again; any number of workers may do so at once."""

    def __init__(self, engine: AsyncEngine, jobs: App, settings: Settings) -> None:
        self._engine = engine
        self._jobs = jobs
        self._settings = settings

    async def step(self) -> int:
        """Pick up what the product wrote by itself, and send what is due; returns how many letters were tried."""
        if self._settings.reply_sender == "none":
            return 0
        async with self._engine.begin() as connection:
            await pick_up(connection, self._settings)
        return sum(await asyncio.gather(*(self._next() for _ in range(AT_ONCE))))

    async def _next(self) -> bool:
        if self._settings.reply_sender == "webhook":
            return await self._hand_over()
        token = new_id()
        seconds = self._settings.smtp_timeout_seconds + MARGIN_SECONDS
        async with self._engine.begin() as connection:
            row = await store.take(connection, token=token, sender="smtp", seconds=seconds)
            if row is None:
                return False
            await _onto_record(connection, row)
        left = [one for one in row.recipients if one not in row.accepted]
        outcome = await send(_mail(row), self._settings, to=left) if left else Outcome(error=NO_ADDRESS)
        async with self._engine.begin() as connection:
            await _note(connection, row, outcome, token=token, attempts=self._settings.reply_attempts)
        return True

    async def _hand_over(self) -> bool:
        """Leave a letter to the webhooks, which have attempts and dead letters of their own, in one transaction."""
        token = new_id()
        async with self._engine.begin() as connection:
            row = await store.take(connection, token=token, sender="webhook", seconds=MARGIN_SECONDS)
            if row is None:
                return False
            message = await _onto_record(connection, row)
            told = await publish(connection, self._jobs, Message(KIND, data=_data(row, message)))
            outcome = Outcome(row.recipients) if told else Outcome(error=NO_ENDPOINT, again=True)
            await _note(connection, row, outcome, token=token, attempts=self._settings.reply_attempts)
        return True


async def pick_up(connection: AsyncConnection, settings: Settings) -> int:
    """Give receipts and questions of the record a delivery; one that holds what must not go out is given up at once."""
    rows = await store.automatic(connection, without_address=settings.reply_sender == "webhook", limit=PICKED_UP)
    for row in rows:
        delivery = new_id()
        said = phrases(row.language) or phrases("en")
        subject = said.subjects[row.kind] if said else row.kind
        wrong = await found(
            connection, row.escalation_id, Letter(row.source, subject, row.body), requester=row.requester
        )
        if row.written_by is None:
            wrong = certain(wrong)
        values = {
            "id": delivery,
            "escalation_id": row.escalation_id,
            "message_id": row.id,
            "sender": settings.reply_sender,
            "recipients": addresses(row.requester.get("email", "")),
            "subject": subject,
            "body": row.body,
            "language": row.language,
            "mail_id": mail_id(settings, delivery),
            "automatic": row.written_by is None,
            "state": "failed" if wrong else "pending",
            "last_error": "; ".join(one.words() for one in wrong) or None,
            "sent_by": row.written_by,
        }
        await store.add(connection, values)
    return len(rows)


async def _onto_record(connection: AsyncConnection, row: Row[Any]) -> UUID:
    """Keep what is sent with the record, before anything leaves; from now on it cannot be taken back."""
    if row.message_id is not None:
        return UUID(str(row.message_id))
    message = await say(connection, row.escalation_id, Said("outbound", "reply", row.body, row.language, row.sent_by))
    await store.name_message(connection, row.id, message=message)
    return message


async def _note(connection: AsyncConnection, row: Row[Any], outcome: Outcome, *, token: UUID, attempts: int) -> None:
    """Keep what came of a try; what arrived stops the clocks that asked for it."""
    given_up = outcome.error is not None and (not outcome.again or row.attempts + 1 >= attempts)
    state = "delivered" if outcome.error is None else "failed" if given_up else "pending"
    values = {
        "token": token,
        "error": outcome.error,
        "accepted": list(outcome.accepted),
        "state": state,
        "seconds": pause(row.attempts + 1),
    }
    if not await store.tried(connection, row.id, values) or state == "pending":
        return
    data = {"delivery": str(row.id)} | ({"automatic": True} if row.automatic else {})
    kind = "reply.delivered" if state == "delivered" else "reply.failed"
    await events.record_on(connection, kind, row.escalation_id, data=data)
    # A receipt that no person wrote answers nothing.
    if state == "delivered" and not row.automatic:
        await sla.met(connection, row.escalation_id, "first_response", actor=row.sent_by)
        await sla.met(connection, row.escalation_id, "next_update", actor=row.sent_by)


def pause(attempts: int) -> int:
    """Seconds until the next try: 3, 9, 27 … and never more than an hour."""
    return int(min(3**attempts, LONGEST_PAUSE_SECONDS))


def _mail(row: Row[Any]) -> Mail:
    return Mail(
        mail_id=row.mail_id,
        number=row.number,
        recipients=row.recipients,
        subject=row.subject,
        body=row.body,
        language=row.language,
        automatic=row.automatic,
        written_at=row.created_at,
    )


def _data(row: Row[Any], message: UUID) -> dict[str, Any]:
    """What a webhook is told: what a mail would say, and whom it is for."""
    return {
        "message_id": str(message),
        "record": f"E-{row.number}",
        "source": row.source,
        "reference": row.requester.get("reference", ""),
        "recipients": list(row.recipients),
        "language": row.language,
        "subject": row.subject,
        "body": row.body,
        "automatic": row.automatic,
    }
