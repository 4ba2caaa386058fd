"""SQL of intake: one statement takes subject, evidence, case, report and event in together."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.db import Question, fetch_one, fetch_together

_REMEMBER = text("""
    INSERT INTO idempotency_keys (principal_id, key, request_hash, report_id)
    VALUES (:principal_id, :key, :request_hash, :report_id) ON CONFLICT DO NOTHING RETURNING report_id
""")
_REMEMBERED = text("""
    SELECT k.request_hash, r.id AS report_id, r.case_id, r.case_status
    FROM idempotency_keys k LEFT JOIN reports r ON r.id = k.report_id
    WHERE k.principal_id = :principal_id AND k.key = :key
""")
# It opens a case for a subject that it has just added, and joins a case that is not decided. For anything else it needs
# to be told, by `open_again` or `attach_to`, and the subject's row, which it has locked by then, keeps that true.
TAKE_IN_SQL = """
    WITH subject AS (
        INSERT INTO subjects (id, external_id, kind, author_id, created_at, views_per_hour, views_at, market, sample)
        VALUES (:subject_id, :external_id, :kind, :author_id, :created_at,
                coalesce(CAST(:views_per_hour AS float8), 0),
                CASE WHEN CAST(:views_per_hour AS float8) IS NOT NULL THEN CAST(:received_at AS timestamptz) END,
                :market, :sample)
        ON CONFLICT (kind, external_id) DO UPDATE
            SET author_id = coalesce(EXCLUDED.author_id, subjects.author_id),
                created_at = coalesce(EXCLUDED.created_at, subjects.created_at),
                market = coalesce(EXCLUDED.market, subjects.market),
                views_per_hour = coalesce(CAST(:views_per_hour AS float8), subjects.views_per_hour),
                views_at = coalesce(EXCLUDED.views_at, subjects.views_at)
        RETURNING id
    ), snapshot AS (
        -- Where nothing changes, the update makes an existing row come back, and locks it.
        -- What a special route brings is read by people alone.
        INSERT INTO evidence (id, subject_id, content_hash, text, language, score_state)
        SELECT :evidence_id, id, :content_hash, :text, :language,
               -- Nor does a model see what is said anew in a case that came by one.
               CASE WHEN CAST(:special AS text) IS NULL AND NOT EXISTS (
                   SELECT FROM cases c WHERE c.subject_id = subject.id AND c.status <> 'decided' AND c.special IS NOT NULL
               ) THEN 'waiting' ELSE 'bypassed' END FROM subject
        ON CONFLICT (subject_id, content_hash) DO UPDATE SET
            language = coalesce(evidence.language, EXCLUDED.language),
            score_state = CASE WHEN evidence.score_state = 'waiting' THEN EXCLUDED.score_state ELSE evidence.score_state END
        RETURNING id, score IS NOT NULL AS scored
    ), unseen AS (
        -- Waits for its fingerprint.
        INSERT INTO text_prints (evidence_id) SELECT id FROM snapshot WHERE id = :evidence_id AND :text <> ''
        ON CONFLICT DO NOTHING
    ), waiting AS MATERIALIZED (
        -- The evidence first, the case second: the order in which scores lock them too.
        SELECT c.id, c.status FROM subject CROSS JOIN snapshot JOIN cases c ON c.subject_id = subject.id
        WHERE c.status <> 'decided' FOR NO KEY UPDATE OF c
    ), joined AS (
        UPDATE cases SET report_count = report_count + 1, evidence_id = snapshot.id,
               -- What was given up and is asked for again is not given up a second time.
               flags = (SELECT coalesce(array_agg(DISTINCT one ORDER BY one), '{}')
                        FROM unnest(flags || CAST(:flags AS text[])
                                    || CASE cases.status WHEN 'shed' THEN ARRAY['kept'] ELSE '{}' END) AS one),
               -- Of two special routes the more pressing one.
               special = (CAST(:special_routes AS text[]))[least(
                   array_position(CAST(:special_routes AS text[]), special),
                   array_position(CAST(:special_routes AS text[]), CAST(:special AS text)))],
               -- What was given up as unlikely to matter is asked for again: it returns to its queue. By the row's own
               -- status, since constraints are checked on the row as it was before the lock, too.
               -- A special route waits for nobody who keeps the case back.
               status = CASE WHEN cases.status = 'shed' OR (cases.status = 'held' AND CAST(:special AS text) IS NOT NULL)
                   THEN 'open' ELSE cases.status END,
               held_until = CASE WHEN CAST(:special AS text) IS NULL THEN held_until END,
               shed_at = NULL, shed_under = NULL,
               -- A real report makes a sample case real: removing the samples must not take it along.
               sample = sample AND :sample
        FROM waiting, snapshot WHERE cases.id = waiting.id
        RETURNING cases.id, cases.status, waiting.status = 'shed' AS unshed
    ), opened AS (
        INSERT INTO cases (id, subject_id, evidence_id, queue, scope_id, status, opened_at, rank_value, rank_base, rank,
                           ranked_under, views_per_hour, deadline, start_by, flags, special, routed_by, route_reason,
                           sample)
        SELECT :case_id, subject.id, snapshot.id, :queue,
               case_scope(:queue, :scope_language, :high_exposure, :consent_area), 'open', :received_at, :rank_value,
               :rank_base, CAST(:rank AS jsonb), :ranked_under, coalesce(CAST(:views_per_hour AS float8), 0), :deadline,
               :start_by, CAST(:flags AS text[]), :special, :routed_by, :route_reason, :sample
        FROM subject, snapshot WHERE subject.id = :subject_id OR CAST(:open_again AS text) IS NOT NULL
        RETURNING id, status
    ), attached AS (
        UPDATE cases SET report_count = report_count + 1 WHERE id = :attach_to AND status = 'decided'
        RETURNING id, status
    ), review AS (
        SELECT id, status, unshed, 'case.reported_again' AS event FROM joined
        UNION ALL SELECT id, status, false, 'case.opened' FROM opened
        UNION ALL SELECT id, status, false, 'case.reported_after_decision' FROM attached
    ), report AS (
        INSERT INTO reports (id, case_id, evidence_id, channel, reason, note, reporter_id, received_from, received_at,
                             flags, case_status)
        SELECT :report_id, review.id, snapshot.id, :channel, :reason, :note, :reporter_id, :received_from, :received_at,
               CAST(:flags AS text[]), status
        FROM review, snapshot
    ), logged AS (
        INSERT INTO events (kind, case_id, actor, data)
        SELECT event, id, :received_from, jsonb_strip_nulls(jsonb_build_object(
            'report', CAST(:report_id AS text), 'channel', CAST(:channel AS text), 'because', CAST(:open_again AS text)))
        FROM review
        UNION ALL
        SELECT 'case.unshed', id, :received_from, jsonb_build_object('because', 'report') FROM review WHERE unshed
    )
    SELECT review.id AS case_id, review.status, subject.id AS subject_id, snapshot.id AS evidence_id, snapshot.scored,
           review.unshed
    FROM subject CROSS JOIN snapshot LEFT JOIN review ON true
