"""SQL of escalations."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_OPEN = text("""
    INSERT INTO escalations (id, source, trigger, title, summary, fields, language, jurisdiction, policy_area, severity,
                             confidentiality, path, high_profile, at_risk, requester, opened_by, received_at)
    VALUES (:id, :source, :trigger, :title, :summary, CAST(:fields AS jsonb), :language, :jurisdiction, :policy_area, :severity,
            :confidentiality, :path, :high_profile, :at_risk, CAST(:requester AS jsonb), :opened_by,
            coalesce(CAST(:received_at AS timestamptz), now()))
    RETURNING number, received_at
""")
_FIELDS = """
    e.id, e.number, e.source, e.trigger, e.title, e.summary, e.fields, e.language, e.jurisdiction, e.policy_area, e.severity,
    e.confidentiality, e.path, e.high_profile, e.at_risk, e.grey_area, e.status, e.waiting_for, e.version, e.owner AS owner_id, p.username AS owner,
    e.requester, e.received_at, e.opened_at, e.resolution, e.resolution_note, e.resolved_at, e.unowned_since
"""
_GET = text(f"""
    SELECT {_FIELDS} FROM escalations e LEFT JOIN principals p ON p.id = e.owner
    WHERE e.id = :id AND may_see_escalation(e.id, :viewer, CAST(:overseeing AS text[]))
""")  # noqa: S608 - put together from constants
_LOCK = text("SELECT status FROM escalations WHERE id = :id FOR NO KEY UPDATE")
_PLAIN = text(f"""
    SELECT {_FIELDS} FROM escalations e LEFT JOIN principals p ON p.id = e.owner WHERE e.id = :id
""")  # noqa: S608 - put together from constants
_LINK = text("""
    INSERT INTO escalation_links (id, escalation_id, kind, case_id, other_id, external_id, added_by)
    VALUES (:id, :escalation_id, :kind, :case_id, :other_id, :external_id, :added_by)
""")
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
# Whoever may have a record: somebody with a role that works on escalations, who sees this one.
_WORKER = text("""
    SELECT id FROM principals WHERE username = :username AND active AND role = ANY(CAST(:working AS text[]))
""")
_MAY_SEE = text("SELECT may_see_escalation(:id, :person, CAST(:overseeing AS text[]))")
_NAMES_CASE = text("""
    SELECT e.id, e.number, e.title, e.language, e.source, e.status, e.severity, e.owner AS owner_id
    FROM escalation_links l JOIN escalations e ON e.id = l.escalation_id
    WHERE l.case_id = :case_id AND l.ended_at IS NULL AND may_see_escalation(e.id, :viewer, CAST(:overseeing AS text[]))
    ORDER BY e.status = 'resolved', e.number DESC LIMIT 50
""")
_WATCH = text("""
    INSERT INTO escalation_watchers (escalation_id, principal_id) VALUES (:id, :person) ON CONFLICT DO NOTHING RETURNING true
""")
_UNWATCH = text("DELETE FROM escalation_watchers WHERE escalation_id = :id AND principal_id = :person RETURNING true")
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
# Of the newest resolved records that have anything in common: how many words, and which of the three facts.
_PRECEDENTS = text("""
    WITH wanted AS (
        SELECT e.*, (SELECT to_tsquery('simple', string_agg(quote_literal(w.lexeme), ' | ')) FROM (
            SELECT lexeme FROM unnest(to_tsvector('simple', left(e.title || ' ' || e.summary, 4000)))
            WHERE length(lexeme) > 3 ORDER BY cardinality(positions) DESC, length(lexeme) DESC LIMIT 40) AS w) AS words
        FROM escalations e WHERE e.id = :id
    ), alike AS (
        SELECT e.*, e.policy_area IS NOT NULL AND e.policy_area = w.policy_area AS same_area, e.trigger = w.trigger AS same_trigger,
               e.source = w.source AS same_source,
               coalesce(ts_rank(to_tsvector('simple', e.title || ' ' || e.summary), w.words, 1), 0) AS likeness
        FROM wanted w, escalations e
        WHERE e.status = 'resolved' AND e.id <> w.id
          AND (e.policy_area = w.policy_area OR e.trigger = w.trigger
               OR to_tsvector('simple', e.title || ' ' || e.summary) @@ w.words)
          AND may_see_escalation(e.id, :viewer, CAST(:overseeing AS text[]))
        ORDER BY e.resolved_at DESC LIMIT 500
    )
    SELECT id, number, title, language, source, trigger, policy_area, grey_area, resolution, resolution_note, resolved_at,
           array_remove(ARRAY[CASE WHEN same_area THEN 'policy_area' END, CASE WHEN same_trigger THEN 'trigger' END,
                              CASE WHEN same_source THEN 'source' END, CASE WHEN likeness > 0.01 THEN 'words' END], NULL) AS same
    FROM alike WHERE same_area OR same_trigger OR likeness > 0.01
    ORDER BY 2 * CAST(same_area AS int) + 2 * CAST(same_trigger AS int) + CAST(same_source AS int)
             + least(4, 20 * likeness) DESC, resolved_at DESC
    LIMIT :limit
