"""SQL of intake: one statement takes subject, evidence, case, report and event in together."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.db import fetch_one

_REMEMBER = text("""
    INSERT INTO idempotency_keys (principal_id, key, request_hash, report_id)
    VALUES (:principal_id, :key, :request_hash, :report_id) ON CONFLICT DO NOTHING RETURNING report_id
""")
_REMEMBERED = text("""
    SELECT k.request_hash, r.id AS report_id, r.case_id, r.case_status
    FROM idempotency_keys k LEFT JOIN reports r ON r.id = k.report_id
    WHERE k.principal_id = :principal_id AND k.key = :key
""")
TAKE_IN_SQL = """
    WITH subject AS (
        INSERT INTO subjects (id, external_id, kind, author_id, created_at, views_per_hour, market, sample)
        VALUES (:subject_id, :external_id, :kind, :author_id, :created_at, coalesce(:views_per_hour, 0), :market, :sample)
        ON CONFLICT (kind, external_id) DO UPDATE
            SET author_id = coalesce(EXCLUDED.author_id, subjects.author_id),
                created_at = coalesce(EXCLUDED.created_at, subjects.created_at),
                market = coalesce(EXCLUDED.market, subjects.market),
                views_per_hour = coalesce(:views_per_hour, subjects.views_per_hour)
        RETURNING id
    ), snapshot AS (
        -- Where nothing changes, the update makes an existing row come back, and locks it.
        -- What a special route brings is read by people alone.
        INSERT INTO evidence (id, subject_id, content_hash, text, language, score_state)
        SELECT :evidence_id, id, :content_hash, :text, :language,
               CASE WHEN CAST(:special AS text) IS NULL THEN 'waiting' ELSE 'bypassed' END FROM subject
        ON CONFLICT (subject_id, content_hash) DO UPDATE SET score_state = CASE
            WHEN evidence.score_state = 'waiting' THEN EXCLUDED.score_state ELSE evidence.score_state END
        RETURNING id, score IS NOT NULL AS scored
    ), review AS (
        INSERT INTO cases (id, subject_id, evidence_id, queue, scope_id, status, opened_at, rank_value, rank_base, rank,
                           ranked_under, views_per_hour, deadline, start_by, flags, special, routed_by, route_reason,
                           sample)
        SELECT :case_id, subject.id, snapshot.id, :queue,
               case_scope(:queue, :scope_language, :high_exposure, :consent_area), 'open', :received_at, :rank_value,
               :rank_base, CAST(:rank AS jsonb), :ranked_under, coalesce(:views_per_hour, 0), :deadline, :start_by,
               CAST(:flags AS text[]), :special, :routed_by, :route_reason, :sample
        FROM subject, snapshot
        ON CONFLICT (subject_id) WHERE status <> 'decided' DO UPDATE
            SET report_count = cases.report_count + 1, evidence_id = EXCLUDED.evidence_id,
                flags = (SELECT coalesce(array_agg(DISTINCT one ORDER BY one), '{}')
                         FROM unnest(cases.flags || EXCLUDED.flags) AS one),
                -- Of two special routes the more pressing one.
                special = (CAST(:special_routes AS text[]))[least(
                    array_position(CAST(:special_routes AS text[]), cases.special),
                    array_position(CAST(:special_routes AS text[]), EXCLUDED.special))],
                -- A real report makes a sample case real: removing the samples must not take it along.
                sample = cases.sample AND EXCLUDED.sample
        RETURNING id, status, evidence_id
    ), report AS (
        INSERT INTO reports (id, case_id, evidence_id, channel, reason, note, reporter_id, received_from, received_at,
                             flags, case_status)
        SELECT :report_id, id, evidence_id, :channel, :reason, :note, :reporter_id, :received_from, :received_at,
               CAST(:flags AS text[]), status
        FROM review
    ), logged AS (
        INSERT INTO events (kind, case_id, actor, data)
        SELECT CASE WHEN id = :case_id THEN 'case.opened' ELSE 'case.reported_again' END, id, :received_from,
               jsonb_build_object('report', CAST(:report_id AS text), 'channel', CAST(:channel AS text))
        FROM review
    )
    SELECT review.id AS case_id, review.status, review.evidence_id, snapshot.scored FROM review, snapshot
"""
_TAKE_IN = text(TAKE_IN_SQL)
_ATTACH = text("""
    INSERT INTO evidence_media (evidence_id, position, media_id)
    SELECT :evidence_id, position, media_id
    FROM unnest(CAST(:media AS uuid[])) WITH ORDINALITY AS named (media_id, position)
    ON CONFLICT DO NOTHING
""")
_ADD_CLOCK = text("""
    INSERT INTO clocks (id, case_id, kind, basis, due_at, set_by)
    VALUES (:id, :case_id, :kind, :basis, :due_at, :set_by)
""")


async def remember(
    connection: AsyncConnection, *, principal_id: UUID, key: str, request_hash: bytes, report_id: UUID
) -> bool:
    """Take an idempotency key; False when it was taken before. Waits for a call that is taking it right now."""
    values = {"principal_id": principal_id, "key": key, "request_hash": request_hash, "report_id": report_id}
    return await fetch_one(connection, _REMEMBER, values) is not None


async def remembered(connection: AsyncConnection, *, principal_id: UUID, key: str) -> Row[Any] | None:
    """What the key was used for: (request_hash, report_id, case_id, case_status)."""
    return (await connection.execute(_REMEMBERED, {"principal_id": principal_id, "key": key})).one_or_none()


async def take_in(connection: AsyncConnection, values: dict[str, Any]) -> Any:
    """Store one report whole; returns (case_id, status, evidence_id, scored)."""
    return await fetch_one(connection, _TAKE_IN, values)


async def attach(connection: AsyncConnection, *, evidence_id: UUID, media: Sequence[UUID]) -> None:
    """Tie media to an evidence snapshot, in order."""
    await connection.execute(_ATTACH, {"evidence_id": evidence_id, "media": list(media)})


async def add_clock(connection: AsyncConnection, values: dict[str, Any]) -> None:
    """Start the clock that came with a report."""
    await connection.execute(_ADD_CLOCK, values)
