"""A message is sent at least once, signed, under one id, and not one moment before the undo window has passed."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from standardwebhooks import Webhook, WebhookVerificationError

from service.outbox.workflow import DeliveryError, deliver
from tests.service.outbox.receiver import Receiver, receiving
from tests.service.steps import Body, claim, decided, query, report, row_counts, value


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


@pytest.fixture
async def endpoint(platform: httpx.AsyncClient, receiver: Receiver) -> Body:
    """The receiver, as an endpoint that the service knows."""
    return dict((await platform.post("/v1/webhooks", json={"url": receiver.url})).json())


@pytest.fixture
async def sender() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
        yield client


@pytest.fixture
async def message(endpoint: Body, platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str) -> UUID:
    """The message of a fresh decision."""
    await report(platform, text="ungehört – 听")
    await decided(reviewer, await claim(reviewer))
    found: UUID = value(database, "SELECT id FROM outbox")
    return found


def outbox(database: str) -> tuple[str, int, str | None]:
    [(state, attempts, error)] = query(database, "SELECT state, attempts, last_error FROM outbox")
    return state, attempts, error


async def test_message_and_job_are_stored_with_the_decision(message: UUID, database: str) -> None:
    [(job, after)] = query(database, "SELECT args, scheduled_at FROM procrastinate_jobs")
    assert job == {"message": str(message)}
    assert [(after,)] == query(database, "SELECT undo_until FROM decisions")
    assert [(after,)] == query(database, "SELECT deliver_after FROM outbox")
    assert outbox(database) == ("pending", 0, None)


async def test_message_arrives_signed(
    app: FastAPI, sender: httpx.AsyncClient, receiver: Receiver, endpoint: Body, message: UUID
) -> None:
    await deliver(app.state.engine, sender, message, attempts=3)
    [(path, headers, body)] = receiver.seen
    assert path == "/hook"
    assert headers["content-type"] == "application/json"
    assert headers["webhook-id"] == str(message)
    assert Webhook(endpoint["secret"]).verify(body, headers) == json.loads(body)
    with pytest.raises(WebhookVerificationError):
        Webhook(endpoint["secret"]).verify(body.replace(b"remove", b"restore"), headers)


async def test_message_says_what_was_decided_about_what(
    app: FastAPI, sender: httpx.AsyncClient, receiver: Receiver, message: UUID, database: str
) -> None:
    await deliver(app.state.engine, sender, message, attempts=3)
    told = json.loads(receiver.seen[0][2])
    assert told["type"] == "decision.made"
    data = told["data"]
    assert data["subject"] == {"id": "post-1", "kind": "post"}
    assert (data["actions"], data["policy_area"], data["severity"]) == (["remove"], "harassment", 2)
    assert data["reports"] == [str(value(database, "SELECT id FROM reports"))]
    assert data["decision_id"] == str(value(database, "SELECT id FROM decisions"))
    assert data["case_id"] == str(value(database, "SELECT id FROM cases"))


async def test_message_names_neither_staff_nor_content(
    app: FastAPI, sender: httpx.AsyncClient, receiver: Receiver, message: UUID, database: str
) -> None:
    await deliver(app.state.engine, sender, message, attempts=3)
    _, headers, body = receiver.seen[0]
    sent = body.decode() + str(headers)
    for username, person in query(database, "SELECT username, id FROM principals"):
        assert username not in sent
        assert str(person) not in sent
    assert "ungehört" not in sent
    assert "clear case" not in sent


async def test_a_delivered_message_is_noted_and_not_sent_again(
    app: FastAPI, sender: httpx.AsyncClient, receiver: Receiver, message: UUID, database: str
) -> None:
    for _ in range(3):
        await deliver(app.state.engine, sender, message, attempts=3)
    assert len(receiver.seen) == 1
    assert outbox(database) == ("delivered", 1, None)
    assert value(database, "SELECT count(*) FROM events WHERE kind = 'webhook.delivered'") == 1


async def test_a_refused_message_is_sent_again_under_the_same_id(
    app: FastAPI, sender: httpx.AsyncClient, receiver: Receiver, message: UUID, database: str
) -> None:
    receiver.answers = [500, 429]
    for attempt in (1, 2):
        with pytest.raises(DeliveryError):
            await deliver(app.state.engine, sender, message, attempts=5)
        state, attempts, error = outbox(database)
        assert (state in {"pending", "sending"}, attempts, bool(error)) == (True, attempt, True)
    await deliver(app.state.engine, sender, message, attempts=5)
    assert receiver.ids == [str(message)] * 3
    assert len({body for _, _, body in receiver.seen}) == 1
    assert outbox(database) == ("delivered", 3, None)


async def test_a_message_is_given_up_after_the_last_attempt(
    app: FastAPI, sender: httpx.AsyncClient, receiver: Receiver, message: UUID, database: str
) -> None:
    receiver.answers = [500] * 9
    for _ in range(2):
        with pytest.raises(DeliveryError):
            await deliver(app.state.engine, sender, message, attempts=3)
    await deliver(app.state.engine, sender, message, attempts=3)
    assert outbox(database) == ("failed", 3, "answered 500")
    assert value(database, "SELECT count(*) FROM events WHERE kind = 'webhook.failed'") == 1
    await deliver(app.state.engine, sender, message, attempts=3)
    assert len(receiver.seen) == 3


@pytest.mark.parametrize("status", [300, 301, 302, 307, 308, 400, 404, 410])
async def test_only_a_success_counts_and_no_redirect_is_followed(
    app: FastAPI, sender: httpx.AsyncClient, receiver: Receiver, message: UUID, database: str, status: int
) -> None:
    receiver.answers = [status]
    with pytest.raises(DeliveryError, match=str(status)):
        await deliver(app.state.engine, sender, message, attempts=3)
    assert [path for path, _, _ in receiver.seen] == ["/hook"]


async def test_a_receiver_that_is_not_there_is_tried_again(
    app: FastAPI, sender: httpx.AsyncClient, message: UUID, database: str
) -> None:
    query(database, "UPDATE webhook_endpoints SET url = 'http://127.0.0.1:9/hook'")
    with pytest.raises(DeliveryError, match="ConnectError"):
        await deliver(app.state.engine, sender, message, attempts=3)
    assert outbox(database)[1] == 1


async def test_a_receiver_that_does_not_answer_is_tried_again(app: FastAPI, receiver: Receiver, message: UUID) -> None:
    receiver.hold.clear()
    async with httpx.AsyncClient(timeout=0.2, trust_env=False) as impatient:
        with pytest.raises(DeliveryError, match="no answer in time"):
            await deliver(app.state.engine, impatient, message, attempts=3)


async def test_nothing_is_sent_before_its_time(
    app: FastAPI, sender: httpx.AsyncClient, receiver: Receiver, message: UUID, database: str
) -> None:
    query(database, "UPDATE outbox SET deliver_after = now() + interval '0.4 seconds'")
    started = time.monotonic()
    await deliver(app.state.engine, sender, message, attempts=3)
    assert time.monotonic() - started > 0.3
    assert len(receiver.seen) == 1


async def test_what_is_cancelled_while_it_waits_is_not_sent(
    app: FastAPI, sender: httpx.AsyncClient, receiver: Receiver, message: UUID, database: str
) -> None:
    query(database, "UPDATE outbox SET deliver_after = now() + interval '0.3 seconds'")
    waiting = asyncio.create_task(deliver(app.state.engine, sender, message, attempts=3))
    await asyncio.sleep(0.05)
    query(database, "UPDATE outbox SET state = 'cancelled'")
    await waiting
    assert receiver.seen == []


async def test_a_closed_endpoint_gets_nothing_more(
    app: FastAPI,
    platform: httpx.AsyncClient,
    sender: httpx.AsyncClient,
    receiver: Receiver,
    endpoint: Body,
    message: UUID,
    database: str,
) -> None:
    assert (await platform.delete(f"/v1/webhooks/{endpoint['id']}")).status_code == 204
    await deliver(app.state.engine, sender, message, attempts=3)
    assert receiver.seen == []
    assert outbox(database)[::2] == ("failed", "the endpoint was closed")


async def test_two_workers_with_one_message_note_one_delivery(
    app: FastAPI, sender: httpx.AsyncClient, receiver: Receiver, message: UUID, database: str
) -> None:
    await asyncio.gather(*(deliver(app.state.engine, sender, message, attempts=3) for _ in range(2)))
    assert set(receiver.ids) == {str(message)}
    assert outbox(database)[0] == "delivered"
    assert value(database, "SELECT count(*) FROM events WHERE kind = 'webhook.delivered'") == 1


async def test_a_message_whose_sender_died_is_sent_by_the_next(
    app: FastAPI, sender: httpx.AsyncClient, receiver: Receiver, message: UUID, database: str
) -> None:
    query(database, "UPDATE outbox SET state = 'sending'")
    await deliver(app.state.engine, sender, message, attempts=3)
    assert receiver.ids == [str(message)]


async def test_every_active_endpoint_gets_a_message_of_its_own(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, endpoint: Body, database: str
) -> None:
    closed = (await platform.post("/v1/webhooks", json={"url": "https://closed.test/"})).json()
    await platform.delete(f"/v1/webhooks/{closed['id']}")
    second = (await platform.post("/v1/webhooks", json={"url": "https://second.test/"})).json()
    await report(platform)
    await decided(reviewer, await claim(reviewer))
    to = {str(endpoint_id) for (endpoint_id,) in query(database, "SELECT endpoint_id FROM outbox")}
    assert to == {endpoint["id"], second["id"]}
    assert value(database, "SELECT count(DISTINCT id) FROM outbox") == 2


async def test_without_endpoints_a_decision_tells_nobody(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    await report(platform)
    await decided(reviewer, await claim(reviewer))
    counts = row_counts(database)
    assert (counts["decisions"], counts["outbox"], counts["procrastinate_jobs"]) == (1, 0, 0)


async def test_a_decision_that_nobody_was_told_of_is_counted(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, client: httpx.AsyncClient, database: str
) -> None:
    for number in range(2):
        await report(platform, f"post-{number}")
    made = await decided(reviewer, await claim(reviewer))
    events = query(database, "SELECT case_id, data FROM events WHERE kind = 'decision.untold'")
    assert events == [(value(database, "SELECT case_id FROM decisions"), {"decision": made["decision_id"]})]
    assert "triage_untold_decisions 1.0" in (await client.get("/metrics")).text
    await platform.post("/v1/webhooks", json={"url": "https://platform.test/hook"})
    await decided(reviewer, await claim(reviewer))
    assert value(database, "SELECT count(*) FROM events WHERE kind = 'decision.untold'") == 1
    assert "triage_untold_decisions 1.0" in (await client.get("/metrics")).text
    query(
        database,
        "INSERT INTO decision_undos (decision_id, undone_by) SELECT id, decided_by FROM decisions WHERE id = %s",
        made["decision_id"],
    )
    assert "triage_untold_decisions 0.0" in (await client.get("/metrics")).text
