"""SQL of the shadow: its own queue of texts, its scores, and what they would have changed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

# Newly scored texts since a moment. A transaction that began earlier may commit later: hence the overlap.
_ADD_NEW = text("""
    WITH found AS MATERIALIZED (
        SELECT id, scored_at FROM evidence
        WHERE score_state = 'scored' AND scored_at > CAST(:after AS timestamptz) - interval '2 minutes'
          AND NOT EXISTS (SELECT FROM shadow_scores s WHERE s.bundle = :bundle AND s.evidence_id = evidence.id)
        ORDER BY scored_at LIMIT :limit
    ), added AS (
        INSERT INTO shadow_scores (bundle, evidence_id) SELECT :bundle, id FROM found ON CONFLICT DO NOTHING
    )
    SELECT count(*) AS added, max(scored_at) AS until FROM found
""")
# Cases that were open before: without them the two orders could not be compared.
_ADD_OPEN = text("""
    INSERT INTO shadow_scores (bundle, evidence_id)
    SELECT :bundle, e.id FROM cases c JOIN evidence e ON e.id = c.evidence_id
    WHERE c.status = 'open' AND e.score_state = 'scored'
      AND NOT EXISTS (SELECT FROM shadow_scores s WHERE s.bundle = :bundle AND s.evidence_id = e.id)
    ORDER BY c.rank_value DESC LIMIT :limit
    ON CONFLICT DO NOTHING RETURNING evidence_id
""")
_TAKE = text("""
    WITH batch AS MATERIALIZED (
        SELECT evidence_id AS taken FROM shadow_scores
        WHERE bundle = :bundle AND state = 'waiting' AND (claimed_until IS NULL OR claimed_until < now())
        ORDER BY added_at LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE shadow_scores SET claimed_until = now() + make_interval(secs => :seconds)
    FROM batch, evidence
    WHERE shadow_scores.bundle = :bundle AND shadow_scores.evidence_id = batch.taken AND evidence.id = batch.taken
    RETURNING evidence.id, evidence.text, evidence.language
""")
_SAVE = text("""
    UPDATE shadow_scores
    SET state = CASE WHEN new.score IS NULL THEN 'failed' ELSE 'scored' END, score = CAST(new.score AS jsonb),
        rank_value = new.rank_value, case_id = new.case_id, reports = new.reports, rank_rules = :rules,
        scored_at = now(), claimed_until = NULL
    FROM unnest(CAST(:ids AS uuid[]), CAST(:scores AS text[]), CAST(:values AS float8[]), CAST(:cases AS uuid[]),
                CAST(:reports AS integer[])) AS new (id, score, rank_value, case_id, reports)
    WHERE shadow_scores.bundle = :bundle AND shadow_scores.evidence_id = new.id
""")
_COMPARED = text("""
    SELECT c.id, c.evidence_id, c.rank_value AS live, s.rank_value AS shadow,
           e.score ->> 'primary_area' AS live_area, s.score ->> 'primary_area' AS shadow_area,
           CASE WHEN s.case_id IS DISTINCT FROM c.id OR s.reports <> c.report_count OR s.rank_rules <> :rules
           THEN s.score END AS changed
    FROM cases c JOIN evidence e ON e.id = c.evidence_id
    JOIN shadow_scores s ON s.evidence_id = e.id AND s.bundle = :bundle AND s.state = 'scored'
    WHERE c.status = 'open' AND e.score_state = 'scored'
    ORDER BY c.id
""")
_AREAS = text("""
    SELECT one.key AS area, avg(abs(one.value::float8 - (s.score #>> ARRAY['areas', one.key])::float8)) AS difference,
           avg(one.value::float8) AS live, avg((s.score #>> ARRAY['areas', one.key])::float8) AS shadow
    FROM cases c JOIN evidence e ON e.id = c.evidence_id
    JOIN shadow_scores s ON s.evidence_id = e.id AND s.bundle = :bundle AND s.state = 'scored',
    jsonb_each_text(e.score -> 'areas') AS one
    WHERE c.status = 'open' AND e.score_state = 'scored' AND s.score -> 'areas' ? one.key
    GROUP BY one.key
""")
_COUNTS = text("""
    SELECT (SELECT count(*) FROM cases WHERE status = 'open') AS open,
           count(*) FILTER (WHERE state = 'waiting') AS waiting, count(*) FILTER (WHERE state = 'scored') AS scored,
           count(*) FILTER (WHERE state = 'failed') AS failed
    FROM shadow_scores WHERE bundle = :bundle
""")
_FORGET = text("""
    DELETE FROM shadow_scores WHERE (bundle, evidence_id) IN (
        SELECT bundle, evidence_id FROM shadow_scores WHERE added_at < now() - make_interval(days => :days) LIMIT :limit
    )
""")


async def add_new(
    connection: AsyncConnection, bundle: str, *, after: datetime, limit: int
) -> tuple[int, datetime | None]:
    """Queue texts that were scored since; returns how many were found, and when the last of them was scored."""
    row = (await connection.execute(_ADD_NEW, {"bundle": bundle, "after": after, "limit": limit})).one()
    return row.added, row.until


async def add_open(connection: AsyncConnection, bundle: str, *, limit: int) -> int:
    """Queue the texts of open cases, riskiest first; returns how many."""
    return len((await connection.execute(_ADD_OPEN, {"bundle": bundle, "limit": limit})).all())


async def take(connection: AsyncConnection, bundle: str, *, limit: int, seconds: int) -> Sequence[Row[Any]]:
    """Take waiting texts: (id, text). Others get them only once `seconds` have passed."""
    return (await connection.execute(_TAKE, {"bundle": bundle, "limit": limit, "seconds": seconds})).all()


async def save(connection: AsyncConnection, bundle: str, *, rows: Sequence[dict[str, Any]], rules: str) -> None:
    """Store what became of texts: {id, score (JSON text or None), rank_value, case_id, reports} of each."""
    columns = {
        name: [row[key] for row in rows]
        for name, key in (
            ("ids", "id"),
            ("scores", "score"),
            ("values", "rank_value"),
            ("cases", "case_id"),
            ("reports", "reports"),
        )
    }
    await connection.execute(_SAVE, {"bundle": bundle, "rules": rules, **columns})


async def compared(connection: AsyncConnection, bundle: str, *, rules: str) -> Sequence[Row[Any]]:
    """Open cases that both have scored: (id, evidence_id, live, shadow, live_area, shadow_area, changed).

    `live` and `shadow` are rank values; `changed` is the shadow's score where that of `shadow` is out of date.
    """
    return (await connection.execute(_COMPARED, {"bundle": bundle, "rules": rules})).all()


async def areas(connection: AsyncConnection, bundle: str) -> Sequence[Row[Any]]:
    """(area, difference, live, shadow): means over the open cases that both have scored."""
    return (await connection.execute(_AREAS, {"bundle": bundle})).all()


async def counts(connection: AsyncConnection, bundle: str) -> Row[Any]:
    """(open, waiting, scored, failed): open cases, and texts of the shadow by state."""
    return (await connection.execute(_COUNTS, {"bundle": bundle})).one()


async def forget(connection: AsyncConnection, *, days: int, limit: int) -> None:
    """Delete scores that are older."""
    await connection.execute(_FORGET, {"days": days, "limit": limit})
