"""SQL of webhook endpoints and of what waits to be sent to them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_INSERT_ENDPOINT = text(
    "INSERT INTO webhook_endpoints (id, url, secret, created_by) VALUES (:id, :url, :secret, :created_by)"
)
_ENDPOINTS = text("""
    SELECT e.id, e.url, e.active, e.created_at,
           count(*) FILTER (WHERE o.state IN ('pending', 'sending')) AS pending,
           count(*) FILTER (WHERE o.state = 'delivered') AS delivered,
           count(*) FILTER (WHERE o.state = 'failed') AS failed
    FROM webhook_endpoints e LEFT JOIN outbox o ON o.endpoint_id = e.id
    GROUP BY e.id ORDER BY e.created_at DESC
""")
_CLOSE_ENDPOINT = text("UPDATE webhook_endpoints SET active = false WHERE id = :id AND active RETURNING id")
_ACTIVE = text("SELECT id FROM webhook_endpoints WHERE active ORDER BY created_at")
_INSERT = text("""
    INSERT INTO outbox (id, endpoint_id, decision_id, case_id, kind, payload, deliver_after)
    VALUES (:id, :endpoint_id, :decision_id, :case_id, :kind, :payload, coalesce(:deliver_after, now()))
""")
# Waits for a sender that holds the row; what is being sent can no longer be taken back.
_CANCEL = text("""
    WITH messages AS MATERIALIZED (
        SELECT id, state FROM outbox WHERE decision_id = :decision_id FOR UPDATE
    ), cancelled AS (
        UPDATE outbox SET state = 'cancelled' FROM messages WHERE outbox.id = messages.id AND messages.state = 'pending'
    )
    SELECT count(*) FROM messages WHERE state <> 'pending'
""")
_BEGIN = text("""
    UPDATE outbox SET state = 'sending' FROM webhook_endpoints AS e
    WHERE outbox.id = :id AND outbox.state IN ('pending', 'sending') AND outbox.deliver_after <= now()
      AND e.id = outbox.endpoint_id
    RETURNING outbox.payload, outbox.attempts, e.url, e.secret, e.active
""")
# Locked, so that two workers do not both give the same message a job.
_ORPHANS = text("""
    SELECT id FROM outbox
    WHERE state IN ('pending', 'sending') AND deliver_after < now() - interval '1 minute'
      AND NOT EXISTS (
          SELECT FROM procrastinate_jobs AS job
          WHERE job.task_name = :task AND job.args ->> 'message' = CAST(outbox.id AS text)
            AND job.status IN ('todo', 'doing')
      )
    ORDER BY deliver_after LIMIT 100 FOR NO KEY UPDATE SKIP LOCKED
""")
_SECONDS_EARLY = text("""
    SELECT greatest(extract(epoch FROM deliver_after - now()), 0)::float FROM outbox
    WHERE id = :id AND state IN ('pending', 'sending')
""")
_DELIVERED = text("""
    UPDATE outbox SET state = 'delivered', delivered_at = now(), attempts = attempts + 1, last_error = NULL
    WHERE id = :id AND state = 'sending' RETURNING decision_id
""")
_ATTEMPTED = text("""
    UPDATE outbox SET attempts = attempts + 1, last_error = :error,
           state = CASE WHEN :final THEN 'failed' ELSE state END
    WHERE id = :id AND state = 'sending'
""")
_ATTEMPT = text("INSERT INTO delivery_attempts (message_id, error) VALUES (:id, :error)")
_DEAD_LETTERS = text("""
    SELECT o.id, o.kind, o.decision_id, o.case_id, o.created_at, o.attempts, o.last_error AS error,
           e.id AS endpoint_id, e.url, e.active
    FROM outbox o JOIN webhook_endpoints e ON e.id = o.endpoint_id
    WHERE o.state = 'failed' AND (CAST(:endpoint AS uuid) IS NULL OR o.endpoint_id = :endpoint)
      AND (CAST(:after AS uuid) IS NULL
           OR (o.created_at, o.id) > (SELECT created_at, id FROM outbox WHERE id = :after))
    ORDER BY o.created_at, o.id LIMIT :limit
""")
_MESSAGE = text("""
    SELECT o.id, o.kind, o.decision_id, o.case_id, o.created_at, o.deliver_after, o.delivered_at, o.state,
           e.id AS endpoint_id, e.url, e.active
    FROM outbox o JOIN webhook_endpoints e ON e.id = o.endpoint_id WHERE o.id = :id
""")
_ATTEMPTS = text("SELECT at, error FROM delivery_attempts WHERE message_id = :id ORDER BY id DESC LIMIT :limit")
# The same row goes out again, so under the same id and with the same body; what was tried stays in delivery_attempts.
_REPLAY = """
    WITH chosen AS MATERIALIZED ({chosen}
    ), again AS (
        UPDATE outbox SET state = 'pending', attempts = 0, deliver_after = now(), endpoint_id = chosen.endpoint
        FROM chosen WHERE outbox.id = chosen.id
        RETURNING outbox.id
    ), logged AS (
        INSERT INTO events (kind, actor, data)
        SELECT 'webhook.replayed', :actor,
               jsonb_strip_nulls(jsonb_build_object('message', id, 'from', CAST(:source AS text))) FROM again
    )
    SELECT id FROM again
