"""SQL of reporters: one outcome for each reporter of a decided case, and the tallies that are their sum."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

# Reporters are locked in the order of their ids, whatever transaction they are locked by. The tallies are summed in a
# statement of its own: only so does it see the outcomes of whoever held a lock before.
#
# Several reports by one reporter are one outcome, upheld when any of them was. What a machine of the platform flagged
# and what authors report of themselves says nothing about a reporter.
_JUDGE = text("""
    WITH judged AS (
        SELECT d.id AS decision_id, d.decided_at, r.reporter_id, d.actions && CAST(:enforcing AS text[]) AS enforced,
               bool_or(r.reason <> ALL (CAST(:areas AS text[])) OR r.reason = d.policy_area) AS named
        FROM decisions d
        JOIN cases c ON c.id = d.case_id
        JOIN subjects s ON s.id = c.subject_id
        JOIN reports r ON r.case_id = d.case_id
        WHERE d.id = ANY (CAST(:decisions AS uuid[])) AND r.reporter_id IS NOT NULL
          AND r.channel <> 'automated' AND r.reporter_id IS DISTINCT FROM s.author_id
        GROUP BY d.id, r.reporter_id
    ), kept AS (
        INSERT INTO reporter_outcomes (decision_id, reporter_id, upheld, decided_at)
        -- Enforced, but in another area than the one that was named: neither right nor wrong.
        SELECT decision_id, reporter_id, enforced, decided_at FROM judged WHERE named OR NOT enforced
        ON CONFLICT DO NOTHING RETURNING reporter_id
    )
    INSERT INTO reporters (id) SELECT DISTINCT reporter_id FROM kept ORDER BY reporter_id
    ON CONFLICT (id) DO UPDATE SET id = EXCLUDED.id RETURNING id
""")
# As `_JUDGE`, by what an appeal came to. All reporters of the case are locked first, in the same order.
_LOCK_ALL = text("""
    INSERT INTO reporters (id)
    SELECT DISTINCT r.reporter_id FROM decisions d JOIN reports r ON r.case_id = d.case_id
    WHERE d.id = :decision_id AND r.reporter_id IS NOT NULL ORDER BY 1
    ON CONFLICT (id) DO UPDATE SET id = EXCLUDED.id RETURNING id
""")
_FORGET_ONE = text("DELETE FROM reporter_outcomes WHERE decision_id = :decision_id")
_JUDGE_ANEW = text("""
    INSERT INTO reporter_outcomes (decision_id, reporter_id, upheld, decided_at)
    SELECT d.id, r.reporter_id, :enforced, d.decided_at
    FROM decisions d JOIN cases c ON c.id = d.case_id JOIN subjects s ON s.id = c.subject_id
    JOIN reports r ON r.case_id = d.case_id
    WHERE d.id = :decision_id AND r.reporter_id IS NOT NULL
      AND r.channel <> 'automated' AND r.reporter_id IS DISTINCT FROM s.author_id
    GROUP BY d.id, r.reporter_id
    HAVING NOT :enforced OR bool_or(r.reason <> ALL (CAST(:areas AS text[])) OR r.reason = :policy_area)
""")
_FORGET = text("""
    WITH gone AS (
        DELETE FROM reporter_outcomes WHERE decision_id = ANY (CAST(:decisions AS uuid[])) RETURNING reporter_id
    )
    SELECT id FROM reporters WHERE id IN (SELECT reporter_id FROM gone) ORDER BY id FOR UPDATE
""")
_SUM = text("""
    WITH sums AS (
        SELECT one.id, newest.at, tally.upheld, tally.dismissed
        FROM unnest(CAST(:reporters AS text[])) AS one (id)
        LEFT JOIN LATERAL (
            SELECT decided_at AS at FROM reporter_outcomes WHERE reporter_id = one.id
            ORDER BY decided_at DESC, decision_id LIMIT 1
        ) AS newest ON true
        CROSS JOIN LATERAL (
            -- Summed in one order, so that the same outcomes give the same number to the last bit.
            SELECT coalesce(sum(weight ORDER BY decided_at, decision_id) FILTER (WHERE upheld), 0) AS upheld,
                   coalesce(sum(weight ORDER BY decided_at, decision_id) FILTER (WHERE NOT upheld), 0) AS dismissed
            FROM (
                SELECT upheld, decided_at, decision_id,
                       power(2::float8, extract(epoch FROM decided_at - newest.at)::float8 / :half_life) AS weight
                FROM reporter_outcomes WHERE reporter_id = one.id
                ORDER BY decided_at DESC, decision_id LIMIT :most
            ) AS outcomes
        ) AS tally
    ), empty AS (
        DELETE FROM reporters USING sums WHERE reporters.id = sums.id AND sums.at IS NULL
    )
    UPDATE reporters SET upheld = sums.upheld, dismissed = sums.dismissed, updated_at = sums.at
    FROM sums WHERE reporters.id = sums.id AND sums.at IS NOT NULL
