"""SQL of shedding: how much comes and is done, giving cases up openly, and taking them back."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

# What a supervisor has taken back is not given up again.
KEPT = "kept"

_MINUTES = "(c.rank ->> 'handling_minutes')::float8"
_DUE = "c.status = 'open' AND c.deadline IS NULL AND c.start_by <= now()"
_DUE_QUEUES = text(f"SELECT DISTINCT c.queue FROM cases c WHERE {_DUE}")  # noqa: S608
# Ranks lie out of line, and reading a hundred thousand of them takes seconds: where there are more than `most`, the minutes
# of all are those of `most` taken by the lottery's number, which has nothing to do with them. The end that is drawn last.
_SAMPLED = "c.draw >= 1 - CAST(:most AS float8) / greatest(k.n, 1)"
_IN_QUEUES = "c.queue = ANY (CAST(:queues AS text[]))"
_WAITS = "c.status IN ('open', 'leased', 'held')"
# What is counted is counted first, and only what is measured is read again: so nothing of a hundred thousand cases is sorted.
# A queue is as old as its first case of two windows: longer than one is no difference.
_FLOWS = text(f"""
    WITH lately AS (
        SELECT c.queue, min(c.opened_at) AS first, count(*) FILTER (WHERE c.opened_at > now() - make_interval(secs => :seconds)) AS n
        FROM cases c WHERE {_IN_QUEUES} AND c.opened_at > now() - make_interval(secs => 2 * :seconds) GROUP BY c.queue
    ), came AS (
        SELECT c.queue, max(k.n) * avg({_MINUTES}) AS minutes FROM cases c JOIN lately k ON k.queue = c.queue
        WHERE {_IN_QUEUES} AND c.opened_at > now() - make_interval(secs => :seconds) AND {_SAMPLED} GROUP BY c.queue
    ), done AS (
        SELECT c.queue, sum({_MINUTES}) AS minutes, count(*) AS decided FROM decisions d JOIN cases c ON c.id = d.case_id
        WHERE {_IN_QUEUES} AND d.decided_at > now() - make_interval(secs => :seconds)
          AND NOT EXISTS (SELECT FROM decision_undos u WHERE u.decision_id = d.id)
        GROUP BY c.queue
    ), waits AS (
        SELECT c.queue, count(*) AS n, min(c.opened_at) AS first,
               bool_or({_DUE} AND c.start_by + make_interval(secs => :guard_seconds) <= now()) AS late,
               count(*) FILTER (WHERE c.status = 'open' AND c.start_by <= now() AND s.high_exposure) AS graphic_late
        FROM cases c JOIN case_scopes s ON s.id = c.scope_id WHERE {_IN_QUEUES} AND {_WAITS} GROUP BY c.queue
    ), work AS (
        SELECT c.queue, max(k.n) * avg({_MINUTES}) AS minutes FROM cases c JOIN waits k ON k.queue = c.queue
        WHERE {_IN_QUEUES} AND {_WAITS} AND {_SAMPLED} GROUP BY c.queue
    )
    SELECT q.queue, coalesce(came.minutes, 0) AS arrived_minutes, coalesce(done.minutes, 0) AS done_minutes,
           coalesce(done.decided, 0) AS decided, coalesce(work.minutes, 0) AS waiting_minutes,
           coalesce(waits.n, 0) AS waiting, coalesce(waits.late, false) AS late,
           coalesce(waits.graphic_late, 0) AS graphic_late,
           extract(epoch FROM now() - least(lately.first, waits.first))::float8 AS seconds
    FROM unnest(CAST(:queues AS text[])) AS q (queue) LEFT JOIN came USING (queue) LEFT JOIN done USING (queue)
    LEFT JOIN waits USING (queue) LEFT JOIN work USING (queue) LEFT JOIN lately USING (queue)
""")  # noqa: S608
_CANDIDATES = text(f"""
    SELECT c.id, c.rank, c.start_by FROM cases c
    WHERE c.queue = :queue AND {_DUE} AND c.special IS NULL AND NOT (:kept = ANY(c.flags))
      AND (c.start_by, c.id) > (CAST(:after AS timestamptz), CAST(:after_id AS uuid))
    ORDER BY c.start_by, c.id LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED
""")  # noqa: S608
_SHED = text("""
    WITH given_up AS (
        UPDATE cases SET status = 'shed', shed_at = now(), shed_under = :under
        WHERE id = ANY(CAST(:cases AS uuid[])) AND status = 'open'
        RETURNING id
    ), logged AS (
        INSERT INTO events (kind, case_id, data)
        SELECT 'case.shed', id, jsonb_build_object('under', CAST(:under AS text), 'load', CAST(:load AS float8))
        FROM given_up
    )
    SELECT id FROM given_up ORDER BY id
