"""News: what happened to the records that somebody follows since they last looked at each."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from service.escalations.news import store
from service.escalations.schemas import EscalationEventOut, NewsListOut, NewsOut
from service.escalations.seeing import Seer
from service.escalations.workflow import require

# Records that one answer lists; the total counts all.
MOST = 50
# Events of one record that one look takes in.
EVENTS_MOST = 500


async def news_of(connection: AsyncConnection, *, viewer: UUID, limit: int = MOST) -> NewsListOut:
    """Records that this person follows and has not looked at since something happened to them."""
    rows = await store.news(connection, Seer(viewer), limit=limit)
    records = [
        NewsOut(
            **{name: row._mapping[name] for name in ("id", "number", "title", "language", "status", "news")},
            newest=EscalationEventOut(id=row.event, at=row.at, kind=row.kind, actor=row.actor, data=row.data),
        )
        for row in rows
    ]
    return NewsListOut(records=records, total=rows[0].total if rows else 0)


async def with_news(connection: AsyncConnection, *, viewer: UUID) -> int:
    """How many records have news for this person."""
    return await store.count(connection, Seer(viewer))


async def unseen_of(connection: AsyncConnection, escalation: UUID, *, viewer: UUID) -> frozenset[int]:
    """Events of a record that are news for this person; the caller has checked that they see it."""
    return frozenset(await store.events(connection, escalation, Seer(viewer), limit=EVENTS_MOST))


async def looked(connection: AsyncConnection, escalation: UUID, events: Sequence[int], *, person: UUID) -> None:
    """Somebody has seen these events of a record. Raises NotFoundError."""
    await require(connection, escalation, viewer=person)
    await store.looked(connection, escalation, person, events)
