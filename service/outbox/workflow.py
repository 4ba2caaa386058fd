"""Webhooks: messages are stored with the decision that caused them and delivered at least once, under one id."""

import asyncio
import base64
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
from procrastinate import App
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from standardwebhooks import Webhook

from service import events
from service.errors.decisions import NotDeadLetterError, WebhookClosedError, WebhookPausedError
from service.errors.requests import InvalidRequestError, NotFoundError
from service.ids import new_id
from service.jobs import DELIVER_WEBHOOK, enqueue
from service.outbox import store
from service.outbox.schemas import (
    AttemptOut,
    DeadLetterOut,
    DeadLettersOut,
    DeliveryLogOut,
    EndpointRef,
    LoggedMessageOut,
    QueuedOut,
    ReplayedOut,
    State,
    WebhookChangeIn,
    WebhookCreatedOut,
    WebhookIn,
    WebhookMessageOut,
    WebhookOut,
    WebhooksOut,
)
from service.outbox.store import Attempt

TEST_MESSAGE = "webhook.test"
# How much of a connection error is kept as the reason of a failed attempt.
ERROR_CHARACTERS = 300
SHOWN_ATTEMPTS = 200
# Messages that get a job again in one go; after a long pause of an endpoint there are more.
ORPHANS_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Message:
    """What is to be told to every endpoint once `after` has passed (None: at once), because of a decision or a case."""

    kind: str
    data: Mapping[str, Any]
    decision_id: UUID | None = None
    case_id: UUID | None = None
    after: datetime | None = None


@dataclass(frozen=True, slots=True)
class Missed:
    """What is to be sent again: at most `limit` messages to an endpoint, its own or those of the closed `source`."""

    endpoint: UUID
    source: UUID | None
    limit: int


class DeliveryError(Exception):
    """An attempt failed and the job is to be tried again later."""


async def create_endpoint(connection: AsyncConnection, body: WebhookIn, *, actor: UUID) -> WebhookCreatedOut:
    """Add an endpoint with a fresh secret."""
    endpoint, secret = new_id(), "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    values = {"id": endpoint, "url": str(body.url), "secret": secret, "created_by": actor, "kinds": body.kinds}
    await store.insert_endpoint(connection, values)
    await events.record(connection, "webhook.created", actor=actor, data={"endpoint": str(endpoint)})
    return WebhookCreatedOut(id=endpoint, url=str(body.url), secret=secret)


async def list_endpoints(connection: AsyncConnection) -> WebhooksOut:
    """Every endpoint with its delivery numbers; secrets are never shown again."""
    rows = await store.endpoints(connection)
    return WebhooksOut(webhooks=[WebhookOut(**row._mapping) for row in rows])


async def close_endpoint(connection: AsyncConnection, endpoint: UUID, *, actor: UUID) -> None:
    """Stop sending to an endpoint. Raises NotFoundError."""
    if not await store.close_endpoint(connection, endpoint):
        raise NotFoundError(f"there is no active webhook {endpoint}")
    await events.record(connection, "webhook.closed", actor=actor, data={"endpoint": str(endpoint)})


async def change_endpoint(
    connection: AsyncConnection, endpoint: UUID, body: WebhookChangeIn, *, actor: UUID
) -> WebhookOut:
    """Pause an endpoint, let it go on, or choose what it is sent. Raises NotFoundError, WebhookClosedError.

    What waited while it was paused is sent within a minute of going on.
    """
    changes = body.model_dump(include=body.model_fields_set)
    if not changes:
        raise InvalidRequestError("name what changes: paused, kinds or both")
    if not await store.change_endpoint(connection, endpoint, changes):
        await _require_open(connection, endpoint)
    data = {"endpoint": str(endpoint), **changes}
    await events.record(connection, "webhook.changed", actor=actor, data=data)
    return next(one for one in (await list_endpoints(connection)).webhooks if one.id == endpoint)


async def delivery_log(
    connection: AsyncConnection, endpoint: UUID, *, state: State | None, after: UUID | None, limit: int
) -> DeliveryLogOut:
    """A page of the messages of an endpoint, newest first. Raises NotFoundError."""
    if await store.endpoint(connection, endpoint) is None:
        raise NotFoundError(f"there is no webhook {endpoint}")
    if after is not None and await store.message(connection, after) is None:
        raise NotFoundError(f"there is no message {after}; take `after` from `next` of the page before")
    values = {"endpoint": endpoint, "state": state, "after": after, "limit": limit + 1}
    rows = await store.messages(connection, values)
    shown = [_logged(row) for row in rows[:limit]]
    return DeliveryLogOut(messages=shown, next=shown[-1].message if len(rows) > limit else None)