""")
_MOVE = text("""
    UPDATE escalations SET status = CAST(:status AS text), owner = :owner, waiting_for = :waiting_for, resolution = :resolution,
        resolution_note = :resolution_note,
        resolved_at = CASE WHEN CAST(:status AS text) = 'resolved' THEN now() END
    WHERE id = :id
""")
_UNOWNED = text("""
    SELECT e.id, e.severity, e.unowned_since, e.unowned_since <= now() - make_interval(mins => :minutes) AS long
    FROM escalations e
    WHERE e.unowned_since <= now() - make_interval(mins => :urgent) AND e.unowned_told_at IS NULL
    ORDER BY e.unowned_since LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED
""")
_TELL = text("UPDATE escalations SET unowned_told_at = now() WHERE id = ANY(CAST(:ids AS uuid[]))")
# Whose owner has left, or does other work now: nobody has it any more.
_ORPHANED = text("""
    SELECT e.id, e.status FROM escalations e JOIN principals p ON p.id = e.owner
    WHERE e.status <> 'resolved' AND NOT (p.active AND p.role = ANY(CAST(:working AS text[])))
    ORDER BY e.opened_at LIMIT :limit FOR NO KEY UPDATE OF e SKIP LOCKED
""")
_COUNT_UNOWNED = text("SELECT count(*) FROM escalations WHERE unowned_told_at IS NOT NULL")
_COUNT_SEEN = text("""
    SELECT count(*) FROM escalations e
    WHERE e.unowned_told_at IS NOT NULL AND may_see_escalation(e.id, :viewer, CAST(:overseeing AS text[]))
""")
_OPENER = text("SELECT opened_by FROM escalations WHERE id = :id")
_FREE = text("""
    SELECT id FROM escalations WHERE id = :id AND owner IS NULL AND status <> 'resolved' FOR NO KEY UPDATE SKIP LOCKED
""")
# Each becomes part of a statement only where it is asked for.
_ASKED = {
    "mine": "e.owner = :viewer",
    "unowned": "e.unowned_since IS NOT NULL",
    "watching": "EXISTS (SELECT FROM escalation_watchers w WHERE w.escalation_id = e.id AND w.principal_id = :viewer)",
    "open": "e.status <> 'resolved'",
    "status": "e.status = :status",
    "source": "e.source = :source",
    "severity": "e.severity >= :severity",
    "high_profile": "e.high_profile",
    "grey_area": "e.grey_area",
    "number": "e.number = :number",
    "words": "to_tsvector('simple', e.title || ' ' || e.summary) @@ websearch_to_tsquery('simple', :words)",
}
_LISTED = """
    SELECT e.id, e.number, e.title, e.language, e.source, e.trigger, e.jurisdiction, e.policy_area, e.severity, e.confidentiality,
           e.high_profile, e.at_risk, e.grey_area, e.status, e.waiting_for, e.version, p.username AS owner, e.received_at,
           e.resolved_at, e.resolution, e.unowned_since, e.unowned_told_at IS NOT NULL AS alarm
    FROM escalations e LEFT JOIN principals p ON p.id = e.owner
    WHERE may_see_escalation(e.id, :viewer, CAST(:overseeing AS text[])) {asked}
    ORDER BY {order} LIMIT :limit