"""
_TAKE_IN = text(TAKE_IN_SQL)
_ATTACH = text("""
    INSERT INTO evidence_media (evidence_id, position, media_id)
    SELECT :evidence_id, position, media_id
    FROM unnest(CAST(:media AS uuid[])) WITH ORDINALITY AS named (media_id, position)
    ON CONFLICT DO NOTHING
""")
# The subject's row is locked: nobody opens, reopens or reports meanwhile. A decision that is being made is waited for.
_LATEST = text("""
    SELECT id, status, sample FROM cases WHERE subject_id = :subject_id
    ORDER BY status <> 'decided' DESC, decided_at DESC NULLS LAST, opened_at DESC, id LIMIT 1 FOR NO KEY UPDATE
""")
# A reporter counts once; one without a name counts as somebody else each time. The counts are cut off, so that the
# answer costs no more when a hundred thousand report.
_WHY_AGAIN = text("""
    WITH standing AS (
        SELECT d.evidence_id, d.decided_at, d.actions && CAST(:enforcing AS text[]) AS enforced
        FROM decisions d WHERE d.case_id = :case_id AND NOT EXISTS (SELECT FROM decision_undos WHERE decision_id = d.id)
        ORDER BY d.decided_at DESC LIMIT 1
    ), earlier AS (
        SELECT r.reason FROM cases c JOIN reports r ON r.case_id = c.id
        WHERE c.subject_id = :subject_id AND r.evidence_id = :evidence_id
    ), named AS (
        SELECT d.policy_area FROM cases c JOIN decisions d ON d.case_id = c.id
        WHERE c.subject_id = :subject_id AND d.evidence_id = :evidence_id
          AND NOT EXISTS (SELECT FROM decision_undos WHERE decision_id = d.id)
    ), author AS (
        SELECT author_id FROM subjects WHERE id = :subject_id
    ), late AS (
        SELECT coalesce(r.reporter_id, CAST(r.id AS text)) AS who FROM standing
        CROSS JOIN LATERAL (
            SELECT * FROM reports WHERE case_id = :case_id AND received_at > standing.decided_at
              AND received_at > CAST(:received_at AS timestamptz) - make_interval(hours => :hours)
            ORDER BY received_at DESC LIMIT :most_late
        ) AS r
        WHERE r.channel <> 'automated' AND r.reporter_id IS DISTINCT FROM (SELECT author_id FROM author)
        UNION
        SELECT coalesce(CAST(:reporter_id AS text), CAST(:report_id AS text))
        WHERE :channel <> 'automated' AND CAST(:reporter_id AS text) IS DISTINCT FROM (SELECT author_id FROM author)
    ), before AS (
        SELECT count(DISTINCT coalesce(r.reporter_id, CAST(r.id AS text))) AS people FROM standing
        CROSS JOIN LATERAL (
            SELECT * FROM reports WHERE case_id = :case_id AND received_at <= standing.decided_at
              AND received_at > standing.decided_at - make_interval(hours => :hours)
            ORDER BY received_at DESC LIMIT :most_before
        ) AS r
        WHERE r.channel <> 'automated' AND r.reporter_id IS DISTINCT FROM (SELECT author_id FROM author)
    )
    SELECT CASE
        WHEN standing.evidence_id <> :evidence_id THEN 'content_changed'
        WHEN :reason = ANY (CAST(:areas AS text[])) AND :reason NOT IN (SELECT policy_area FROM named)
             AND NOT EXISTS (SELECT FROM earlier WHERE reason = :reason) THEN 'new_area'
        WHEN CAST(:special AS text) IS NOT NULL AND (:special = :each OR NOT EXISTS (
            SELECT FROM cases WHERE subject_id = :subject_id AND special = :special AND evidence_id = :evidence_id
        )) THEN 'special_route'
        WHEN :channel = ANY (CAST(:trusted AS text[])) AND NOT standing.enforced THEN 'trusted_channel'
        WHEN (SELECT count(*) FROM late) > greatest(:least, :factor * (SELECT people FROM before)) THEN 'more_reporters'
    END AS why
    FROM (VALUES (1)) AS one LEFT JOIN standing ON true
