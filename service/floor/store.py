"""SQL of the floor: how long what is open waits, what comes and is done, clocks that run, and who is at work."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

# To sort the ages of a hundred thousand cases takes longer than to count them: of more than `most` the shares are those of
# `most` taken by the lottery's number, which has nothing to do with age. The end that is drawn last.
_OPEN = text("""
    WITH counted AS (
        SELECT queue, count(*) AS open, min(opened_at) AS first FROM cases
        WHERE status = 'open' AND queue = ANY (CAST(:queues AS text[])) GROUP BY queue
    )
    SELECT k.queue, k.open, extract(epoch FROM now() - k.first)::float8 AS oldest,
           percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY extract(epoch FROM now() - c.opened_at)) AS ages
    FROM counted k JOIN cases c ON c.queue = k.queue
    WHERE c.status = 'open' AND c.queue = ANY (CAST(:queues AS text[])) AND c.draw >= 1 - CAST(:most AS float8) / k.open
    GROUP BY k.queue, k.open, k.first
""")
_CAME = text("""
    SELECT queue, count(*) FILTER (WHERE opened_at > now() - interval '1 hour') AS hour, count(*) AS shift,
           count(deadline) AS clocked,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM deadline - opened_at) / 3600)
               FILTER (WHERE deadline IS NOT NULL) AS allowance_hours
    FROM cases WHERE opened_at > now() - make_interval(hours => :shift) AND queue = ANY (CAST(:queues AS text[]))
    GROUP BY queue
""")
_DONE = text("""
    SELECT c.queue, count(*) FILTER (WHERE d.decided_at > now() - interval '1 hour') AS hour, count(*) AS shift
    FROM decisions d JOIN cases c ON c.id = d.case_id
    WHERE d.decided_at > now() - make_interval(hours => :shift) AND c.queue = ANY (CAST(:queues AS text[]))
      AND NOT EXISTS (SELECT FROM decision_undos u WHERE u.decision_id = d.id)
    GROUP BY c.queue
""")
_CLOCKS = text("""
    SELECT queue, deadline FROM cases
    WHERE status IN ('open', 'leased', 'held') AND deadline IS NOT NULL AND queue = ANY (CAST(:queues AS text[]))
      AND deadline >= now() AND deadline < now() + make_interval(hours => :horizon)
    ORDER BY deadline LIMIT :most
""")
_OVERDUE = text("""
    SELECT queue, count(*) AS cases FROM cases
    WHERE status IN ('open', 'leased', 'held') AND deadline < now() AND queue = ANY (CAST(:queues AS text[]))
    GROUP BY queue
""")
_HANDS = text("""
    SELECT queue, count(DISTINCT lease_holder) AS people FROM cases
    WHERE status = 'leased' AND lease_expires_at > now() AND queue = ANY (CAST(:queues AS text[])) GROUP BY queue
""")
# Back from what is open now: what was opened since is taken away, what was closed since is added.
_DEPTHS = text("""
    WITH hours AS (
        SELECT date_trunc('hour', now(), 'UTC') - make_interval(hours => step) AS at FROM generate_series(0, :hours - 1) AS step
        UNION SELECT now()
    ), moves AS (
        SELECT queue, date_trunc('hour', opened_at, 'UTC') AS hour, 1 AS change FROM cases
        WHERE opened_at > now() - make_interval(hours => :hours) AND queue = ANY (CAST(:queues AS text[]))
        UNION ALL
        SELECT c.queue, date_trunc('hour', c.decided_at, 'UTC'), -1 FROM decisions d JOIN cases c ON c.id = d.case_id
        WHERE d.decided_at > now() - make_interval(hours => :hours) AND c.status = 'decided' AND c.decided_at = d.decided_at
          AND c.queue = ANY (CAST(:queues AS text[]))
        UNION ALL
        SELECT queue, date_trunc('hour', shed_at, 'UTC'), -1 FROM cases
        WHERE status = 'shed' AND shed_at > now() - make_interval(hours => :hours) AND queue = ANY (CAST(:queues AS text[]))
    ), summed AS (
        SELECT queue, hour, sum(change) AS change FROM moves GROUP BY queue, hour
    ), undecided AS (
        SELECT queue, count(*) AS cases FROM cases
        WHERE status IN ('open', 'leased', 'held') AND queue = ANY (CAST(:queues AS text[])) GROUP BY queue
    )
    SELECT q.queue, h.at, (coalesce(u.cases, 0) - coalesce(sum(m.change), 0))::int AS cases
    FROM unnest(CAST(:queues AS text[])) AS q (queue) CROSS JOIN hours h LEFT JOIN undecided u ON u.queue = q.queue
    LEFT JOIN summed m ON m.queue = q.queue AND m.hour >= h.at
    GROUP BY q.queue, h.at, u.cases ORDER BY q.queue, h.at