async def publish(connection: AsyncConnection, jobs: App, message: Message) -> int:
    """Store a message for every active endpoint that takes its kind, in the caller's transaction; returns for how many."""
    payload = _payload(message)
    endpoints = await store.active_endpoints(connection, message.kind)
    for endpoint in endpoints:
        await _store(connection, jobs, message, endpoint=endpoint, payload=payload)
    return len(endpoints)


async def send_test(connection: AsyncConnection, jobs: App, endpoint: UUID, *, actor: UUID) -> QueuedOut:
    """Send one endpoint a message that means nothing, the way all others go.

    Raises NotFoundError, WebhookClosedError, WebhookPausedError.
    """
    if (await _require_open(connection, endpoint)).paused_at is not None:
        raise WebhookPausedError(f"webhook {endpoint} is paused, so nothing is sent to it: let it go on first")
    message = Message(TEST_MESSAGE, data={})
    stored = await _store(connection, jobs, message, endpoint=endpoint, payload=_payload(message))
    await events.record(connection, "webhook.tested", actor=actor, data={"message": str(stored)})
    return QueuedOut(message=stored)


async def dead_letters(
    connection: AsyncConnection, *, endpoint: UUID | None, after: UUID | None, limit: int
) -> DeadLettersOut:
    """A page of the messages that were given up, oldest first. Raises NotFoundError for an `after` that is none."""
    if after is not None and await store.message(connection, after) is None:
        raise NotFoundError(f"there is no message {after}; take `after` from `next` of the page before")
    rows = await store.dead_letters(connection, endpoint=endpoint, after=after, limit=limit + 1)
    shown = [
        DeadLetterOut(
            message=row.id,
            endpoint=_endpoint(row),
            **{
                name: getattr(row, name)
                for name in ("kind", "decision_id", "case_id", "created_at", "attempts", "error")
            },
        )
        for row in rows[:limit]
    ]
    return DeadLettersOut(dead_letters=shown, next=shown[-1].message if len(rows) > limit else None)


async def read_message(connection: AsyncConnection, message: UUID) -> WebhookMessageOut:
    """A message with its attempts. Raises NotFoundError."""
    row = await _message(connection, message)
    attempts = await store.attempts(connection, message, limit=SHOWN_ATTEMPTS)
    fields = ("kind", "state", "decision_id", "case_id", "created_at", "deliver_after", "delivered_at")
    return WebhookMessageOut(
        message=row.id,
        endpoint=_endpoint(row),
        attempts=[AttemptOut(**one._mapping) for one in attempts],
        **{name: getattr(row, name) for name in fields},
    )


async def replay(connection: AsyncConnection, jobs: App, message: UUID, *, actor: UUID) -> QueuedOut:
    """Send a given-up message again under its id. Raises NotFoundError, WebhookClosedError, NotDeadLetterError."""
    if not await store.replay(connection, message, actor=actor):
        row = await _message(connection, message)
        if not row.active:
            raise _closed(row.endpoint_id)
        raise NotDeadLetterError(f"message {message} is {row.state}: only one that was given up can be sent again")
    await enqueue(jobs, connection, DELIVER_WEBHOOK, arguments={"message": str(message)})
    return QueuedOut(message=message)


async def replay_all(connection: AsyncConnection, jobs: App, missed: Missed, *, actor: UUID) -> ReplayedOut:
    """Send what an endpoint, or the closed one it takes the place of, missed again, oldest first.

    Raises NotFoundError, WebhookClosedError, InvalidRequestError when the other one is open.
    """
    endpoint, source = missed.endpoint, missed.source
    await _require_open(connection, endpoint)
    if source is not None:
        await _require_closed(connection, source)
    again = await store.replay_all(connection, endpoint, source=source, actor=actor, limit=missed.limit)
    for message in again:
        await enqueue(jobs, connection, DELIVER_WEBHOOK, arguments={"message": str(message)})
    row = await store.endpoint(connection, source or endpoint)
    return ReplayedOut(replayed=len(again), left=row.failed if row else 0)


async def enqueue_orphans(engine: AsyncEngine, jobs: App) -> int:
    """Give a job to overdue messages that have none, the oldest first and at most ORPHANS_AT_ONCE; returns to how many.

    Their endpoint was paused, or their worker was stopped in the middle or gave up wrongly.
    """
    async with engine.begin() as connection:
        orphans = await store.orphans(connection, task=DELIVER_WEBHOOK, limit=ORPHANS_AT_ONCE)
        for message in orphans:
            await enqueue(jobs, connection, DELIVER_WEBHOOK, arguments={"message": str(message)})
    return len(orphans)


async def cancel(connection: AsyncConnection, decision_id: UUID) -> bool:
    """Take back the messages of a decision; False when it is too late for that."""
    return await store.cancel(connection, decision_id)