""")


async def remember(
    connection: AsyncConnection, *, principal_id: UUID, key: str, hashed: tuple[UUID, bytes], then: Question
) -> tuple[bool, Any]:
    """Take an idempotency key for a (report, hash of its body); False when it was taken before.

    Waits for a call that is taking it right now. With it comes the first row of what is asked `then`.
    """
    report_id, request_hash = hashed
    values = {"principal_id": principal_id, "key": key, "request_hash": request_hash, "report_id": report_id}
    taken, seen = await fetch_together(connection, (_REMEMBER, values), then)
    return bool(taken), seen[0]


async def remembered(connection: AsyncConnection, *, principal_id: UUID, key: str) -> Row[Any] | None:
    """What the key was used for: (request_hash, report_id, case_id, case_status)."""
    return (await connection.execute(_REMEMBERED, {"principal_id": principal_id, "key": key})).one_or_none()


async def take_in(
    connection: AsyncConnection,
    values: dict[str, Any],
    *,
    open_again: str | None = None,
    attach_to: UUID | None = None,
) -> Any:
    """Store one report whole; (case_id, status, subject_id, evidence_id, scored).

    Without a case_id the subject's last case is decided, and nothing but subject and evidence is stored: the caller, who
    now holds the subject, says whether another case is opened, and why, or which decided one the report is put with.
    """
    return await fetch_one(connection, _TAKE_IN, {**values, "open_again": open_again, "attach_to": attach_to})


async def latest_case(connection: AsyncConnection, subject_id: UUID) -> Row[Any] | None:
    """(id, status, sample) of the subject's undecided case, else of the one decided last, locked."""
    return (await connection.execute(_LATEST, {"subject_id": subject_id})).one_or_none()


async def why_again(connection: AsyncConnection, values: dict[str, Any]) -> str | None:
    """What in a report asks for another look at a decided case; None for nothing."""
    why: str | None = (await connection.execute(_WHY_AGAIN, values)).scalar_one()
    return why


async def attach(connection: AsyncConnection, *, evidence_id: UUID, media: Sequence[UUID]) -> None:
    """Tie media to an evidence snapshot, in order."""
    await connection.execute(_ATTACH, {"evidence_id": evidence_id, "media": list(media)})
