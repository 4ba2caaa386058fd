"""SQL of what those who follow records have not looked at yet."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.escalations.seeing import Seer

_COUNT = text("""
    SELECT count(DISTINCT n.record) FROM escalation_news_of(:viewer, CAST(:overseeing AS text[])) n
""")
_NEWS = text("""
    SELECT r.id, r.number, r.title, r.language, r.status, n.news, count(*) OVER () AS total,
           e.id AS event, e.at, e.kind, p.username AS actor,
           e.data || jsonb_strip_nulls(jsonb_build_object('username', about.username)) AS data
    FROM (SELECT record, count(*) AS news, max(event) AS newest
          FROM escalation_news_of(:viewer, CAST(:overseeing AS text[])) GROUP BY record) n
    JOIN escalations r ON r.id = n.record JOIN events e ON e.id = n.newest
    LEFT JOIN principals p ON p.id = e.actor
    LEFT JOIN principals about ON CAST(about.id AS text) = coalesce(e.data ->> 'owner', e.data ->> 'principal', e.data ->> 'to')
    ORDER BY e.id DESC LIMIT :limit
""")
_EVENTS = text("""
    SELECT n.event FROM escalation_news_of(:viewer, CAST(:overseeing AS text[])) n WHERE n.record = :id
    ORDER BY n.event DESC LIMIT :limit
""")
_LOOKED = text("""
    DELETE FROM escalation_news
    WHERE principal_id = :person AND escalation_id = :id AND event_id = ANY(CAST(:events AS bigint[]))
""")


async def count(connection: AsyncConnection, seer: Seer) -> int:
    """How many records have news for somebody."""
    return int((await connection.execute(_COUNT, seer.values)).scalar_one())


async def news(connection: AsyncConnection, seer: Seer, *, limit: int) -> Sequence[Row[Any]]:
    """Records with news for somebody, each with how much and the newest of it, and how many there are; the newest first."""
    return (await connection.execute(_NEWS, {**seer.values, "limit": limit})).all()


async def events(connection: AsyncConnection, escalation: UUID, seer: Seer, *, limit: int) -> Sequence[int]:
    """Events of a record that are news for somebody, the newest first."""
    return (await connection.execute(_EVENTS, {**seer.values, "id": escalation, "limit": limit})).scalars().all()


async def looked(connection: AsyncConnection, escalation: UUID, person: UUID, events: Sequence[int]) -> None:
    """These events of a record are no news for somebody any more."""
    await connection.execute(_LOOKED, {"id": escalation, "person": person, "events": list(events)})
