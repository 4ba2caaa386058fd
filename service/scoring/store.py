"""SQL of scoring: the unscored row is the job, taken in batches by one statement."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

# A row that failed before comes back alone: if it is the text that breaks the model, it breaks nothing else again.
# MATERIALIZED, here and in every such statement: as the inner side of a nested loop a plain subquery would be run anew
# for each row, and its limit with it.
_TAKE = text("""
    WITH batch AS MATERIALIZED (
        SELECT id AS taken FROM evidence
        WHERE score_state = 'waiting' AND score_attempts BETWEEN :least AND :most
          AND (score_claimed_until IS NULL OR score_claimed_until < now())
        ORDER BY captured_at LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE evidence SET score_attempts = score_attempts + 1,
           score_claimed_until = now() + make_interval(secs => :seconds)
    FROM batch WHERE evidence.id = batch.taken
    RETURNING evidence.id, evidence.text, evidence.language, evidence.score_attempts
""")
_SAVE = text("""
    WITH new AS MATERIALIZED (
        SELECT found.id, given.score, given.bundle
        FROM unnest(CAST(:ids AS uuid[]), CAST(:scores AS text[]), CAST(:bundles AS text[]))
             AS given (id, score, bundle)
        JOIN evidence AS found ON found.id = given.id
        WHERE found.score_state = 'waiting' ORDER BY found.id FOR NO KEY UPDATE OF found
    )
    UPDATE evidence SET score_state = 'scored', score = CAST(new.score AS jsonb), bundle = new.bundle,
           scored_at = now(), score_claimed_until = NULL
    FROM new WHERE evidence.id = new.id
    RETURNING evidence.id
""")
# Riskiest first, as the claim takes them. A case in somebody's hands keeps what they were
# shown; its turn comes when it returns.
_STALE = text("""
    SELECT e.id FROM cases c JOIN evidence e ON e.id = c.evidence_id,
    LATERAL (
        SELECT CASE
            -- The coin of models.registry.Staged.takes.
            WHEN substring(sha256(convert_to(CAST(:seed AS text) || ':' || c.id, 'UTF8')) FOR 8) < CAST(:below AS bytea)
            THEN CAST(:staged AS text) ELSE CAST(:live AS text) END AS bundle
    ) AS wanted
    WHERE c.status = 'open' AND e.score_state = 'scored' AND e.bundle <> wanted.bundle
      AND e.refused_by IS DISTINCT FROM wanted.bundle
    ORDER BY c.rank_value DESC, c.id LIMIT :limit
""")
_TAKE_SCORED = text("""
    WITH batch AS MATERIALIZED (
        SELECT id AS taken FROM evidence
        WHERE id = ANY(CAST(:ids AS uuid[])) AND score_state = 'scored'
          AND (score_claimed_until IS NULL OR score_claimed_until < now())
        ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE evidence SET score_claimed_until = now() + make_interval(secs => :seconds)
    FROM batch WHERE evidence.id = batch.taken
    RETURNING evidence.id, evidence.text, evidence.language, evidence.bundle, evidence.refused_by
""")
_REPLACE = text("""
    WITH new AS MATERIALIZED (
        SELECT found.id, given.score, given.bundle
        FROM unnest(CAST(:ids AS uuid[]), CAST(:scores AS text[]), CAST(:bundles AS text[]))
             AS given (id, score, bundle)
        JOIN evidence AS found ON found.id = given.id
        WHERE found.score_state = 'scored' ORDER BY found.id FOR NO KEY UPDATE OF found
    )
    UPDATE evidence SET score = coalesce(CAST(new.score AS jsonb), evidence.score),
           bundle = CASE WHEN new.score IS NULL THEN evidence.bundle ELSE new.bundle END,
           scored_at = CASE WHEN new.score IS NULL THEN evidence.scored_at ELSE now() END,
           refused_by = CASE WHEN new.score IS NULL THEN new.bundle END,
           score_claimed_until = NULL
    FROM new WHERE evidence.id = new.id
    RETURNING evidence.id
""")
_GIVE_BACK = text("""
    UPDATE evidence SET score_claimed_until = now() + make_interval(secs => :wait_seconds)
    WHERE id = ANY(CAST(:ids AS uuid[])) AND score_state = 'waiting'
""")
_GIVE_UP = text("""
    WITH failed AS (
        UPDATE evidence SET score_state = 'failed', score_claimed_until = NULL
        WHERE score_state = 'waiting' AND score_attempts >= :attempts
          AND (score_claimed_until IS NULL OR score_claimed_until < now())
        RETURNING id
    )
    INSERT INTO events (kind, case_id, data)
    SELECT 'score.failed', cases.id, jsonb_build_object('attempts', CAST(:attempts AS integer))
    FROM failed JOIN cases ON cases.evidence_id = failed.id
    RETURNING case_id
""")
_SET_STATE = text("""
    INSERT INTO release_states (part, bundle, problem) VALUES (:part, :bundle, :problem)
    ON CONFLICT (part) DO UPDATE SET bundle = EXCLUDED.bundle, problem = EXCLUDED.problem, at = now()
""")
_STATES = text("SELECT part, bundle, problem, at FROM release_states ORDER BY part")
_WAITING = text("SELECT count(*) FROM evidence WHERE score_state = 'waiting'")


async def take(connection: AsyncConnection, *, limit: int, seconds: int) -> Sequence[Row[Any]]:
    """Take fresh rows: (id, text, score_attempts). Others get them only once `seconds` have passed."""
    values = {"limit": limit, "seconds": seconds, "least": 0, "most": 0}
    return (await connection.execute(_TAKE, values)).all()


async def take_one_again(connection: AsyncConnection, *, seconds: int, attempts: int) -> Sequence[Row[Any]]:
    """Take one row that was tried before, fewer than `attempts` times."""
    values = {"limit": 1, "seconds": seconds, "least": 1, "most": attempts - 1}
    return (await connection.execute(_TAKE, values)).all()


async def save(
    connection: AsyncConnection, *, ids: Sequence[UUID], scores: Sequence[str], bundles: Sequence[str]
) -> list[UUID]:
    """Store scores (JSON texts) with the bundles they are of; returns the rows that were still waiting for one."""
    values = {"ids": list(ids), "scores": list(scores), "bundles": list(bundles)}
    return list((await connection.execute(_SAVE, values)).scalars())


async def stale(
    connection: AsyncConnection, *, live: str, staged: str, coin: tuple[str, bytes], limit: int
) -> list[UUID]:
    """Evidence of open cases whose score is of another bundle than theirs, riskiest case first.

    `coin` is (seed, bytes): the case is staged where the coin's first eight bytes are less than those.
    """
    values = {"live": live, "staged": staged, "seed": coin[0], "below": coin[1], "limit": limit}
    return list((await connection.execute(_STALE, values)).scalars())


async def take_scored(connection: AsyncConnection, ids: Sequence[UUID], *, seconds: int) -> Sequence[Row[Any]]:
    """Take rows that have a score, to score them anew: (id, text, bundle, refused_by)."""
    return (await connection.execute(_TAKE_SCORED, {"ids": list(ids), "seconds": seconds})).all()


async def replace_scores(
    connection: AsyncConnection, *, ids: Sequence[UUID], scores: Sequence[str | None], bundles: Sequence[str]
) -> list[UUID]:
    """Store new scores (JSON texts) in place of the old; with None the old one stays and is not tried again."""
    values = {"ids": list(ids), "scores": list(scores), "bundles": list(bundles)}
    return list((await connection.execute(_REPLACE, values)).scalars())


async def set_state(connection: AsyncConnection, *, part: str, bundle: str | None, problem: str | None) -> None:
    """Keep what a worker says of one part of the releases."""
    await connection.execute(_SET_STATE, {"part": part, "bundle": bundle, "problem": problem})


async def states(connection: AsyncConnection) -> Sequence[Row[Any]]:
    """(part, bundle, problem, at) of every part that a worker ever spoke of."""
    return (await connection.execute(_STATES)).all()


async def give_back(connection: AsyncConnection, ids: Sequence[UUID], *, wait_seconds: int) -> None:
    """Let rows be taken again after a pause."""
    await connection.execute(_GIVE_BACK, {"ids": list(ids), "wait_seconds": wait_seconds})


async def give_up(connection: AsyncConnection, *, attempts: int) -> int:
    """Mark rows that were tried too often; their cases stay queued unscored. Returns how many."""
    return len((await connection.execute(_GIVE_UP, {"attempts": attempts})).all())


async def waiting(connection: AsyncConnection) -> int:
    """Rows that wait for a score."""
    return int((await connection.execute(_WAITING)).scalar_one())
