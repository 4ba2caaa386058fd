"""Texts of an escalation that its page masks, looked through in parts: a record may hold more than is read at once."""

from collections.abc import AsyncIterator
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from service.consults.workflow import for_record
from service.escalations.around.workflow import attachments_of, precedents_of
from service.escalations.schemas import MessagesQuery
from service.escalations.workflow import messages_of, require
from service.intake.mails.workflow import mails_of
from service.media.levels import Rules


async def texts_of(
    connection: AsyncConnection, escalation: UUID, *, viewer: UUID, rules: Rules
) -> AsyncIterator[list[str]]:
    """Texts of a record as far as this person may read them, part after part. Raises NotFoundError."""
    row = await require(connection, escalation, viewer=viewer)
    yield [row.title, row.summary, row.resolution_note or "", *row.fields.values()]
    precedents = (await precedents_of(connection, escalation, viewer=viewer)).precedents
    consults = await for_record(connection, escalation, viewer=viewer)
    yield [
        *(one.resolution_note for one in precedents),
        *(text for one in consults for text in (one.question, one.answer or "")),
        *(one.subject for one in await mails_of(connection, escalation, viewer=viewer)),
        *(name for name, _medium in await attachments_of(connection, escalation, viewer=viewer, rules=rules)),
    ]
    asked: MessagesQuery | None = MessagesQuery()
    while asked is not None:
        page = await messages_of(connection, escalation, asked, viewer=viewer)
        yield [one.body for one in page.messages]
        asked = MessagesQuery(before=page.next) if page.next else None
