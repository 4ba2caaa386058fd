"""SQL of preservation. That what is preserved stays is kept by triggers: sql/0009_restricted.sql."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.db import fetch

_SET = text("""
    INSERT INTO preservations (id, escalation_id, scope, case_id, evidence_id, subject_id, media_id, basis, reason, starts_at,
                               until, set_by)
    VALUES (:id, :escalation_id, :scope, :case_id, :evidence_id, :subject_id, :media_id, :basis, :reason, now(), :until, :actor)
""")
# What belongs to a record: its cases with their subjects, evidence and media, and what was attached.
_BELONGS = text("""
    WITH subjects_of AS (
        SELECT c.id AS case_id, c.subject_id FROM escalation_links l JOIN cases c ON c.id = l.case_id
        WHERE l.escalation_id = :escalation
    )
    SELECT CASE :scope
        WHEN 'case' THEN EXISTS (SELECT FROM subjects_of WHERE case_id = :target)
        WHEN 'subject' THEN EXISTS (SELECT FROM subjects_of WHERE subject_id = :target)
        WHEN 'evidence' THEN EXISTS (SELECT FROM evidence e JOIN subjects_of USING (subject_id) WHERE e.id = :target)
        ELSE EXISTS (SELECT FROM evidence e JOIN subjects_of USING (subject_id)
                     JOIN evidence_media m ON m.evidence_id = e.id WHERE m.media_id = :target)
             OR EXISTS (SELECT FROM escalation_attachments a WHERE a.escalation_id = :escalation AND a.media_id = :target)
        END
""")
# By name, as they are stored now: a medium that is prepared later, or rendered anew, lets its earlier files go.
_KEEP_FILES = text("""
    WITH wanted AS (
        SELECT a.media_id FROM preservations p JOIN escalation_attachments a ON a.escalation_id = p.escalation_id
        WHERE p.id = :id AND p.scope = 'record'
        UNION SELECT p.media_id FROM preservations p WHERE p.id = :id AND p.media_id IS NOT NULL
        UNION SELECT m.media_id FROM preservations p
            LEFT JOIN escalation_links l ON l.escalation_id = p.escalation_id AND p.scope = 'record'
            LEFT JOIN cases c ON c.id = coalesce(p.case_id, l.case_id)
            JOIN evidence e ON e.id = p.evidence_id OR e.subject_id = p.subject_id OR e.subject_id = c.subject_id
            JOIN evidence_media m ON m.evidence_id = e.id
        WHERE p.id = :id
    ), files AS (
        SELECT unnest(ARRAY[m.stored_as, m.uploaded_as]) AS name FROM media m WHERE m.id IN (SELECT media_id FROM wanted)
        UNION SELECT d.stored_as FROM media_derivatives d WHERE d.media_id IN (SELECT media_id FROM wanted)
    )
    INSERT INTO preserved_files (preservation_id, stored_as)
    SELECT :id, name FROM files WHERE name IS NOT NULL ON CONFLICT DO NOTHING
""")
_FIELDS = """
    p.id, p.escalation_id, e.number, p.scope, coalesce(p.case_id, p.evidence_id, p.subject_id, p.media_id) AS target, p.basis,
    p.reason, p.starts_at, p.until, s.username AS set_by, p.ended_at,
    CASE WHEN p.ended_at IS NOT NULL THEN 'ended' WHEN p.until <= now() THEN 'passed'
         WHEN p.until <= now() + make_interval(days => :days) THEN 'ending' ELSE 'kept' END AS state,
    (SELECT coalesce(jsonb_agg(jsonb_build_object(
        'id', c.id, 'until', c.until, 'reason', c.reason, 'asked_by', a.username, 'asked_at', c.asked_at,
        'settled_by', w.username, 'settled_at', c.settled_at, 'confirmed', c.confirmed) ORDER BY c.asked_at), '[]')
     FROM preservation_changes c JOIN principals a ON a.id = c.asked_by LEFT JOIN principals w ON w.id = c.settled_by
     WHERE c.preservation_id = p.id) AS changes
    FROM preservations p JOIN escalations e ON e.id = p.escalation_id JOIN principals s ON s.id = p.set_by
"""
_OF_RECORD = text(
    f"SELECT {_FIELDS} WHERE p.escalation_id = :escalation ORDER BY p.ended_at IS NOT NULL, p.until, p.id"
)
# Those that this person may know of, the nearest end first.
_RUNNING = text(f"""
    SELECT {_FIELDS} WHERE p.ended_at IS NULL AND may_see_escalation(e.id, :viewer, CAST(:overseeing AS text[]))
    ORDER BY p.until, p.id LIMIT :limit
