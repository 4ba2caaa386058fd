"""Rules of intake by mail: every message once, to the record it belongs to or a new one, and machines are not answered."""

import asyncio
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service import events
from service.errors.intake import MailTooLargeError
from service.errors.media import MediaTooLargeError, UnsupportedMediaError
from service.escalations import workflow as escalations
from service.escalations.closing import NOTHING_KEPT
from service.escalations.schemas import Confidentiality
from service.escalations.schemas import Path as NamedPath
from service.escalations.seeing import Seer
from service.escalations.workflow import Said
from service.handling.workflow import wake
from service.ids import new_id
from service.intake.checking import is_email
from service.intake.forms import Forms
from service.intake.mails import store
from service.intake.mails.reading import Attached, Mail, read_mail
from service.intake.mails.schemas import AsideListOut, AsideOut, MailOut, MailTakenOut
from service.intake.schemas import EscalationIn
from service.intake.texts import reference
from service.intake.workflow import Desk, Filed, take_in
from service.media.renderer import Renderer
from service.media.storage import Storage
from service.media.upload import HEAD_BYTES, Received, kind_of
from service.media.uploads import workflow as uploads
from service.media.workflow import Prepared
from service.people.schemas import AccountIn
from service.people.workflow import create_person
from service.replies.sending.workflow import record_of
from service.settings import Settings

# Whoever writes more often than this within an hour is no longer answered by itself: two machines could go on for ever.
ANSWERED_IN_AN_HOUR = 5
# Of one mail; what else came is listed.
MEDIA = 20
# A message of a record holds less than a long mail.
PIECE_CHARACTERS = 19_000
ASIDE = 100


@dataclass(frozen=True, slots=True)
class Office:
    """What taking in mails needs."""

    engine: AsyncEngine
    desk: Desk
    renderer: Renderer
    storage: Storage
    settings: Settings

    @property
    def trusted(self) -> frozenset[str]:
        """Hosts whose word on senders counts."""
        return frozenset(one.strip().lower() for one in self.settings.mail_trusted_hosts.split(",") if one.strip())


@dataclass(frozen=True, slots=True)
class _File:
    attached: Attached
    taken: "Prepared | uploads.Kept | None" = None


async def take_mail(raw: bytes, office: Office, *, by: UUID) -> MailTakenOut:
    """Take in a message, in transactions of its own; the same bytes again change nothing.

    Raises UnreadableMailError, MailTooLargeError, and StorageUnavailableError, after which it can be sent again.
    """
    if len(raw) > office.settings.mail_max_bytes:
        raise MailTooLargeError(f"the mail has more than {office.settings.mail_max_bytes:,} bytes, the limit")
    mail = await asyncio.to_thread(read_mail, raw, trusted=office.trusted)
    async with office.engine.begin() as connection:
        if (before := await store.known(connection, mail.sha256)) is not None:
            return _again(before)
        row = await _thread(connection, mail, office.desk.forms)
    path = row.path if row is not None else _closed(office.desk.forms, mail)[1]
    # Rendered before anything is locked: it may take seconds.
    files = [
        await _taken(one, office, keep=path != NOTHING_KEPT and at < MEDIA) for at, one in enumerate(mail.attachments)
    ]
    async with office.engine.begin() as connection:
        await store.one_after_the_other(connection, mail.sha256)
        if (before := await store.known(connection, mail.sha256)) is not None:
            return _again(before)
        return await _place(connection, mail, files, office=office, by=by)


async def _thread(connection: AsyncConnection, mail: Mail, forms: Forms) -> Row[Any] | None:
    """The record that it answers, or whose number its subject has.

    What is written to the people of child safety goes to nobody else, whatever it answers.
    """
    answers = await record_of(connection, mail.references)
    row = await store.thread(connection, threads=mail.threads, answers=answers, number=mail.number)
    elsewhere = row is not None and row.path != NOTHING_KEPT and _closed(forms, mail)[1] == NOTHING_KEPT
    return None if elsewhere else row


def _again(row: Row[Any]) -> MailTakenOut:
    named = None if row.number is None else reference(row.number)
    return MailTakenOut(outcome=row.outcome, number=row.number, reference=named, again=True)