async def deliver(engine: AsyncEngine, client: httpx.AsyncClient, message: UUID, *, attempts: int) -> None:
    """Send one message. Does nothing when it was sent or cancelled before. Raises DeliveryError to be tried again.

    The message is marked as being sent, in a transaction of its own, before anything leaves: from then on an undo
    comes too late. A process that dies in between leaves the mark, and the job is run again by another.
    """
    # The undo window is judged by the database's clock alone; a job that woke early waits it out.
    while early := await _seconds_early(engine, message):  # noqa: ASYNC110 - no event tells that a moment has come
        await asyncio.sleep(early)
    async with engine.begin() as connection:
        row = await store.begin(connection, message)
    if row is None:
        return
    attempt = await _send(client, row, message) if row.active else Attempt("the endpoint was closed", None, None)
    final = not row.active or row.attempts + 1 >= attempts
    async with engine.begin() as connection:
        if attempt.error is None:
            if await store.mark_delivered(connection, message, attempt):
                await events.record(connection, "webhook.delivered", data={"message": str(message)})
            return
        await store.mark_attempted(connection, message, attempt, final=final)
        if final:
            await events.record(connection, "webhook.failed", data={"message": str(message)})
    if not final:
        raise DeliveryError(attempt.error)


async def _seconds_early(engine: AsyncEngine, message: UUID) -> float:
    async with engine.connect() as connection:
        return await store.seconds_early(connection, message) or 0.0


async def _send(client: httpx.AsyncClient, row: Any, message: UUID) -> Attempt:
    begun = time.monotonic()
    error, status = await _exchange(client, row, message)
    return Attempt(error, status, round(1000 * (time.monotonic() - begun)))


async def _exchange(client: httpx.AsyncClient, row: Any, message: UUID) -> tuple[str | None, int | None]:
    """Why it did not arrive, None where it did, and the status of the answer, if one came."""
    now = datetime.now(UTC)
    headers = {
        "Content-Type": "application/json",
        "webhook-id": str(message),
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(row.secret).sign(str(message), now, row.payload),
    }
    try:
        # The limit is on the whole exchange, and only the status is read: a receiver that drips or pours its answer
        # costs no more than one that is silent.
        async with (
            asyncio.timeout(client.timeout.read),
            client.stream("POST", row.url, content=row.payload.encode(), headers=headers) as answer,
        ):
            return None if answer.is_success else f"answered {answer.status_code}", answer.status_code
    except (TimeoutError, httpx.TimeoutException):
        return "no answer in time", None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return f"{type(error).__name__}: {error}"[:ERROR_CHARACTERS], None


def _payload(message: Message) -> str:
    return json.dumps(
        {"type": message.kind, "timestamp": datetime.now(UTC).isoformat(), "data": dict(message.data)},
        ensure_ascii=False,
    )


async def _store(connection: AsyncConnection, jobs: App, message: Message, *, endpoint: UUID, payload: str) -> UUID:
    stored = store.StoredMessage(
        id=new_id(),
        endpoint_id=endpoint,
        decision_id=message.decision_id,
        case_id=message.case_id,
        kind=message.kind,
        payload=payload,
        deliver_after=message.after,
    )
    await store.insert(connection, stored)
    arguments = {"message": str(stored.id)}
    await enqueue(jobs, connection, DELIVER_WEBHOOK, arguments=arguments, run_at=message.after)
    return stored.id


async def _message(connection: AsyncConnection, message: UUID) -> Row[Any]:
    row = await store.message(connection, message)
    if row is None:
        raise NotFoundError(f"there is no message {message}")
    return row


async def _require_open(connection: AsyncConnection, endpoint: UUID) -> Row[Any]:
    row = await store.endpoint(connection, endpoint)
    if row is None:
        raise NotFoundError(f"there is no webhook {endpoint}")
    if not row.active:
        raise _closed(endpoint)
    return row


async def _require_closed(connection: AsyncConnection, endpoint: UUID) -> None:
    row = await store.endpoint(connection, endpoint)
    if row is None:
        raise NotFoundError(f"from: there is no webhook {endpoint}")
    if row.active:
        raise InvalidRequestError(f"from: webhook {endpoint} is open; replay there what it missed, or close it first")


def _closed(endpoint: UUID) -> WebhookClosedError:
    return WebhookClosedError(f"webhook {endpoint} is closed and gets nothing more: add the address as a new one")


def _logged(row: Row[Any]) -> LoggedMessageOut:
    last = None
    if row.attempted_at is not None:
        last = AttemptOut(at=row.attempted_at, error=row.error, status=row.status, milliseconds=row.milliseconds)
    fields = ("message", "endpoint_id", "kind", "state", "case_id", "created_at", "deliver_after", "delivered_at")
    return LoggedMessageOut(**{name: getattr(row, name) for name in fields}, last=last)


def _endpoint(row: Row[Any]) -> EndpointRef:
    return EndpointRef(id=row.endpoint_id, url=row.url, active=row.active)
