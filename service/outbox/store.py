"""SQL of webhook endpoints and of what waits to be sent to them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_INSERT_ENDPOINT = text("""
    INSERT INTO webhook_endpoints (id, url, secret, created_by, kinds)
    VALUES (:id, :url, :secret, :created_by, CAST(:kinds AS text[]))
""")
_ENDPOINTS = text("""
    WITH lately AS (
        SELECT o.endpoint_id, count(*) AS attempts, count(a.error) AS failed
        FROM delivery_attempts a JOIN outbox o ON o.id = a.message_id
        WHERE a.at > now() - interval '24 hours' GROUP BY o.endpoint_id
    )
    SELECT e.id, e.url, e.active, e.created_at, e.paused_at, e.kinds,
           count(*) FILTER (WHERE o.state IN ('pending', 'sending')) AS pending,
           count(*) FILTER (WHERE o.state = 'delivered') AS delivered,
           count(*) FILTER (WHERE o.state = 'failed') AS failed,
           max(o.delivered_at) AS last_success,
           coalesce(min(lately.attempts), 0) AS attempts_24h, coalesce(min(lately.failed), 0) AS failed_24h
    FROM webhook_endpoints e LEFT JOIN outbox o ON o.endpoint_id = e.id LEFT JOIN lately ON lately.endpoint_id = e.id
    GROUP BY e.id ORDER BY e.created_at DESC
""")
# What waits for a paused endpoint is given up with it, so that another one can take it over.
_CLOSE_ENDPOINT = text(
    "UPDATE webhook_endpoints SET active = false, paused_at = NULL WHERE id = :id AND active RETURNING id"
)
_CHANGE_ENDPOINT = text("""
    UPDATE webhook_endpoints SET
        paused_at = CASE WHEN CAST(:paused AS boolean) IS NULL THEN paused_at
                         WHEN :paused THEN coalesce(paused_at, now()) END,
        kinds = CASE WHEN :with_kinds THEN CAST(:kinds AS text[]) ELSE kinds END
    WHERE id = :id AND active RETURNING id
""")
_ACTIVE = text("""
    SELECT id FROM webhook_endpoints WHERE active AND (kinds IS NULL OR CAST(:kind AS text) = ANY(kinds)) ORDER BY created_at
""")
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
      AND e.id = outbox.endpoint_id AND e.paused_at IS NULL
    RETURNING outbox.payload, outbox.attempts, e.url, e.secret, e.active
""")
# Locked, so that two workers do not both give the same message a job.
_ORPHANS = text("""
    SELECT outbox.id FROM outbox JOIN webhook_endpoints e ON e.id = outbox.endpoint_id
    WHERE state IN ('pending', 'sending') AND deliver_after < now() - interval '1 minute' AND e.paused_at IS NULL
      AND NOT EXISTS (
          SELECT FROM procrastinate_jobs AS job
          WHERE job.task_name = :task AND job.args ->> 'message' = CAST(outbox.id AS text)
            AND job.status IN ('todo', 'doing')
      )
    ORDER BY deliver_after LIMIT :limit FOR NO KEY UPDATE OF outbox SKIP LOCKED
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
_ATTEMPT = text("""
    INSERT INTO delivery_attempts (message_id, error, status, milliseconds) VALUES (:id, :error, :status, :milliseconds)
""")
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
_ATTEMPTS = text("""
    SELECT at, error, status, milliseconds FROM delivery_attempts WHERE message_id = :id ORDER BY id DESC LIMIT :limit
""")
_MESSAGES = text("""
    SELECT o.id AS message, o.endpoint_id, o.kind, o.state, o.case_id, o.created_at, o.deliver_after, o.delivered_at,
           last.at AS attempted_at, last.error, last.status, last.milliseconds
    FROM outbox o LEFT JOIN LATERAL (
        SELECT a.at, a.error, a.status, a.milliseconds FROM delivery_attempts a
        WHERE a.message_id = o.id ORDER BY a.id DESC LIMIT 1
    ) AS last ON true
    WHERE o.endpoint_id = :endpoint AND (CAST(:state AS text) IS NULL OR o.state = :state)
      AND (CAST(:after AS uuid) IS NULL
           OR (o.created_at, o.id) < (SELECT created_at, id FROM outbox WHERE id = :after))
    ORDER BY o.created_at DESC, o.id DESC LIMIT :limit
""")
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
    SELECT active, paused_at, (SELECT count(*) FROM outbox o WHERE o.endpoint_id = e.id AND o.state = 'failed') AS failed
    FROM webhook_endpoints e WHERE id = :id
""")