def _closed(forms: Forms, mail: Mail) -> tuple[Confidentiality, NamedPath | None]:
    """How closed a record of its own would be."""
    source, trigger = forms.whose(mail.sender, list(mail.recipients))
    return forms.closed(source, trigger, forms.triggers[trigger].area)


async def _taken(attached: Attached, office: Office, *, keep: bool) -> _File:
    """A picture, clip or sound through the media pipeline; anything else is only listed."""
    if not keep or not attached.data:
        return _File(attached)
    settings = office.settings
    try:
        kind, mime = kind_of(attached.data[:HEAD_BYTES])
        if len(attached.data) > (settings.media_max_bytes if kind == "image" else settings.media_clip_max_bytes):
            return _File(attached)
        received = Received(io.BytesIO(attached.data), len(attached.data), kind, mime)
        taken = await uploads.take(
            received, renderer=office.renderer, storage=office.storage, settings=settings, engine=office.engine
        )
    except (UnsupportedMediaError, MediaTooLargeError):
        return _File(attached)
    return _File(attached, taken)


async def _place(
    connection: AsyncConnection, mail: Mail, files: Sequence[_File], *, office: Office, by: UUID
) -> MailTakenOut:
    """To its record, into a new one, or aside."""
    closed = _closed(office.desk.forms, mail)
    row = await _thread(connection, mail, office.desk.forms)
    if row is not None:
        row = await store.lock(connection, row.id)
        if row.path == NOTHING_KEPT:
            files = [_File(one.attached) for one in files]
    returned = (
        await store.is_ours(connection, mail.returned) or await record_of(connection, [mail.message_id]) is not None
    )
    if returned or (mail.reply and row is None):
        # One of ours that came back, or a machine's answer to nothing of ours: to answer it would never end.
        # What we wrote ourselves may be about something that not everybody may see.
        kept = replace(mail, text="", subject="") if returned else mail
        listed = [_listed(one, None) for one in files]
        await _keep(connection, kept, listed, _Place("set_aside", None, *closed), by=by)
        return MailTakenOut(outcome="set_aside", number=None, reference=None)
    if row is not None and (row.status != "resolved" or mail.automatic):
        escalation, number, outcome = row.id, row.number, "joined"
        await _join(connection, row, mail)
    else:
        escalation, number = await _open(connection, mail, office.desk, after=row, by=by)
        outcome = "opened"
    listed = [await _attach(connection, escalation, one, office=office, by=by) for one in files]
    await _keep(connection, mail, listed, _Place(outcome, escalation), by=by)
    data = {"outcome": outcome, "verified": mail.verified, "automatic": mail.automatic, "files": len(listed)}
    await events.record_on(connection, "intake.mail", escalation, actor=by, data=data)
    return MailTakenOut.model_validate({"outcome": outcome, "number": number, "reference": reference(number)})


async def _join(connection: AsyncConnection, row: Row[Any], mail: Mail) -> None:
    """Keep what it says with the record; a person's mail wakes one that waits."""
    for piece in pieces(mail):
        await escalations.say(connection, row.id, Said("inbound", "mail", piece, mail.language))
    if not mail.automatic:
        await wake(connection, row.id)


async def _open(
    connection: AsyncConnection, mail: Mail, desk: Desk, *, after: Row[Any] | None, by: UUID
) -> tuple[UUID, int]:
    """A new record; one that goes on from a resolved one is of its kind, as closed as that, and linked to it."""
    forms = desk.forms
    source, trigger = forms.whose(mail.sender, list(mail.recipients))
    if after is not None and forms.form(after.source, after.trigger) is not None:
        source, trigger = after.source, after.trigger
    answered = (
        not mail.automatic
        and is_email(mail.sender)
        and await store.recent(connection, mail.sender) < ANSWERED_IN_AN_HOUR
    )
    asks = answered and forms.sources[source].asks and after is None
    filed = Filed(
        body_of(forms, mail, source, trigger),
        by,
        incomplete="ask" if asks else "keep",
        answered=answered,
        said=pieces(mail),
        closed_as=None if after is None else (after.confidentiality, after.path),
    )
    escalation, made = await take_in(connection, filed, desk=desk)
    if after is not None:
        link = {"id": new_id(), "escalation_id": escalation, "other_id": after.id, "added_by": by}
        await store.link(connection, link)
    return escalation, made.number