""")
_RESTORE = text("""
    WITH chosen AS MATERIALIZED (
        SELECT id FROM cases WHERE status = 'shed' AND queue = ANY(CAST(:queues AS text[]))
          AND (CAST(:cases AS uuid[]) IS NULL OR id = ANY(CAST(:cases AS uuid[])))
        ORDER BY id LIMIT :limit FOR NO KEY UPDATE
    ), back AS (
        UPDATE cases SET status = 'open', shed_at = NULL, shed_under = NULL,
               flags = (SELECT array_agg(DISTINCT one ORDER BY one) FROM unnest(flags || CAST(:kept AS text)) AS one)
        FROM chosen WHERE cases.id = chosen.id
        RETURNING cases.id
    ), logged AS (
        INSERT INTO events (kind, case_id, actor, data)
        SELECT 'case.unshed', id, CAST(:actor AS uuid), jsonb_build_object('because', 'taken back') FROM back
    )
    SELECT id FROM back ORDER BY id
""")
_LISTED = text("""
    SELECT c.id AS case_id, c.queue, s.kind, c.opened_at, c.shed_at, c.shed_under, c.report_count,
           c.rank, c.views_per_hour AS live_views
    FROM cases c JOIN subjects s ON s.id = c.subject_id
    WHERE c.status = 'shed' AND c.queue = ANY(CAST(:queues AS text[]))
      AND (CAST(:after AS uuid) IS NULL
           OR (c.shed_at, c.id) < (SELECT l.shed_at, l.id FROM cases l WHERE l.id = CAST(:after AS uuid)))
    ORDER BY c.shed_at DESC, c.id DESC LIMIT :limit
""")
_COUNTS = text("SELECT queue, count(*) AS cases FROM cases WHERE status = 'shed' GROUP BY queue ORDER BY queue")


# Of several plans at work, the one that began last says.
_RULE = text("""
    SELECT c.name, o.username AS owner, c.reason, (c.began_at AT TIME ZONE 'UTC')::date AS decided_on,
           (c.spec -> 'shed' ->> 'below_severity')::int AS below_severity,
           (c.spec -> 'shed' ->> 'above_load')::float8 AS above_load
    FROM crises_at_work() c JOIN principals o ON o.id = c.owner
    WHERE c.kind = 'continuity' AND jsonb_typeof(c.spec -> 'shed') = 'object'
    ORDER BY c.began_at DESC, c.id DESC LIMIT 1
""")


async def rule_of_plan(connection: AsyncConnection) -> Row[Any] | None:
    """(name, owner, reason, decided_on, below_severity, above_load) of the continuity plan that is at work and says what is given up first."""
    return (await connection.execute(_RULE)).one_or_none()


async def due_queues(connection: AsyncConnection) -> list[str]:
    """Queues in which the latest start of a case without a deadline has come near."""
    return sorted((await connection.execute(_DUE_QUEUES)).scalars())


async def flows(
    connection: AsyncConnection, queues: Sequence[str], *, seconds: float, guard_seconds: float, most: int
) -> dict[str, Row[Any]]:
    """By queue, what came and was done in the last `seconds`, and for how long it has had cases."""
    values = {"queues": list(queues), "seconds": seconds, "guard_seconds": guard_seconds, "most": most}
    return {row.queue: row for row in await connection.execute(_FLOWS, values)}


async def candidates(
    connection: AsyncConnection, queue: str, *, after: tuple[datetime, UUID], limit: int
) -> Sequence[Row[Any]]:
    """(id, rank, start_by) of cases that no special route brought and whose latest start has come near, locked.

    Those after one in that order, and without those that others hold or that were taken back.
    """
    values = {"queue": queue, "after": after[0], "after_id": after[1], "limit": limit, "kept": KEPT}
    return (await connection.execute(_CANDIDATES, values)).all()


async def shed(connection: AsyncConnection, cases: Sequence[UUID], *, under: str, load: float) -> list[UUID]:
    """Give cases up; returns those that were still open."""
    return list((await connection.execute(_SHED, {"cases": list(cases), "under": under, "load": load})).scalars())


async def restore(
    connection: AsyncConnection, queues: Sequence[str], *, cases: Sequence[UUID] | None, actor: UUID, limit: int
) -> list[UUID]:
    """Take cases of these queues back, all without a list of cases; returns them."""
    chosen = None if cases is None else list(cases)
    values = {"cases": chosen, "queues": list(queues), "actor": actor, "limit": limit, "kept": KEPT}
    return list((await connection.execute(_RESTORE, values)).scalars())


async def listed(
    connection: AsyncConnection, queues: Sequence[str], *, after: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """What was given up in these queues, the latest first, from the one after `after` on."""
    return (await connection.execute(_LISTED, {"queues": list(queues), "after": after, "limit": limit})).all()


async def counts(connection: AsyncConnection) -> dict[str, int]:
    """How many cases are given up now, by queue."""
    return {row.queue: row.cases for row in (await connection.execute(_COUNTS)).all()}