async def orphans(connection: AsyncConnection, *, task: str, limit: int) -> list[UUID]:
    """The oldest messages overdue by a minute that no waiting or running job of that name will send."""
    return list((await connection.execute(_ORPHANS, {"task": task, "limit": limit})).scalars())


async def insert_endpoint(connection: AsyncConnection, values: Mapping[str, Any]) -> None:
    """Add an endpoint: id, url, secret, created_by, and the kinds that it is sent (None: all)."""
    await connection.execute(_INSERT_ENDPOINT, dict(values))


async def endpoints(connection: AsyncConnection) -> Sequence[Row[Any]]:
    """Every endpoint with the numbers of its deliveries by state."""
    return (await connection.execute(_ENDPOINTS)).all()


async def close_endpoint(connection: AsyncConnection, endpoint_id: UUID) -> bool:
    """Stop sending to an endpoint; False when there is no such active one."""
    return (await connection.execute(_CLOSE_ENDPOINT, {"id": endpoint_id})).one_or_none() is not None


async def change_endpoint(connection: AsyncConnection, endpoint_id: UUID, changes: Mapping[str, Any]) -> bool:
    """Pause an open endpoint or let it go on (`paused`), and choose what it is sent (`kinds`); False where there is none.

    What `changes` does not name stays.
    """
    values = {
        "id": endpoint_id,
        "paused": changes.get("paused"),
        "with_kinds": "kinds" in changes,
        "kinds": changes.get("kinds"),
    }
    return (await connection.execute(_CHANGE_ENDPOINT, values)).one_or_none() is not None


async def active_endpoints(connection: AsyncConnection, kind: str) -> list[UUID]:
    """Ids of the endpoints that get messages of that kind; paused ones get them later."""
    return list((await connection.execute(_ACTIVE, {"kind": kind})).scalars())


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of one attempt: `error` is None where the receiver answered with success, `status` where nothing did."""

    error: str | None
    status: int | None
    milliseconds: int | None


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


async def mark_delivered(connection: AsyncConnection, message: UUID, attempt: Attempt) -> bool:
    """Note a delivery; False when another attempt noted it first."""
    await connection.execute(_ATTEMPT, {"id": message, **asdict(attempt)})
    return (await connection.execute(_DELIVERED, {"id": message})).one_or_none() is not None


async def mark_attempted(connection: AsyncConnection, message: UUID, attempt: Attempt, *, final: bool) -> None:
    """Note a failed attempt; with `final` the message is given up and shown as failed."""
    await connection.execute(_ATTEMPT, {"id": message, **asdict(attempt)})
    await connection.execute(_ATTEMPTED, {"id": message, "error": attempt.error, "final": final})


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
    """(at, error, status, milliseconds) of the newest attempts, newest first; error is None where it arrived."""
    return (await connection.execute(_ATTEMPTS, {"id": message, "limit": limit})).all()


async def messages(connection: AsyncConnection, values: Mapping[str, Any]) -> Sequence[Row[Any]]:
    """Messages of an `endpoint`, newest first, each with its last attempt: of one `state` or any, from those that follow `after`."""
    return (await connection.execute(_MESSAGES, dict(values))).all()


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
    """(active, paused_at, failed) of one endpoint: whether it is open, since when paused, how many messages were given up."""
    return (await connection.execute(_ENDPOINT, {"id": endpoint})).one_or_none()