""")
# Whoever checks content blindly must not learn from its reporter what was decided on it. Tallies as `_SUM` makes them.
_REPORTER = text("""
    WITH checked AS MATERIALIZED (
        SELECT o.decision_id FROM reporter_outcomes o
        WHERE o.reporter_id = :id AND is_checking_decision(o.decision_id, :viewer)
          AND EXISTS (SELECT FROM qa_reviews r WHERE r.reviewer = :viewer AND r.answered_at IS NULL AND r.released_at IS NULL)
    ), known AS MATERIALIZED (
        SELECT upheld, decided_at, decision_id, max(decided_at) OVER () AS newest_at FROM reporter_outcomes
        WHERE reporter_id = :id AND decision_id NOT IN (SELECT decision_id FROM checked)
    )
    SELECT r.reports, r.cases, r.first_at, r.last_at, o.upheld AS upheld_outcomes, o.dismissed AS dismissed_outcomes,
           t.upheld, t.dismissed, t.updated_at
    FROM (
        SELECT count(*) AS reports, count(DISTINCT case_id) AS cases, min(received_at) AS first_at,
               max(received_at) AS last_at
        FROM reports WHERE reporter_id = :id
    ) AS r
    CROSS JOIN (
        SELECT count(*) FILTER (WHERE upheld) AS upheld, count(*) FILTER (WHERE NOT upheld) AS dismissed
        FROM known
    ) AS o
    CROSS JOIN (
        SELECT coalesce(sum(weight ORDER BY decided_at, decision_id) FILTER (WHERE upheld), 0) AS upheld,
               coalesce(sum(weight ORDER BY decided_at, decision_id) FILTER (WHERE NOT upheld), 0) AS dismissed,
               max(decided_at) AS updated_at
        FROM (
            SELECT upheld, decided_at, decision_id,
                   power(2::float8, extract(epoch FROM decided_at - newest_at)::float8 / :half_life) AS weight
            FROM known ORDER BY decided_at DESC, decision_id LIMIT :most
        ) AS outcomes
    ) AS t
    WHERE r.reports > 0
""")


async def judge(
    connection: AsyncConnection, decisions: Sequence[UUID], *, enforcing: Sequence[str], areas: Sequence[str]
) -> list[str]:
    """Keep what these decisions make of the reports of their cases; the reporters concerned, locked."""
    values = {"decisions": list(decisions), "enforcing": list(enforcing), "areas": list(areas)}
    return list((await connection.execute(_JUDGE, values)).scalars())


async def forget(connection: AsyncConnection, decisions: Sequence[UUID]) -> list[str]:
    """Remove the outcomes of these decisions; the reporters concerned, locked."""
    return list((await connection.execute(_FORGET, {"decisions": list(decisions)})).scalars())


async def correct(
    connection: AsyncConnection, decision: UUID, *, enforced: bool, policy_area: str, areas: Sequence[str]
) -> list[str]:
    """Judge the reports of one decision anew by what holds instead; the reporters concerned, locked."""
    of = {"decision_id": decision}
    reporters = list((await connection.execute(_LOCK_ALL, of)).scalars())
    await connection.execute(_FORGET_ONE, of)
    await connection.execute(_JUDGE_ANEW, of | {"enforced": enforced, "policy_area": policy_area, "areas": list(areas)})
    return reporters


async def add_up(connection: AsyncConnection, reporters: Sequence[str], *, half_life: float, most: int) -> None:
    """Sum the outcomes of these reporters anew, `half_life` in seconds, the newest `most` of each."""
    values = {"reporters": list(reporters), "half_life": half_life, "most": most}
    await connection.execute(_SUM, values)


async def reporter(
    connection: AsyncConnection, reporter_id: str, *, viewer: UUID, half_life: float, most: int
) -> Row[Any] | None:
    """What one reporter reported, and what came of it as far as the viewer may know; None when they never did."""
    values = {"id": reporter_id, "viewer": viewer, "half_life": half_life, "most": most}
    return (await connection.execute(_REPORTER, values)).one_or_none()
