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
    RETURNING evidence.id, evidence.text, evidence.score_attempts
""")
_SAVE = text("""
    WITH new AS MATERIALIZED (
        SELECT found.id, given.score
        FROM unnest(CAST(:ids AS uuid[]), CAST(:scores AS text[])) AS given (id, score)
        JOIN evidence AS found ON found.id = given.id
        WHERE found.score_state = 'waiting' ORDER BY found.id FOR NO KEY UPDATE OF found
    )
    UPDATE evidence SET score_state = 'scored', score = CAST(new.score AS jsonb), bundle = :bundle, scored_at = now(),
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
_WAITING = text("SELECT count(*) FROM evidence WHERE score_state = 'waiting'")


async def take(connection: AsyncConnection, *, limit: int, seconds: int) -> Sequence[Row[Any]]:
    """Take fresh rows: (id, text, score_attempts). Others get them only once `seconds` have passed."""
    values = {"limit": limit, "seconds": seconds, "least": 0, "most": 0}
    return (await connection.execute(_TAKE, values)).all()


async def take_one_again(connection: AsyncConnection, *, seconds: int, attempts: int) -> Sequence[Row[Any]]:
    """Take one row that was tried before, fewer than `attempts` times."""
    values = {"limit": 1, "seconds": seconds, "least": 1, "most": attempts - 1}
    return (await connection.execute(_TAKE, values)).all()


async def save(connection: AsyncConnection, *, ids: Sequence[UUID], scores: Sequence[str], bundle: str) -> list[UUID]:
    """Store scores (JSON texts); returns the rows that were still waiting for one."""
    values = {"ids": list(ids), "scores": list(scores), "bundle": bundle}
    return list((await connection.execute(_SAVE, values)).scalars())


async def give_back(connection: AsyncConnection, ids: Sequence[UUID], *, wait_seconds: int) -> None:
    """Let rows be taken again after a pause."""
    await connection.execute(_GIVE_BACK, {"ids": list(ids), "wait_seconds": wait_seconds})


async def give_up(connection: AsyncConnection, *, attempts: int) -> int:
    """Mark rows that were tried too often; their cases stay queued unscored. Returns how many."""
    return len((await connection.execute(_GIVE_UP, {"attempts": attempts})).all())


async def waiting(connection: AsyncConnection) -> int:
    """Rows that wait for a score."""
    return int((await connection.execute(_WAITING)).scalar_one())
