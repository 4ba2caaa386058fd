"""SQL of packages for authorities: facts, hashes, times and ids of a record. No bytes of media, and nobody of the staff."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_ITEMS = text("""
    SELECT c.id AS case_id, s.kind, s.external_id, s.author_id, s.created_at, c.opened_at, c.decided_at,
           (SELECT count(*) FROM reports r WHERE r.case_id = c.id) AS reports,
           (SELECT min(r.received_at) FROM reports r WHERE r.case_id = c.id) AS first_report_at,
           (SELECT coalesce(jsonb_agg(jsonb_build_object(
                'id', e.id, 'captured_at', e.captured_at, 'content_sha256', encode(e.content_hash, 'hex'),
                'language', e.language,
                'media', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                              'id', m.id, 'kind', m.kind, 'mime', m.mime, 'bytes', m.bytes, 'sha256', encode(m.sha256, 'hex'),
                              'uploaded_at', m.uploaded_at) ORDER BY x.position), '[]')
                          FROM evidence_media x JOIN media m ON m.id = x.media_id WHERE x.evidence_id = e.id)
            ) ORDER BY e.captured_at, e.id), '[]') FROM evidence e WHERE e.subject_id = s.id) AS evidence,
           (SELECT coalesce(jsonb_agg(jsonb_build_object('at', d.decided_at, 'actions', d.actions, 'area', d.policy_area,
                                                         'severity', d.severity) ORDER BY d.decided_at), '[]')
            FROM decisions d WHERE d.case_id = c.id
              AND NOT EXISTS (SELECT FROM decision_undos u WHERE u.decision_id = d.id)) AS decisions
    FROM escalation_links l JOIN cases c ON c.id = l.case_id JOIN subjects s ON s.id = c.subject_id
    WHERE l.escalation_id = :escalation AND l.ended_at IS NULL ORDER BY l.added_at, c.id
""")
_ATTACHMENTS = text("""
    SELECT m.id, m.kind, m.mime, m.bytes, encode(m.sha256, 'hex') AS sha256, a.added_at
    FROM escalation_attachments a JOIN media m ON m.id = a.media_id WHERE a.escalation_id = :escalation
    ORDER BY a.added_at, m.id
""")
_PRESERVED = text("""
    SELECT scope, basis, starts_at, until FROM preservations WHERE escalation_id = :escalation AND ended_at IS NULL
    ORDER BY starts_at, id
""")
_ADD = text("""
    INSERT INTO hand_off_packages (id, escalation_id, kind, body, sha256, made_by)
    VALUES (:id, :escalation, :kind, CAST(:body AS jsonb), :sha256, :actor)
""")
_SELECT = """
    SELECT k.id, k.escalation_id, e.number, k.kind, m.username AS made_by, k.made_at, k.sha256, k.body,
           CASE WHEN f.package_id IS NOT NULL THEN jsonb_build_object(
               'filed_on', f.filed_on, 'filed_with', f.filed_with, 'reference', f.reference, 'entered_by', w.username,
               'entered_at', f.entered_at) END AS filing
    FROM hand_off_packages k JOIN escalations e ON e.id = k.escalation_id JOIN principals m ON m.id = k.made_by
    LEFT JOIN hand_off_filings f ON f.package_id = k.id LEFT JOIN principals w ON w.id = f.entered_by
"""
_OF_RECORD = text(f"{_SELECT} WHERE k.escalation_id = :escalation ORDER BY k.made_at DESC, k.id LIMIT 50")
_GET = text(f"{_SELECT} WHERE k.id = :id AND k.escalation_id = :escalation")
_FILE = text("""
    INSERT INTO hand_off_filings (package_id, filed_on, filed_with, reference, entered_by)
    VALUES (:package, :filed_on, :filed_with, :reference, :actor) ON CONFLICT DO NOTHING RETURNING package_id
""")


async def items(connection: AsyncConnection, escalation: UUID) -> Sequence[Row[Any]]:
    """What the cases of a record are about, with the hashes of all evidence."""
    return (await connection.execute(_ITEMS, {"escalation": escalation})).all()


async def attachments(connection: AsyncConnection, escalation: UUID) -> Sequence[Row[Any]]:
    """Media that came with a record."""
    return (await connection.execute(_ATTACHMENTS, {"escalation": escalation})).all()


async def preserved(connection: AsyncConnection, escalation: UUID) -> Sequence[Row[Any]]:
    """What is preserved for a record."""
    return (await connection.execute(_PRESERVED, {"escalation": escalation})).all()


async def add(connection: AsyncConnection, values: Mapping[str, Any], *, body: Mapping[str, Any]) -> None:
    """Keep a package word for word."""
    await connection.execute(_ADD, {**values, "body": json.dumps(body, ensure_ascii=False)})


async def of_record(connection: AsyncConnection, escalation: UUID) -> Sequence[Row[Any]]:
    """The packages of a record, newest first."""
    return (await connection.execute(_OF_RECORD, {"escalation": escalation})).all()


async def package(connection: AsyncConnection, escalation: UUID, package: UUID) -> Row[Any] | None:
    """A package of that record."""
    return (await connection.execute(_GET, {"id": package, "escalation": escalation})).one_or_none()


async def file(connection: AsyncConnection, values: Mapping[str, Any]) -> bool:
    """Keep where a person filed it; False where that was entered already."""
    return (await connection.execute(_FILE, dict(values))).one_or_none() is not None