""")
_PEOPLE = text("""
    WITH at_work AS (
        SELECT lease_holder AS id FROM cases WHERE status = 'leased' AND lease_expires_at > now()
        UNION
        SELECT decided_by FROM decisions WHERE decided_at > now() - make_interval(mins => :minutes)
    ), signed_in AS (
        SELECT s.principal_id AS id FROM sessions s JOIN principals p ON p.id = s.principal_id
        WHERE s.revoked_at IS NULL AND s.expires_at > now() AND s.used_at > now() - make_interval(mins => :idle)
          AND p.active AND p.role = ANY (CAST(:roles AS text[]))
        UNION
        SELECT id FROM at_work
    )
    SELECT count(*) AS signed_in, count(*) FILTER (WHERE id IN (SELECT id FROM at_work)) AS working,
           count(*) FILTER (WHERE EXISTS (
               SELECT FROM breaks b WHERE b.principal_id = signed_in.id AND b.ended_at IS NULL
                 AND b.started_at > now() - interval '4 hours'
                 AND NOT EXISTS (SELECT FROM decisions d WHERE d.decided_by = b.principal_id AND d.decided_at > b.started_at)
           )) AS on_break
    FROM signed_in
""")
_LATEST = text("SELECT coalesce(max(id), 0) FROM events")


async def waiting(connection: AsyncConnection, queues: Sequence[str], *, most: int) -> dict[str, Row[Any]]:
    """(open, oldest, ages) by queue: seconds that the oldest has waited, and that half and nine of ten have at most.

    The last two are measured on about `most` cases, where there are more.
    """
    return {row.queue: row for row in await connection.execute(_OPEN, {"queues": list(queues), "most": most})}


async def came(connection: AsyncConnection, queues: Sequence[str], *, shift: int) -> dict[str, Row[Any]]:
    """(hour, shift, clocked, allowance_hours) by queue: cases opened in the last hour and the last `shift` hours."""
    return {row.queue: row for row in await connection.execute(_CAME, {"queues": list(queues), "shift": shift})}


async def done(connection: AsyncConnection, queues: Sequence[str], *, shift: int) -> dict[str, Row[Any]]:
    """(hour, shift) by queue: decisions that stand, of the last hour and the last `shift` hours."""
    return {row.queue: row for row in await connection.execute(_DONE, {"queues": list(queues), "shift": shift})}


async def clocks(
    connection: AsyncConnection, queues: Sequence[str], *, horizon: float, most: int
) -> Sequence[Row[Any]]:
    """(queue, deadline) of undecided cases whose deadline comes within `horizon` hours, the nearest first."""
    values = {"queues": list(queues), "horizon": int(horizon), "most": most}
    return (await connection.execute(_CLOCKS, values)).all()


async def overdue(connection: AsyncConnection, queues: Sequence[str]) -> dict[str, int]:
    """By queue, undecided cases beyond their deadline."""
    return {row.queue: row.cases for row in await connection.execute(_OVERDUE, {"queues": list(queues)})}


async def hands(connection: AsyncConnection, queues: Sequence[str]) -> dict[str, int]:
    """How many people have a case of each queue in hand."""
    return {row.queue: row.people for row in await connection.execute(_HANDS, {"queues": list(queues)})}


async def depths(connection: AsyncConnection, queues: Sequence[str], *, hours: int) -> Sequence[Row[Any]]:
    """(queue, at, cases) at each full hour: how many were undecided and not given up, by the queue they are in now."""
    return (await connection.execute(_DEPTHS, {"queues": list(queues), "hours": hours})).all()


async def people(connection: AsyncConnection, roles: Sequence[str], *, minutes: int, idle: int) -> Row[Any]:
    """(signed_in, working, on_break): people, with those who decided something in the last `minutes` at work.

    A session that nobody has used for `idle` minutes is over.
    """
    return (await connection.execute(_PEOPLE, {"roles": list(roles), "minutes": minutes, "idle": idle})).one()


async def latest(connection: AsyncConnection) -> int:
    """The number of the newest event: another one as soon as anything has changed."""
    return int((await connection.execute(_LATEST)).scalar_one())
