"""SQL of assessing: the row of a picture or video that the image model has not seen is the job."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

# What the model sees: the plain small picture, of a video its poster, and the plain contact sheet where there is one.
_SEEN = """
    (SELECT jsonb_agg(jsonb_build_object('variant', d.variant, 'mime', d.mime, 'stored_as', d.stored_as,
                                         'width', d.width, 'height', d.height) ORDER BY d.variant)
     FROM media_derivatives d WHERE d.media_id = media.id AND d.level = 0 AND d.variant IN ('colour', 'sheet')) AS seen
"""
_SHOWABLE = """
    EXISTS (SELECT FROM media_derivatives d WHERE d.media_id = media.id AND d.variant = 'colour' AND d.level = 0)
"""
# What failed before comes back alone: if a file ends the whole process, it ends no other's turn with it.
_TAKE = text(f"""
    WITH batch AS MATERIALIZED (
        SELECT id AS taken FROM media
        WHERE status = 'ready' AND assess_state = 'waiting' AND kind <> 'audio'
          AND assess_attempts BETWEEN :least AND :most
          AND (assess_claimed_until IS NULL OR assess_claimed_until < now()) AND {_SHOWABLE}
        ORDER BY uploaded_at LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE media SET assess_attempts = assess_attempts + 1,
           assess_claimed_until = now() + make_interval(secs => :seconds)
    FROM batch WHERE media.id = batch.taken
    RETURNING media.id, media.kind, media.assess_attempts, {_SEEN}
""")  # noqa: S608 - put together from constants
# FOR UPDATE, which a plain update of these columns would not be: a report that is just being taken in and names this
# picture holds it FOR KEY SHARE. So either it is committed first and is found by what follows, or it comes after and
# reads the assessment itself. One row at a time: two callers that each hold one cannot wait for each other.
_KEEP = text("""
    WITH mine AS MATERIALIZED (SELECT id AS locked FROM media WHERE id = :id FOR UPDATE)
    UPDATE media SET assessment = CAST(:assessment AS jsonb) FROM mine WHERE media.id = mine.locked
""")
_SETTLE = text("""
    UPDATE media SET assess_state = 'assessed', assess_claimed_until = NULL, assess_attempts = 0
    WHERE id = :id RETURNING id
""")
_EVIDENCE = text("SELECT evidence_id FROM evidence_media WHERE media_id = :id")
_GIVE_BACK = text("""
    UPDATE media SET assess_attempts = greatest(assess_attempts - :undone, 0),
           assess_claimed_until = now() + make_interval(secs => :wait_seconds)
    WHERE id = ANY(CAST(:ids AS uuid[])) AND assess_state = 'waiting'
""")
_GIVE_UP = text("""
    UPDATE media SET assess_state = 'failed', assess_claimed_until = NULL
    WHERE status = 'ready' AND assess_state = 'waiting' AND kind <> 'audio' AND assess_attempts >= :attempts
      AND (assess_claimed_until IS NULL OR assess_claimed_until < now())
    RETURNING id
""")
_STALE = text("""
    SELECT DISTINCT m.id FROM cases c
    JOIN evidence_media e ON e.evidence_id = c.evidence_id JOIN media m ON m.id = e.media_id
    WHERE c.status = 'open' AND m.assess_state = 'assessed' AND m.assessment->>'hash' <> :hash LIMIT :limit
""")
_WAIT_AGAIN = text("""
    UPDATE media SET assess_state = 'waiting', assess_attempts = 0, assess_claimed_until = NULL
    WHERE id = ANY(CAST(:ids AS uuid[])) AND assess_state = 'assessed' AND assessment->>'hash' <> :hash
""")
_COUNTS = text(f"""
    SELECT count(*) FILTER (WHERE assess_state = 'waiting' AND {_SHOWABLE}) AS waiting,
           count(*) FILTER (WHERE assess_state = 'failed') AS failed
    FROM media WHERE status = 'ready' AND kind <> 'audio' AND assess_state <> 'assessed'
""")  # noqa: S608 - put together from constants
_SET_STATE = text("""
    INSERT INTO image_model_state (model, hash, problem) VALUES (:model, :hash, :problem)
    ON CONFLICT (only_row) DO UPDATE
    SET model = EXCLUDED.model, hash = EXCLUDED.hash, problem = EXCLUDED.problem, at = now()
""")
_STATE = text("SELECT model, hash, problem, at FROM image_model_state")


async def take(connection: AsyncConnection, *, limit: int, seconds: int) -> Sequence[Row[Any]]:
    """Take media that no model has tried yet, oldest first: (id, kind, assess_attempts, seen).

    Others get them only once `seconds` have passed.
    """
    values = {"limit": limit, "seconds": seconds, "least": 0, "most": 0}
    return (await connection.execute(_TAKE, values)).all()


async def take_one_again(connection: AsyncConnection, *, seconds: int, attempts: int) -> Sequence[Row[Any]]:
    """Take one that was tried before, fewer than `attempts` times."""
    values = {"limit": 1, "seconds": seconds, "least": 1, "most": attempts - 1}
    return (await connection.execute(_TAKE, values)).all()


async def keep(connection: AsyncConnection, media_id: UUID, assessment: str) -> None:
    """Store an assessment (JSON text). The row still waits, until its cases stand where they belong: `settle`."""
    await connection.execute(_KEEP, {"id": media_id, "assessment": assessment})


async def settle(connection: AsyncConnection, media_id: UUID) -> list[UUID]:
    """The assessment is kept and its cases are being placed by it; returns the evidence that shows this medium."""
    await connection.execute(_SETTLE, {"id": media_id})
    return list((await connection.execute(_EVIDENCE, {"id": media_id})).scalars())


async def give_back(connection: AsyncConnection, ids: Sequence[UUID], *, wait_seconds: int, undone: int = 0) -> None:
    """Let media be taken again after a pause; `undone` attempts are not held against them."""
    values = {"ids": list(ids), "wait_seconds": wait_seconds, "undone": undone}
    await connection.execute(_GIVE_BACK, values)


async def give_up(connection: AsyncConnection, *, attempts: int) -> int:
    """Mark media that were tried too often; they stay as blurred as without an assessment. Returns how many."""
    return len((await connection.execute(_GIVE_UP, {"attempts": attempts})).all())


async def stale(connection: AsyncConnection, *, model_hash: str, limit: int) -> list[UUID]:
    """Media of waiting cases whose assessment is of another model."""
    return list((await connection.execute(_STALE, {"hash": model_hash, "limit": limit})).scalars())


async def wait_again(connection: AsyncConnection, ids: Sequence[UUID], *, model_hash: str) -> None:
    """Let these be assessed anew, by the model of that hash. Until then their old assessment stays."""
    await connection.execute(_WAIT_AGAIN, {"ids": list(ids), "hash": model_hash})


async def counts(connection: AsyncConnection) -> Row[Any]:
    """How many pictures and videos wait for the image model, and of how many it could make nothing."""
    return (await connection.execute(_COUNTS)).one()


async def set_state(
    connection: AsyncConnection, *, model: str | None, model_hash: str | None, problem: str | None
) -> None:
    """Keep what a worker says of its image model."""
    await connection.execute(_SET_STATE, {"model": model, "hash": model_hash, "problem": problem})


async def state(connection: AsyncConnection) -> Row[Any] | None:
    """(model, hash, problem, at) as a worker last told them; None before any has."""
    return (await connection.execute(_STATE)).one_or_none()
