"""SQL of tuning: which open cases two orders are compared on."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

# Four lots, each by its own index; a case may be in several.
_CHOSEN = text("""
    WITH chosen AS (
        (SELECT id FROM cases WHERE queue = :queue AND status = 'open' ORDER BY rank_value DESC, id LIMIT :front)
        UNION
        (SELECT id FROM cases WHERE queue = :queue AND status = 'open' ORDER BY start_by, id LIMIT :other)
        UNION
        (SELECT id FROM cases WHERE queue = :queue AND status = 'open' ORDER BY opened_at LIMIT :other)
        UNION
        (SELECT id FROM cases WHERE queue = :queue AND status = 'open' ORDER BY draw, id LIMIT :other)
    )
    SELECT c.id, c.rank_value, c.start_by, c.deadline, extract(epoch FROM now() - c.opened_at)::float8 AS wait_seconds,
           c.rank -> 'areas' -> 0 ->> 'area' AS area, c.rank -> 'severity' AS severity,
           coalesce((c.rank ->> 'harm_rate')::float8, 0) AS harm_per_hour,
           coalesce((c.rank ->> 'handling_minutes')::float8, 0) AS minutes,
           coalesce((c.rank ->> 'scored')::boolean, false) AS scored
    FROM cases c JOIN chosen ON chosen.id = c.id
""")
_OPEN = text("SELECT count(*) FROM cases WHERE queue = :queue AND status = 'open'")


async def chosen(connection: AsyncConnection, queue: str, *, front: int, other: int) -> Sequence[Row[Any]]:
    """Open cases of the queue as they stand: the `front` first by value, and `other` each of those due next, of the longest
    waiting, and drawn at random.
    """
    return (await connection.execute(_CHOSEN, {"queue": queue, "front": front, "other": other})).all()


async def count(connection: AsyncConnection, queue: str) -> int:
    """How many cases of the queue are open."""
    return int((await connection.execute(_OPEN, {"queue": queue})).scalar_one())
