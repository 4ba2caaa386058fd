"""SQL of batches: what was handed out, and what became of it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

# Samples are nobody's content: they are shown, and never handed out.
_TAKE = text("""
    WITH taken AS (
        SELECT s.id FROM statements s JOIN cases c ON c.id = s.case_id
        WHERE s.state = 'made' AND s.ready_at <= now() AND NOT c.sample
        ORDER BY s.number LIMIT :most FOR NO KEY UPDATE OF s SKIP LOCKED
    ), made AS (
        INSERT INTO statement_batches (state) SELECT 'open' WHERE EXISTS (SELECT FROM taken) RETURNING number
    )
    UPDATE statements s SET state = 'batched', batch = made.number FROM made, taken WHERE s.id = taken.id RETURNING s.batch
""")
_OPEN_BATCH = text("SELECT min(number) FROM statement_batches WHERE state = 'open' AND number > :after")
_BATCH = text("""
    SELECT s.puid, s.payload, s.afterwards_by IS NOT NULL AS afterwards, s.made_at,
           (SELECT d.decided_at FROM decisions d WHERE d.id = s.decision_id) AS decided_at
    FROM statements s WHERE s.batch = :batch ORDER BY s.number
""")
_BATCHES = text("""
    SELECT b.number, b.state, b.made_at, b.settled_at, (SELECT count(*) FROM statements s WHERE s.batch = b.number) AS count
    FROM statement_batches b ORDER BY (b.state = 'open') DESC, b.number DESC LIMIT :limit
""")
_LOCK_BATCH = text("SELECT state, answer FROM statement_batches WHERE number = :batch FOR NO KEY UPDATE")
_SETTLE = text("""
    UPDATE statement_batches SET state = :state, settled_by = CAST(:person AS uuid), settled_at = now(), answer = CAST(:answer AS jsonb)
    WHERE number = :batch
""")
_PUBLISH = text("""
    UPDATE statements SET state = 'published', published_at = now(), refused_message = NULL
    WHERE batch = :batch AND puid = ANY(:puids)
""")
_REFUSE = text("""
    UPDATE statements s SET state = 'refused', refused_message = told.message, batch = NULL
    FROM unnest(CAST(:puids AS text[]), CAST(:messages AS text[])) AS told (puid, message)
    WHERE s.batch = :batch AND s.puid = told.puid
""")
_FREE = text("UPDATE statements SET state = 'made', batch = NULL WHERE batch = :batch AND puid = ANY(:puids)")


async def open_batch(connection: AsyncConnection, *, after: int) -> int | None:
    """The first batch with a number above `after` that nobody has answered for."""
    number: int | None = (await connection.execute(_OPEN_BATCH, {"after": after})).scalar_one()
    return number


async def take_batch(connection: AsyncConnection, *, most: int) -> int | None:
    """Put the oldest statements that are ready into a new batch; its number, None where there is none."""
    return next(iter((await connection.execute(_TAKE, {"most": most})).scalars()), None)


async def batch(connection: AsyncConnection, number: int) -> Sequence[Row[Any]]:
    """(puid, payload, afterwards, decided_at, made_at) of a batch, always in the same order."""
    return (await connection.execute(_BATCH, {"batch": number})).all()


async def batches(connection: AsyncConnection, *, limit: int) -> Sequence[Row[Any]]:
    """(number, state, made_at, settled_at, count), those that wait for an answer in front."""
    return (await connection.execute(_BATCHES, {"limit": limit})).all()


async def lock_batch(connection: AsyncConnection, number: int) -> Row[Any] | None:
    """(state, answer) of a batch, locked."""
    return (await connection.execute(_LOCK_BATCH, {"batch": number})).one_or_none()


async def settle(
    connection: AsyncConnection, number: int, *, state: str, person: UUID | None, answer: Mapping[str, Any]
) -> None:
    """Keep what became of a batch."""
    values = {"batch": number, "state": state, "person": person, "answer": json.dumps(dict(answer))}
    await connection.execute(_SETTLE, values)


async def publish(connection: AsyncConnection, number: int, puids: Sequence[str]) -> None:
    """These of a batch are in the database."""
    await connection.execute(_PUBLISH, {"batch": number, "puids": list(puids)})


async def refuse(connection: AsyncConnection, number: int, told: Mapping[str, str]) -> None:
    """Set aside those of a batch that the database does not take, each with its message."""
    values = {"batch": number, "puids": list(told), "messages": list(told.values())}
    await connection.execute(_REFUSE, values)


async def free(connection: AsyncConnection, number: int, puids: Sequence[str]) -> None:
    """Let these of a batch go into a later one."""
    await connection.execute(_FREE, {"batch": number, "puids": list(puids)})
