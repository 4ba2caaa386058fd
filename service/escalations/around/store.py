"""SQL of what stands around a record: links, watchers, attachments, hand-over notes, precedents."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.escalations.seeing import Seer

# So many of each kind of likeness are weighed against each other.
NEAR = 200

# Neither cases nor records that this person may not see are among them, whichever names the other.
_LINKS = text("""
    SELECT l.id, l.kind, l.case_id, l.other_id, l.external_id, l.added_at, false AS incoming, o.number, o.title,
           coalesce(o.status, c.status) AS status
    FROM escalation_links l LEFT JOIN escalations o ON o.id = l.other_id LEFT JOIN cases c ON c.id = l.case_id
    WHERE l.escalation_id = :id AND l.ended_at IS NULL
      AND (l.case_id IS NULL OR may_see_case(l.case_id, :viewer, CAST(:seeing AS text[])))
      AND (l.other_id IS NULL OR may_see_escalation(l.other_id, :viewer, CAST(:overseeing AS text[])))
    UNION ALL
    SELECT l.id, l.kind, NULL, l.escalation_id, NULL, l.added_at, true, o.number, o.title, o.status
    FROM escalation_links l JOIN escalations o ON o.id = l.escalation_id
    WHERE l.other_id = :id AND l.ended_at IS NULL AND may_see_escalation(l.escalation_id, :viewer, CAST(:overseeing AS text[]))
    ORDER BY added_at, id
""")
_END_LINK = text("""
    UPDATE escalation_links SET ended_at = now(), ended_by = :person
    WHERE id = :link AND escalation_id = :id AND ended_at IS NULL RETURNING kind
""")
_NAMES_CASE = text("""
    SELECT e.id, e.number, e.title, e.language, e.source, e.status, e.severity, e.owner AS owner_id
    FROM escalation_links l JOIN escalations e ON e.id = l.escalation_id
    WHERE l.case_id = :case_id AND l.ended_at IS NULL AND may_see_escalation(e.id, :viewer, CAST(:overseeing AS text[]))
    ORDER BY e.status = 'resolved', e.number DESC LIMIT 50
""")
_WATCH = text("""
    INSERT INTO escalation_watchers (escalation_id, principal_id) VALUES (:id, :person) ON CONFLICT DO NOTHING RETURNING true
""")
_UNWATCH = text("""
    DELETE FROM escalation_watchers w USING principals p
    WHERE w.escalation_id = :id AND p.id = w.principal_id AND p.username = :username RETURNING w.principal_id
""")
_WATCHERS = text("""
    SELECT p.username FROM escalation_watchers w JOIN principals p ON p.id = w.principal_id
    WHERE w.escalation_id = :id ORDER BY p.username
""")
_ATTACHED = text("""
    SELECT media_id, name, added_at FROM escalation_attachments WHERE escalation_id = :id ORDER BY added_at, media_id
""")
# The newest note to whoever works on it next, until somebody has said that they read it; not the writer's own.
_HANDOVER = text("""
    SELECT m.id, m.body, m.language, p.username AS author, m.written_by, m.written_at
    FROM escalation_messages m LEFT JOIN principals p ON p.id = m.written_by
    WHERE m.escalation_id = :id AND m.kind = 'handover'
      AND NOT EXISTS (SELECT FROM escalation_handover_reads r WHERE r.message_id = m.id)
    ORDER BY m.written_at DESC, m.id DESC LIMIT 1
""")
_READ = text("""
    INSERT INTO escalation_handover_reads (message_id, read_by)
    SELECT m.id, :person FROM escalation_messages m
    WHERE m.escalation_id = :id AND m.kind = 'handover' AND m.written_at <= :until
    ON CONFLICT DO NOTHING