def body_of(forms: Forms, mail: Mail, source: str, trigger: str) -> EscalationIn:
    """What a mail says, as the form of its trigger has it."""
    form = forms.triggers[trigger]
    text = next((one for one in form.fields if forms.fields[one].kind == "text"), None)
    said = {
        "requester_email": mail.sender if is_email(mail.sender) else "",
        "requester_name": mail.sender_name,
        "urls": "\n".join(mail.urls)[:PIECE_CHARACTERS],
        **({text: mail.text[:PIECE_CHARACTERS].strip()} if text else {}),
    }
    fields = {name: value for name, value in said.items() if value and name in form.fields}
    return EscalationIn.model_validate(
        {
            "source": source,
            "trigger": trigger,
            "title": mail.subject[:PIECE_CHARACTERS][:200].strip() or form.label,
            "summary": mail.text[:PIECE_CHARACTERS].strip(),
            "fields": fields,
            "language": mail.language,
        }
    )


def pieces(mail: Mail) -> tuple[str, ...]:
    """What a mail says, in as many messages as it takes."""
    text = mail.text or mail.subject or "-"
    return tuple(text[at : at + PIECE_CHARACTERS] for at in range(0, len(text), PIECE_CHARACTERS))


async def _attach(
    connection: AsyncConnection, escalation: UUID, one: _File, *, office: Office, by: UUID
) -> dict[str, Any]:
    if one.taken is None:
        return _listed(one, None)
    made = await uploads.enter(connection, one.taken, storage=office.storage, uploaded_by=by, jobs=office.desk.jobs)
    await escalations.attach(connection, escalation, made.media_id, name=one.attached.name, person=by)
    return _listed(one, made.media_id)


def _listed(one: _File, media: UUID | None) -> dict[str, Any]:
    attached = one.attached
    return {
        "name": attached.name,
        "mime": attached.mime,
        "bytes": len(attached.data),
        "sha256": attached.sha256,
        "media": None if media is None else str(media),
    }


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a mail went: its record, or, set aside, how closed it is there."""

    outcome: str
    to: UUID | None
    confidentiality: Confidentiality = "normal"
    path: NamedPath | None = None


async def _keep(
    connection: AsyncConnection, mail: Mail, attachments: Sequence[dict[str, Any]], place: _Place, *, by: UUID
) -> None:
    values = {
        "id": new_id(),
        "sha256": mail.sha256,
        "outcome": place.outcome,
        "escalation_id": place.to,
        "confidentiality": place.confidentiality,
        "path": place.path,
        "message_id": mail.message_id,
        "sender": mail.sender,
        "subject": mail.subject,
        "verified": mail.verified,
        "automatic": mail.automatic,
        "cut": mail.cut,
        "attachments": list(attachments),
        "body": mail.text if place.to is None else "",
        "taken_by": by,
    }
    await store.keep(connection, values)


async def account(connection: AsyncConnection, username: str) -> UUID:
    """The account in whose name mails are taken in. It is made where there is none, and nobody is told its key."""
    known = await store.account(connection, username)
    return known or (await create_person(connection, AccountIn(username=username, role="platform"), actor=None)).id


async def mails_of(connection: AsyncConnection, escalation: UUID, *, viewer: UUID) -> list[MailOut]:
    """The mails of a record, oldest first. Raises NotFoundError."""
    await escalations.require(connection, escalation, viewer=viewer)
    return [MailOut.model_validate(row, from_attributes=True) for row in await store.mails_of(connection, escalation)]


async def set_aside(connection: AsyncConnection, *, viewer: UUID) -> AsideListOut:
    """Mails that were set aside and that this person may see, the newest first."""
    rows = await store.aside(connection, Seer(viewer), limit=ASIDE)
    return AsideListOut(mails=[AsideOut.model_validate(row, from_attributes=True) for row in rows])