""")
_LOCK = text(
    "SELECT id, until, until <= now() AS passed, ended_at FROM preservations WHERE id = :id AND escalation_id = :escalation FOR UPDATE"
)
_ASK = text("""
    INSERT INTO preservation_changes (id, preservation_id, until, reason, asked_by, settled_by, settled_at, confirmed)
    VALUES (:id, :preservation, :until, :reason, :actor, CASE WHEN :holds THEN CAST(:actor AS uuid) END,
            CASE WHEN :holds THEN now() END, CASE WHEN :holds THEN true END)
    ON CONFLICT (preservation_id) WHERE settled_at IS NULL DO NOTHING RETURNING id
""")
_WAITING = text("""
    SELECT c.id, c.until, c.asked_by FROM preservation_changes c
    WHERE c.preservation_id = :id AND c.settled_at IS NULL FOR UPDATE
""")
_SETTLE = text("""
    UPDATE preservation_changes SET settled_by = :actor, settled_at = now(), confirmed = :confirmed WHERE id = :id
""")
_MOVE = text("UPDATE preservations SET until = :until WHERE id = :id")
_END = text("UPDATE preservations SET ended_at = now() WHERE id = :id")
_LET_GO = text("DELETE FROM preserved_files WHERE preservation_id = :id")
_TELL = text("""
    WITH near AS (
        UPDATE preservations SET told_for = until
        WHERE ended_at IS NULL AND until <= now() + make_interval(days => :days) AND told_for IS DISTINCT FROM until
        RETURNING id, escalation_id, until
    )
    INSERT INTO events (kind, escalation_id, data)
    SELECT 'preservation.ending', escalation_id, jsonb_build_object('preservation', id, 'until', until) FROM near
    RETURNING id
""")


async def belongs(connection: AsyncConnection, escalation: UUID, *, scope: str, target: UUID) -> bool:
    """Whether something is part of a record."""
    values = {"escalation": escalation, "scope": scope, "target": target}
    return bool((await connection.execute(_BELONGS, values)).scalar_one())


async def preserve(connection: AsyncConnection, values: Mapping[str, Any], *, target: Mapping[str, UUID]) -> None:
    """Preserve from now on, with the files that there are of it."""
    nothing = dict.fromkeys(("case_id", "evidence_id", "subject_id", "media_id"))
    await connection.execute(_SET, {**nothing, **target, **values})
    await keep_files(connection, values["id"])


async def keep_files(connection: AsyncConnection, preservation: UUID) -> None:
    """Keep the files of what is preserved, by the names that they have now."""
    await connection.execute(_KEEP_FILES, {"id": preservation})


async def of_record(connection: AsyncConnection, escalation: UUID, *, days: int) -> Sequence[Row[Any]]:
    """What is preserved for a record, and what was."""
    return (await connection.execute(_OF_RECORD, {"escalation": escalation, "days": days})).all()


async def running(connection: AsyncConnection, values: Mapping[str, Any]) -> Sequence[Row[Any]]:
    """What is preserved, the nearest end first."""
    return (await connection.execute(_RUNNING, dict(values))).all()


async def lock(connection: AsyncConnection, escalation: UUID, preservation: UUID) -> Row[Any] | None:
    """(id, until, passed, ended_at) of a preservation of that record, locked."""
    return (await connection.execute(_LOCK, {"id": preservation, "escalation": escalation})).one_or_none()


async def ask(connection: AsyncConnection, values: Mapping[str, Any], *, holds: bool) -> bool:
    """Keep a change of the end, which `holds` at once or waits; False where another waits already."""
    return (await connection.execute(_ASK, {**values, "holds": holds})).one_or_none() is not None


async def waiting(connection: AsyncConnection, preservation: UUID) -> Row[Any] | None:
    """(id, until, asked_by) of the change that waits, locked."""
    return (await connection.execute(_WAITING, {"id": preservation})).one_or_none()


async def settle(connection: AsyncConnection, change: UUID, *, confirmed: bool, actor: UUID) -> None:
    """Settle a change that waits."""
    await connection.execute(_SETTLE, {"id": change, "confirmed": confirmed, "actor": actor})


async def move(connection: AsyncConnection, preservation: UUID, until: Any) -> None:
    """Give a locked preservation another end."""
    await connection.execute(_MOVE, {"id": preservation, "until": until})


async def end(connection: AsyncConnection, preservation: UUID) -> None:
    """End a locked preservation: its files may be removed, where nothing else names them."""
    await connection.execute(_END, {"id": preservation})
    await connection.execute(_LET_GO, {"id": preservation})


async def tell_endings(connection: AsyncConnection, *, days: int) -> int:
    """Tell once of each end that is so near; returns of how many."""
    return len(await fetch(connection, _TELL, {"days": days}))
