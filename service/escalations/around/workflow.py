"""What stands around a record: what it is about, who follows it, what came with it, hand-overs, and what is like it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from service import events
from service.cases.workflow import require_visible
from service.errors.requests import InvalidRequestError, NotFoundError
from service.escalations.around import store
from service.escalations.closing import NOTHING_KEPT, NOTHING_KEPT_WORDS
from service.escalations.schemas import (
    AttachmentIn,
    EscalationLinkIn,
    EscalationLinkOut,
    EscalationPrecedentOut,
    EscalationPrecedentsOut,
    LinksOut,
    WatcherIn,
    WatchersOut,
)
from service.escalations.seeing import Seer
from service.escalations.workflow import add_link, attach, is_seen, require, require_locked, worker_named
from service.media.levels import Rules
from service.media.schemas import MediaItem
from service.media.uploads.workflow import state as upload_state
from service.media.viewing.workflow import media_named
from service.routing.workflow import OVERSEEING

PRECEDENTS = 8
# A record about more than that is several records.
LINKS_MOST = 200
# More than that no page shows at once.
ATTACHMENTS_MOST = 100


async def links_of(connection: AsyncConnection, escalation: UUID, *, viewer: UUID) -> LinksOut:
    """What a record is about and which others name it, as far as this person may see those. Raises NotFoundError."""
    await require(connection, escalation, viewer=viewer)
    rows = await store.links(connection, escalation, Seer(viewer), seeing=OVERSEEING)
    return LinksOut(links=[EscalationLinkOut(**row._mapping) for row in rows])


async def link(connection: AsyncConnection, escalation: UUID, body: EscalationLinkIn, *, person: UUID) -> LinksOut:
    """Say what else a record is about. Raises NotFoundError, for what is named too, or a 422."""
    # One at a time: two people who name the same would name it twice.
    await require_locked(connection, escalation, viewer=person)
    match body:
        case EscalationLinkIn(case_id=UUID() as case_id, other_id=None, asset=None):
            await require_visible(connection, case_id, viewer=person)
            what: dict[str, object] = {"kind": "case", "case_id": case_id}
        case EscalationLinkIn(case_id=None, other_id=UUID() as other_id, asset=None) if other_id != escalation:
            await require(connection, other_id, viewer=person)
            what = {"kind": "escalation", "other_id": other_id}
        case EscalationLinkIn(case_id=None, other_id=None, asset=asset) if asset is not None:
            what = {"kind": asset.kind, "external_id": asset.id}
        case _:
            raise InvalidRequestError("name exactly one of `case_id`, `other_id` (another record) and `asset`")
    there = await store.links(connection, escalation, Seer(person), seeing=OVERSEEING)
    if any(all(getattr(one, name) == value for name, value in what.items()) for one in there if not one.incoming):
        raise InvalidRequestError("nothing changes: this record names that already")
    if len(there) >= LINKS_MOST:
        raise InvalidRequestError(f"a record is about at most {LINKS_MOST} things; open another one and link the two")
    made = await add_link(connection, escalation, person, what)
    data = {"link": str(made), "kind": what["kind"]}
    await events.record_on(connection, "escalation.linked", escalation, actor=person, data=data)
    return await links_of(connection, escalation, viewer=person)


async def unlink(connection: AsyncConnection, escalation: UUID, link_id: UUID, *, person: UUID) -> None:
    """A record is about this no longer. Raises NotFoundError."""
    seen = await links_of(connection, escalation, viewer=person)
    if not any(one.id == link_id and not one.incoming for one in seen.links):
        raise NotFoundError(f"this escalation has no link {link_id}")
    kind = await store.end_link(connection, escalation, link_id, person=person)
    if kind is None:
        raise NotFoundError(f"this escalation has no link {link_id}")
    data = {"link": str(link_id), "kind": kind}
    await events.record_on(connection, "escalation.unlinked", escalation, actor=person, data=data)


async def naming(connection: AsyncConnection, case_id: UUID, *, viewer: UUID) -> Sequence[Row[Any]]:
    """Records that name a case, as far as this person may see them; the caller has checked that they see the case."""
    return await store.naming(connection, case_id, Seer(viewer))


async def watchers_of(connection: AsyncConnection, escalation: UUID, *, viewer: UUID) -> WatchersOut:
    """Who follows a record. Raises NotFoundError."""
    await require(connection, escalation, viewer=viewer)
    return WatchersOut(watchers=list(await store.watchers(connection, escalation)))


async def watch(connection: AsyncConnection, escalation: UUID, body: WatcherIn, *, person: UUID) -> WatchersOut:
    """Let somebody follow a record; who follows a confidential one may see it. Raises NotFoundError, or a 422."""
    await require(connection, escalation, viewer=person)
    who = await worker_named(connection, body.username) if body.username else person
    if await store.watch(connection, escalation, who):
        if not await is_seen(connection, escalation, viewer=who):
            raise InvalidRequestError(
                "username: this record takes a restricted path, and that person is not named there"
            )
        data = {"principal": str(who)}
        await events.record_on(connection, "escalation.watched", escalation, actor=person, data=data)
    return await watchers_of(connection, escalation, viewer=person)


async def unwatch(connection: AsyncConnection, escalation: UUID, username: str, *, person: UUID) -> None:
    """Somebody follows a record no longer. Raises NotFoundError, for somebody who did not, too."""
    await require(connection, escalation, viewer=person)
    who = await store.unwatch(connection, escalation, username)
    if who is None:
        raise NotFoundError(f"{username} does not watch this escalation")
    data = {"principal": str(who)}
    await events.record_on(connection, "escalation.unwatched", escalation, actor=person, data=data)


async def attach_upload(connection: AsyncConnection, escalation: UUID, body: AttachmentIn, *, person: UUID) -> None:
    """Keep what this person uploaded with a record.

    Raises NotFoundError, or a 422 for one that holds too many or is on the path of child safety.
    """
    if (await require_locked(connection, escalation, viewer=person)).path == NOTHING_KEPT:
        raise InvalidRequestError(f"media_id: {NOTHING_KEPT_WORDS}")
    await upload_state(connection, body.media_id, uploaded_by=person)
    if len(await store.attached(connection, escalation)) >= ATTACHMENTS_MOST:
        raise InvalidRequestError(
            f"a record holds at most {ATTACHMENTS_MOST} attachments; open another one for more and link the two"
        )
    await attach(connection, escalation, body.media_id, name=body.name, person=person)


async def attachments_of(
    connection: AsyncConnection, escalation: UUID, *, viewer: UUID, rules: Rules
) -> list[tuple[str, MediaItem]]:
    """(name, medium) of what is kept with a record, each as blurred as this viewer sees media. Raises NotFoundError."""
    await require(connection, escalation, viewer=viewer)
    rows = await store.attached(connection, escalation)
    media = await media_named(connection, [row.media_id for row in rows], viewer=viewer, rules=rules)
    items = {one.id: one for one in media}
    return [(row.name, items[row.media_id]) for row in rows if row.media_id in items]


async def handover_of(connection: AsyncConnection, escalation: UUID, *, viewer: UUID) -> Row[Any] | None:
    """The newest note to whoever works on a record next, until they have read it. Raises NotFoundError."""
    await require(connection, escalation, viewer=viewer)
    return await store.handover(connection, escalation)


async def read_handover(connection: AsyncConnection, escalation: UUID, *, person: UUID) -> None:
    """Say that one has read the hand-over note: whoever has the record may, unless they wrote it. Raises a 422."""
    row = await require(connection, escalation, viewer=person)
    note = await store.handover(connection, escalation)
    if note is None or row.owner_id != person or note.written_by == person:
        raise InvalidRequestError("a hand-over note is read by whoever takes the record after it was written")
    await store.note_read(connection, escalation, person, until=note.written_at)
    data = {"message": str(note.id)}
    await events.record_on(connection, "escalation.handover_read", escalation, actor=person, data=data)


async def precedents_of(connection: AsyncConnection, escalation: UUID, *, viewer: UUID) -> EscalationPrecedentsOut:
    """Resolved records that are like this one, of those that this person may see. Raises NotFoundError."""
    await require(connection, escalation, viewer=viewer)
    rows = await store.precedents(connection, escalation, Seer(viewer), limit=PRECEDENTS)
    return EscalationPrecedentsOut(precedents=[EscalationPrecedentOut(**row._mapping) for row in rows])