"""
_ADD_MESSAGE = text("""
    INSERT INTO escalation_messages (id, escalation_id, direction, kind, body, language, written_by)
    VALUES (:id, :escalation_id, :direction, :kind, :body, :language, :written_by)
    RETURNING written_at
""")
_MESSAGES = text("""
    SELECT m.id, m.direction, m.kind, m.body, m.language, p.username AS author, m.written_at
    FROM escalation_messages m LEFT JOIN principals p ON p.id = m.written_by
    WHERE m.escalation_id = :id ORDER BY m.written_at, m.id
""")
# An event that says {"privileged": true} is not there for whoever may not read what is privileged.
_EVENTS = text("""
    SELECT e.id, e.at, e.kind, p.username AS actor, e.data
    FROM events e LEFT JOIN principals p ON p.id = e.actor
    WHERE e.escalation_id = :id
      AND (NOT e.data @> '{"privileged": true}' OR (SELECT v.privileged FROM principals v WHERE v.id = :viewer))
    ORDER BY e.id
""")
_ATTACH = text("""
    INSERT INTO escalation_attachments (escalation_id, media_id, name, added_by)
    VALUES (:escalation_id, :media_id, :name, :added_by) ON CONFLICT DO NOTHING
""")


@dataclass(frozen=True, slots=True)
class Seer:
    """Whoever looks, and the roles that oversee what is confidential."""

    viewer: UUID
    overseeing: Sequence[str]

    @property
    def values(self) -> dict[str, Any]:
        """As parameters of a statement."""
        return {"viewer": self.viewer, "overseeing": list(self.overseeing)}


async def open_record(connection: AsyncConnection, values: dict[str, Any]) -> Row[Any]:
    """Add a record; returns its number and when it was received."""
    given = values | {"fields": json.dumps(values["fields"]), "requester": json.dumps(values["requester"])}
    return (await connection.execute(_OPEN, given)).one()


async def record(
    connection: AsyncConnection, escalation: UUID, *, viewer: UUID, overseeing: Sequence[str]
) -> Row[Any] | None:
    """A record that this person may see; None for any other."""
    values = {"id": escalation, "viewer": viewer, "overseeing": list(overseeing)}
    return (await connection.execute(_GET, values)).one_or_none()


async def plain(connection: AsyncConnection, escalation: UUID) -> Row[Any] | None:
    """A record, for what nobody in particular does with it."""
    return (await connection.execute(_PLAIN, {"id": escalation})).one_or_none()


async def lock(connection: AsyncConnection, escalation: UUID) -> str | None:
    """Lock a record against other changes; returns its status."""
    return (await connection.execute(_LOCK, {"id": escalation})).scalar_one_or_none()


async def link(connection: AsyncConnection, values: dict[str, Any]) -> None:
    """Add what a record is about."""
    empty = {"case_id": None, "other_id": None, "external_id": None}
    await connection.execute(_LINK, empty | values)


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


async def worker(connection: AsyncConnection, username: str, *, working: Sequence[str]) -> UUID | None:
    """Somebody who works on escalations, by name."""
    values = {"username": username, "working": list(working)}
    return (await connection.execute(_WORKER, values)).scalar_one_or_none()


async def may_see(connection: AsyncConnection, escalation: UUID, person: UUID, *, overseeing: Sequence[str]) -> bool:
    """Whether that person may see the record."""
    values = {"id": escalation, "person": person, "overseeing": list(overseeing)}
    return bool((await connection.execute(_MAY_SEE, values)).scalar_one())


async def watch(connection: AsyncConnection, escalation: UUID, person: UUID, *, on: bool) -> bool:
    """Begin or end following a record; returns whether that changed anything."""
    values = {"id": escalation, "person": person}
    return (await connection.execute(_WATCH if on else _UNWATCH, values)).scalar_one_or_none() is not None


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
    return (await connection.execute(_PRECEDENTS, {**seer.values, "id": escalation, "limit": limit})).all()


async def move(connection: AsyncConnection, escalation: UUID, values: dict[str, Any]) -> None:
    """Set state, owner and resolution of a locked record."""
    await connection.execute(_MOVE, {**values, "id": escalation})


async def change(connection: AsyncConnection, escalation: UUID, values: dict[str, Any]) -> None:
    """Set facts of a locked record; the names come from the wire type."""
    named = ", ".join(f"{name} = :{name}" for name in values)
    await connection.execute(text(f"UPDATE escalations SET {named} WHERE id = :id"), {**values, "id": escalation})  # noqa: S608


async def untold(connection: AsyncConnection, *, minutes: int, urgent: int, limit: int) -> Sequence[Row[Any]]:
    """Records that nobody has had for `urgent` minutes, none of them told yet; `long`: for `minutes`. Locked."""
    values = {"minutes": minutes, "urgent": min(urgent, minutes), "limit": limit}
    return (await connection.execute(_UNOWNED, values)).all()


async def tell(connection: AsyncConnection, ids: Sequence[UUID]) -> None:
    """Remember that the alarm of these was raised."""
    await connection.execute(_TELL, {"ids": list(ids)})


async def orphaned(connection: AsyncConnection, *, working: Sequence[str], limit: int) -> Sequence[Row[Any]]:
    """(id, status) of open records whose owner works on escalations no longer. Locked."""
    return (await connection.execute(_ORPHANED, {"working": list(working), "limit": limit})).all()


async def count_unowned(connection: AsyncConnection, seer: Seer | None = None) -> int:
    """How many stand in alarm because nobody has them; as far as somebody may see them, where one is named."""
    if seer is None:
        return int((await connection.execute(_COUNT_UNOWNED)).scalar_one())
    return int((await connection.execute(_COUNT_SEEN, seer.values)).scalar_one())


async def opener(connection: AsyncConnection, escalation: UUID) -> UUID:
    """Whoever opened a record."""
    found: UUID = (await connection.execute(_OPENER, {"id": escalation})).scalar_one()
    return found


async def free(connection: AsyncConnection, escalation: UUID) -> bool:
    """Lock a record that nobody has; False where somebody was faster or is at it."""
    return (await connection.execute(_FREE, {"id": escalation})).scalar_one_or_none() is not None


async def listed(connection: AsyncConnection, values: dict[str, Any], seer: Seer, *, limit: int) -> Sequence[Row[Any]]:
    """Records that fulfil every condition that `values` names: the gravest first, resolved ones newest first."""
    asked = "".join(f" AND {condition}" for name, condition in _ASKED.items() if values.get(name) not in (None, False))
    resolved = values.get("status") == "resolved"
    order = "e.resolved_at DESC, e.id" if resolved else "e.severity DESC NULLS LAST, e.received_at, e.id"
    given = {name: one for name, one in values.items() if name in ("status", "source", "severity", "number", "words")}
    statement = text(_LISTED.format(asked=asked, order=order))
    return (await connection.execute(statement, {**given, **seer.values, "limit": limit})).all()


async def add_message(connection: AsyncConnection, values: dict[str, Any]) -> Row[Any]:
    """Add a message; returns when it was written."""
    return (await connection.execute(_ADD_MESSAGE, values)).one()


async def messages(connection: AsyncConnection, escalation: UUID) -> Sequence[Row[Any]]:
    """The messages of a record, oldest first."""
    return (await connection.execute(_MESSAGES, {"id": escalation})).all()


async def events(connection: AsyncConnection, escalation: UUID, *, viewer: UUID) -> Sequence[Row[Any]]:
    """What happened to a record as far as this person may know, oldest first."""
    return (await connection.execute(_EVENTS, {"id": escalation, "viewer": viewer})).all()


async def attach(connection: AsyncConnection, values: dict[str, Any]) -> None:
    """Keep a medium with a record."""
    await connection.execute(_ATTACH, values)