"""
_REPLAY_ONE = text(
    _REPLAY.format(
        chosen="""
        SELECT o.id, o.endpoint_id AS endpoint FROM outbox o JOIN webhook_endpoints e ON e.id = o.endpoint_id
        WHERE o.id = :id AND o.state = 'failed' AND e.active FOR NO KEY UPDATE OF o"""
    )
)
# Those that somebody else is sending again at this moment are left to them. What another endpoint missed is moved only
# once that one is closed: until then it may still get it itself.
_REPLAY_ALL = text(
    _REPLAY.format(
        chosen="""
        SELECT o.id, e.id AS endpoint FROM outbox o JOIN webhook_endpoints e ON e.id = :endpoint AND e.active
        WHERE o.state = 'failed' AND o.endpoint_id = coalesce(CAST(:source AS uuid), e.id)
          AND (CAST(:source AS uuid) IS NULL
               OR NOT EXISTS (SELECT FROM webhook_endpoints s WHERE s.id = o.endpoint_id AND s.active))
        ORDER BY o.created_at, o.id LIMIT :limit FOR NO KEY UPDATE OF o SKIP LOCKED"""
    )
)
_ENDPOINT = text("""
    SELECT active, (SELECT count(*) FROM outbox o WHERE o.endpoint_id = e.id AND o.state = 'failed') AS failed
    FROM webhook_endpoints e WHERE id = :id
""")


async def orphans(connection: AsyncConnection, *, task: str) -> list[UUID]:
    """Messages overdue by a minute that no waiting or running job of that name will send."""
    return list((await connection.execute(_ORPHANS, {"task": task})).scalars())


async def insert_endpoint(
    connection: AsyncConnection, *, endpoint: UUID, url: str, secret: str, created_by: UUID
) -> None:
    """Add an endpoint."""
    await connection.execute(_INSERT_ENDPOINT, {"id": endpoint, "url": url, "secret": secret, "created_by": created_by})


async def endpoints(connection: AsyncConnection) -> Sequence[Row[Any]]:
    """Every endpoint with the numbers of its deliveries by state."""
    return (await connection.execute(_ENDPOINTS)).all()


async def close_endpoint(connection: AsyncConnection, endpoint_id: UUID) -> bool:
    """Stop sending to an endpoint; False when there is no such active one."""
    return (await connection.execute(_CLOSE_ENDPOINT, {"id": endpoint_id})).one_or_none() is not None


async def active_endpoints(connection: AsyncConnection) -> list[UUID]:
    """Ids of the endpoints that get messages."""
    return list((await connection.execute(_ACTIVE)).scalars())


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """One message for one endpoint; `payload` is the body exactly as it will be sent and signed.

    It goes out once `deliver_after` has passed, at once where that is None.
    """

    id: UUID
    endpoint_id: UUID
    decision_id: UUID | None
    case_id: UUID | None
    kind: str
    payload: str
    deliver_after: datetime | None


async def insert(connection: AsyncConnection, message: StoredMessage) -> None:
    """Add one message."""
    await connection.execute(_INSERT, asdict(message))


async def cancel(connection: AsyncConnection, decision_id: UUID) -> bool:
    """Take back what was not sent yet; False when something of it is being sent or was."""
    return int((await connection.execute(_CANCEL, {"decision_id": decision_id})).scalar_one()) == 0


async def seconds_early(connection: AsyncConnection, message: UUID) -> float | None:
    """How long the message still has to wait; None when it was delivered, cancelled or given up."""
    return (await connection.execute(_SECONDS_EARLY, {"id": message})).scalar_one_or_none()


async def begin(connection: AsyncConnection, message: UUID) -> Row[Any] | None:
    """Mark a due message as being sent: (payload, attempts, url, secret, active); None when it is not to be sent."""
    return (await connection.execute(_BEGIN, {"id": message})).one_or_none()


async def mark_delivered(connection: AsyncConnection, message: UUID) -> bool:
    """Note a delivery; False when another attempt noted it first."""
    await connection.execute(_ATTEMPT, {"id": message, "error": None})
    return (await connection.execute(_DELIVERED, {"id": message})).one_or_none() is not None


async def mark_attempted(connection: AsyncConnection, message: UUID, *, error: str, final: bool) -> None:
    """Note a failed attempt; with `final` the message is given up and shown as failed."""
    await connection.execute(_ATTEMPT, {"id": message, "error": error})
    await connection.execute(_ATTEMPTED, {"id": message, "error": error, "final": final})


async def dead_letters(
    connection: AsyncConnection, *, endpoint: UUID | None, after: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """Messages that were given up, oldest first, from the one that follows `after`."""
    values = {"endpoint": endpoint, "after": after, "limit": limit}
    return (await connection.execute(_DEAD_LETTERS, values)).all()


async def message(connection: AsyncConnection, message: UUID) -> Row[Any] | None:
    """One message with its endpoint."""
    return (await connection.execute(_MESSAGE, {"id": message})).one_or_none()


async def attempts(connection: AsyncConnection, message: UUID, *, limit: int) -> Sequence[Row[Any]]:
    """(at, error) of the newest attempts, newest first; error is None where it arrived."""
    return (await connection.execute(_ATTEMPTS, {"id": message, "limit": limit})).all()


async def replay(connection: AsyncConnection, message: UUID, *, actor: UUID) -> bool:
    """Make a given-up message wait again; False when it was not given up or its endpoint is closed."""
    values = {"id": message, "actor": actor, "source": None}
    return (await connection.execute(_REPLAY_ONE, values)).one_or_none() is not None


async def replay_all(
    connection: AsyncConnection, endpoint: UUID, *, source: UUID | None, actor: UUID, limit: int
) -> list[UUID]:
    """Make the oldest given-up messages of an open endpoint, or of the closed `source`, wait for it; returns them."""
    values = {"endpoint": endpoint, "source": source, "actor": actor, "limit": limit}
    return list((await connection.execute(_REPLAY_ALL, values)).scalars())


async def endpoint(connection: AsyncConnection, endpoint: UUID) -> Row[Any] | None:
    """(active, failed) of one endpoint: whether it is open, and how many of its messages were given up."""
    return (await connection.execute(_ENDPOINT, {"id": endpoint})).one_or_none()