""")
# Of the newest resolved records that have the area, the trigger or words in common: how many words, and which of the three
# facts. Each of the three by its own index, so that it stays quick over years of records.
_PRECEDENTS = text("""
    WITH wanted AS (
        SELECT e.*, (SELECT to_tsquery('simple', string_agg(quote_literal(w.lexeme), ' | ')) FROM (
            SELECT lexeme FROM unnest(to_tsvector('simple', left(e.title || ' ' || e.summary, 4000)))
            WHERE length(lexeme) > 3 ORDER BY cardinality(positions) DESC, length(lexeme) DESC LIMIT 40) AS w) AS words
        FROM escalations e WHERE e.id = :id
    ), near AS (
        (SELECT e.id FROM wanted w JOIN escalations e ON e.policy_area = w.policy_area WHERE e.status = 'resolved'
         ORDER BY e.resolved_at DESC LIMIT :near)
        UNION (SELECT e.id FROM wanted w JOIN escalations e ON e.trigger = w.trigger WHERE e.status = 'resolved'
               ORDER BY e.resolved_at DESC LIMIT :near)
        UNION (SELECT e.id FROM wanted w JOIN escalations e ON to_tsvector('simple', e.title || ' ' || e.summary) @@ w.words
               WHERE e.status = 'resolved' ORDER BY e.resolved_at DESC LIMIT :near)
    ), alike AS (
        SELECT e.*, coalesce(e.policy_area = w.policy_area, false) AS same_area, e.trigger = w.trigger AS same_trigger,
               e.source = w.source AS same_source,
               coalesce(ts_rank(to_tsvector('simple', e.title || ' ' || e.summary), w.words, 1), 0) AS likeness
        FROM wanted w, escalations e
        WHERE e.id IN (SELECT id FROM near) AND e.id <> w.id
          AND may_see_escalation(e.id, :viewer, CAST(:overseeing AS text[]))
    )
    SELECT id, number, title, language, source, trigger, policy_area, grey_area, resolution, resolution_note, resolved_at,
           array_remove(ARRAY[CASE WHEN same_area THEN 'policy_area' END, CASE WHEN same_trigger THEN 'trigger' END,
                              CASE WHEN same_source THEN 'source' END, CASE WHEN likeness > 0.01 THEN 'words' END], NULL) AS same
    FROM alike WHERE same_area OR same_trigger OR likeness > 0.01
    ORDER BY 2 * CAST(same_area AS int) + 2 * CAST(same_trigger AS int) + CAST(same_source AS int)
             + least(4, 20 * likeness) DESC, resolved_at DESC
    LIMIT :limit
""")


async def links(
    connection: AsyncConnection, escalation: UUID, seer: Seer, *, seeing: Sequence[str]
) -> Sequence[Row[Any]]:
    """What a record is about and which name it, in the order in which it was added. `seeing`: roles that see every case."""
    return (await connection.execute(_LINKS, {**seer.values, "id": escalation, "seeing": list(seeing)})).all()


async def end_link(connection: AsyncConnection, escalation: UUID, link: UUID, *, person: UUID) -> str | None:
    """End a standing link; returns its kind, None where there is none."""
    values = {"id": escalation, "link": link, "person": person}
    return (await connection.execute(_END_LINK, values)).scalar_one_or_none()


async def naming(connection: AsyncConnection, case_id: UUID, seer: Seer) -> Sequence[Row[Any]]:
    """Records that name a case, those that are open first."""
    return (await connection.execute(_NAMES_CASE, {**seer.values, "case_id": case_id})).all()


async def watch(connection: AsyncConnection, escalation: UUID, person: UUID) -> bool:
    """Let somebody follow a record; False where they do already."""
    values = {"id": escalation, "person": person}
    return (await connection.execute(_WATCH, values)).scalar_one_or_none() is not None


async def unwatch(connection: AsyncConnection, escalation: UUID, username: str) -> UUID | None:
    """Somebody follows a record no longer; returns who, None where they did not."""
    values = {"id": escalation, "username": username}
    return (await connection.execute(_UNWATCH, values)).scalar_one_or_none()


async def watchers(connection: AsyncConnection, escalation: UUID) -> Sequence[str]:
    """User names of those who follow a record."""
    return (await connection.execute(_WATCHERS, {"id": escalation})).scalars().all()


async def attached(connection: AsyncConnection, escalation: UUID) -> Sequence[Row[Any]]:
    """(media_id, name, added_at) of what is kept with a record."""
    return (await connection.execute(_ATTACHED, {"id": escalation})).all()


async def handover(connection: AsyncConnection, escalation: UUID) -> Row[Any] | None:
    """The newest hand-over note, unless it was read."""
    return (await connection.execute(_HANDOVER, {"id": escalation})).one_or_none()


async def note_read(connection: AsyncConnection, escalation: UUID, person: UUID, *, until: datetime) -> None:
    """Hand-over notes up to this moment were read."""
    await connection.execute(_READ, {"id": escalation, "person": person, "until": until})


async def precedents(connection: AsyncConnection, escalation: UUID, seer: Seer, *, limit: int) -> Sequence[Row[Any]]:
    """Resolved records that are like this one, the most alike first."""
    values = {**seer.values, "id": escalation, "near": NEAR, "limit": limit}
    return (await connection.execute(_PRECEDENTS, values)).all()
