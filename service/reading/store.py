"""SQL of reading: the row of a picture whose text was not read yet is the job."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

# The plain small picture, of a video its poster; of a picture that has none its clean copy.
_FILE = """
    coalesce((SELECT d.stored_as FROM media_derivatives d
              WHERE d.media_id = media.id AND d.variant = 'colour' AND d.level = 0),
             CASE kind WHEN 'image' THEN stored_as END)
"""
# Texts come first: while one waits that was not tried yet, only what has waited long enough is read.
_TAKE = text(f"""
    WITH one AS MATERIALIZED (
        SELECT id AS taken FROM media
        WHERE status = 'ready' AND read_state = 'waiting' AND kind <> 'audio' AND read_attempts < :attempts
          AND (read_claimed_until IS NULL OR read_claimed_until < now()) AND {_FILE} IS NOT NULL
          AND (uploaded_at < now() - make_interval(secs => :patience)
               OR NOT EXISTS (SELECT FROM evidence WHERE score_state = 'waiting' AND score_attempts = 0))
        -- What was given back goes behind what never was taken, or one file that the store cannot give would hold up all.
        ORDER BY read_attempts, read_claimed_until NULLS FIRST, uploaded_at LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE media SET read_attempts = read_attempts + 1,
           read_claimed_until = now() + make_interval(secs => :seconds)
    FROM one WHERE media.id = one.taken
    RETURNING media.id, media.read_attempts, {_FILE} AS stored_as
""")  # noqa: S608 - put together from constants
# FOR UPDATE, which a plain update would not be: a report that is just being taken in and names this picture holds it FOR
# KEY SHARE. So either it is committed first and its evidence is found below, or it comes after and reads what is kept here.
_KEEP = text("""
    WITH mine AS MATERIALIZED (SELECT id FROM media WHERE id = :id FOR UPDATE)
    INSERT INTO media_texts (media_id, lines, score, bundle)
    SELECT id, CAST(:lines AS jsonb), CAST(:score AS jsonb), :bundle FROM mine
    ON CONFLICT (media_id) DO UPDATE
    SET lines = EXCLUDED.lines, score = EXCLUDED.score, bundle = EXCLUDED.bundle, read_at = now()
""")
_SETTLE = text("""
    UPDATE media SET read_state = 'read', read_claimed_until = NULL WHERE id = :id AND read_state <> 'read'
""")
_EVIDENCE = text("SELECT evidence_id FROM evidence_media WHERE media_id = :id")
_GIVE_BACK = text("""
    UPDATE media SET read_claimed_until = now() + make_interval(secs => :wait_seconds),
           read_attempts = greatest(read_attempts - :undone, 0)
    WHERE id = :id AND read_state = 'waiting'
""")
_GIVE_UP = text("""
    UPDATE media SET read_state = 'failed', read_claimed_until = NULL
    WHERE status = 'ready' AND read_state = 'waiting' AND kind <> 'audio' AND read_attempts >= :attempts
      AND (read_claimed_until IS NULL OR read_claimed_until < now())
    RETURNING id
""")
_COUNTS = text("""
    SELECT count(*) FILTER (WHERE read_state = 'waiting') AS waiting, count(*) FILTER (WHERE read_state = 'failed') AS failed
    FROM media WHERE status = 'ready' AND kind <> 'audio' AND read_state <> 'read'
""")


async def take(connection: AsyncConnection, *, seconds: int, attempts: int, patience: int) -> Row[Any] | None:
    """Take one picture, those that never failed first: (id, read_attempts, stored_as). Others get it after `seconds`."""
    values = {"seconds": seconds, "attempts": attempts, "patience": patience}
    return (await connection.execute(_TAKE, values)).one_or_none()


async def keep(connection: AsyncConnection, media_id: UUID, *, lines: str, score: str | None, bundle: str) -> None:
    """Store what was read (JSON texts) with the bundle that scored it. The row still waits, until `settle`."""
    await connection.execute(_KEEP, {"id": media_id, "lines": lines, "score": score, "bundle": bundle})


async def settle(connection: AsyncConnection, media_id: UUID) -> list[UUID]:
    """What was read is kept and the cases are being placed by it; returns the evidence that shows this picture."""
    await connection.execute(_SETTLE, {"id": media_id})
    return list((await connection.execute(_EVIDENCE, {"id": media_id})).scalars())


async def give_back(connection: AsyncConnection, media_id: UUID, *, wait_seconds: int, undone: int = 0) -> None:
    """Let a picture be taken again after a pause; `undone` attempts are not held against it."""
    await connection.execute(_GIVE_BACK, {"id": media_id, "wait_seconds": wait_seconds, "undone": undone})


async def give_up(connection: AsyncConnection, *, attempts: int) -> int:
    """Mark pictures that were tried too often; they are shown without their text. Returns how many."""
    return len((await connection.execute(_GIVE_UP, {"attempts": attempts})).all())


async def counts(connection: AsyncConnection) -> Row[Any]:
    """(waiting, failed): pictures whose text was not read yet, and those whose text cannot be."""
    return (await connection.execute(_COUNTS)).one()
