"""SQL of queues: how much waits, and what comes next."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_COUNTS = text("""
    SELECT queue AS name, count(*) FILTER (WHERE status = 'open') AS open,
           extract(epoch FROM now() - min(opened_at) FILTER (WHERE status = 'open'))::float AS oldest_seconds
    FROM cases WHERE status <> 'decided' GROUP BY queue
""")
# Whatever the guard serves now, then by rank: the first of each by its own index.
_UPCOMING = text("""
    WITH front AS (
        (SELECT id, 1 AS lane, start_by, rank_value FROM cases
         WHERE queue = :queue AND status = 'open' AND start_by <= now() AND deadline IS NOT NULL
         ORDER BY start_by, id LIMIT :limit)
        UNION ALL
        (SELECT id, 2, start_by, rank_value FROM cases
         WHERE queue = :queue AND status = 'open' AND start_by <= now() AND deadline IS NULL
         ORDER BY start_by, id LIMIT :limit)
        UNION ALL
        (SELECT id, 3, NULL, rank_value FROM cases WHERE queue = :queue AND status = 'open' AND start_by > now()
         ORDER BY rank_value DESC, id LIMIT :limit)
    )
    SELECT c.id, c.rank, c.views_per_hour AS live_views, c.report_count, s.kind, s.views_per_hour,
           e.score ->> 'primary_area' AS primary_area, e.language,
           (SELECT count(*) FROM evidence_media m WHERE m.evidence_id = c.evidence_id) AS pictures,
           (SELECT r.reason FROM reports r WHERE r.case_id = c.id ORDER BY r.received_at LIMIT 1) AS reason
    FROM front JOIN cases c ON c.id = front.id
    JOIN subjects s ON s.id = c.subject_id JOIN evidence e ON e.id = c.evidence_id
    ORDER BY front.lane, front.start_by, front.rank_value DESC, c.id LIMIT :limit
""")


async def counts(connection: AsyncConnection) -> Sequence[Row[Any]]:
    """(name, open, oldest_seconds) of every queue that holds undecided cases."""
    return (await connection.execute(_COUNTS)).all()


async def upcoming(connection: AsyncConnection, queue: str, *, limit: int) -> Sequence[Row[Any]]:
    """The next cases in order, without their content."""
    return (await connection.execute(_UPCOMING, {"queue": queue, "limit": limit})).all()
