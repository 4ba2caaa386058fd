"""What was given up is listed, keeps every attempt, and is sent again under the same id."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from standardwebhooks import Webhook

from service.outbox.workflow import DeliveryError, Message, deliver, publish
from tests.service.outbox.receiver import Receiver, receiving
from tests.service.steps import Body, assert_error, claim, decided, query, report, row_counts, value


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


@pytest.fixture
async def endpoint(platform: httpx.AsyncClient, receiver: Receiver) -> Body:
    return dict((await platform.post("/v1/webhooks", json={"url": receiver.url})).json())


@pytest.fixture
async def sender() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
        yield client


async def send(app: FastAPI, sender: httpx.AsyncClient, message: UUID, *, attempts: int) -> None:
    """What the worker does with the job of a message, until it is delivered or given up."""
    for _ in range(attempts):
        try:
            await deliver(app.state.engine, sender, message, attempts=attempts)
        except DeliveryError:
            continue
        return


@pytest.fixture
async def given_up(
    app: FastAPI,
    endpoint: Body,
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    sender: httpx.AsyncClient,
    receiver: Receiver,
    database: str,
) -> list[UUID]:
    """Three messages of three decisions that the receiver refused twice each, oldest first."""
    receiver.answers = [500, 503] * 3
    for number in range(3):
        await report(platform, f"post-{number}")
        await decided(reviewer, await claim(reviewer))
    messages = [one for (one,) in query(database, "SELECT id FROM outbox ORDER BY created_at")]
    for message in messages:
        await send(app, sender, message, attempts=2)
    query(database, "DELETE FROM procrastinate_jobs")
    return messages


async def listed(platform: httpx.AsyncClient, **params: str | int) -> Body:
    answer = await platform.get("/v1/webhooks/dead-letters", params=params)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def replay(platform: httpx.AsyncClient, message: UUID) -> httpx.Response:
    return await platform.post(f"/v1/webhooks/dead-letters/{message}/replay")


async def test_given_up_messages_are_listed_oldest_first(
    platform: httpx.AsyncClient, given_up: list[UUID], endpoint: Body, receiver: Receiver, database: str
) -> None:
    body = await listed(platform)
    assert [one["message"] for one in body["dead_letters"]] == [str(one) for one in given_up]
    assert body["next"] is None
    first = body["dead_letters"][0]
    assert first["endpoint"] == {"id": endpoint["id"], "url": receiver.url, "active": True}
    assert (first["kind"], first["attempts"], first["error"]) == ("decision.made", 2, "answered 503")
    assert first["decision_id"] == str(value(database, "SELECT id FROM decisions ORDER BY decided_at LIMIT 1"))
    assert first["case_id"] == str(value(database, "SELECT case_id FROM decisions ORDER BY decided_at LIMIT 1"))


async def test_what_is_not_given_up_is_not_listed(
    platform: httpx.AsyncClient, given_up: list[UUID], database: str
) -> None:
    for message, state in zip(given_up, ("delivered", "pending", "cancelled"), strict=True):
        query(database, "UPDATE outbox SET state = %s WHERE id = %s", state, message)
    assert await listed(platform) == {"dead_letters": [], "next": None}


async def test_pages_follow_each_other_without_gap_or_repeat_even_when_one_was_replayed(
    platform: httpx.AsyncClient, given_up: list[UUID], database: str
) -> None:
    # The same moment for all: the id has to break the tie.
    query(database, "UPDATE outbox SET created_at = now()")
    first = await listed(platform, limit=1)
    assert (await replay(platform, UUID(first["next"]))).status_code == 202
    rest = await listed(platform, limit=2, after=first["next"])
    assert rest["next"] is None
    assert [one["message"] for one in rest["dead_letters"]] == [str(one) for one in sorted(given_up)[1:]]


async def test_a_page_after_nothing_that_exists_is_not_found(platform: httpx.AsyncClient) -> None:
    answer = await platform.get("/v1/webhooks/dead-letters", params={"after": str(uuid4())})
    assert_error(answer, 404, "not_found")


@pytest.mark.parametrize("params", [{"limit": 0}, {"limit": 201}, {"after": "x"}, {"endpoint": "x"}])
async def test_nonsense_is_refused(platform: httpx.AsyncClient, params: dict[str, str | int]) -> None:
    assert_error(await platform.get("/v1/webhooks/dead-letters", params=params), 422, "invalid_request")


async def test_a_list_can_be_of_one_endpoint(platform: httpx.AsyncClient, given_up: list[UUID], endpoint: Body) -> None:
    assert len((await listed(platform, endpoint=endpoint["id"]))["dead_letters"]) == len(given_up)
    assert (await listed(platform, endpoint=str(uuid4())))["dead_letters"] == []


async def test_a_replay_sends_the_same_message_with_a_fresh_signature(
    app: FastAPI,
    platform: httpx.AsyncClient,
    sender: httpx.AsyncClient,
    receiver: Receiver,
    endpoint: Body,
    given_up: list[UUID],
) -> None:
    before = len(receiver.seen)
    receiver.answers = [500]
    # A second later at least, so that a signature made earlier would be of another time.
    await asyncio.sleep(1.1)
    assert (await replay(platform, given_up[0])).json() == {"message": str(given_up[0])}
    await send(app, sender, given_up[0], attempts=5)
    mine = [(headers, body) for _, headers, body in receiver.seen if headers["webhook-id"] == str(given_up[0])]
    assert len(mine) == 4
    assert len(receiver.seen) == before + 2
    assert len({body for _, body in mine}) == 1
    for headers, body in mine:
        assert Webhook(endpoint["secret"]).verify(body, headers) == json.loads(body)
        assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
    assert int(mine[-1][0]["webhook-timestamp"]) > int(mine[0][0]["webhook-timestamp"])
    # A receiver that drops what it has seen, by id, gets each message once.
    assert len(set(receiver.ids)) == len(given_up)


async def test_a_replay_counts_attempts_anew_and_keeps_the_old_ones(
    app: FastAPI,
    platform: httpx.AsyncClient,
    sender: httpx.AsyncClient,
    receiver: Receiver,
    given_up: list[UUID],
    database: str,
) -> None:
    receiver.answers = [502, 200]
    await replay(platform, given_up[0])
    [(state, attempts)] = query(database, "SELECT state, attempts FROM outbox WHERE id = %s", given_up[0])
    assert (state, attempts) == ("pending", 0)
    await send(app, sender, given_up[0], attempts=2)
    told = (await platform.get(f"/v1/webhooks/messages/{given_up[0]}")).json()
    assert (told["state"], told["delivered_at"] is not None) == ("delivered", True)
    errors = [one["error"] for one in told["attempts"]]
    assert errors == [None, "answered 502", "answered 503", "answered 500"]
    assert [one["at"] for one in told["attempts"]] == sorted((one["at"] for one in told["attempts"]), reverse=True)


async def test_a_replay_leaves_one_job_and_one_event(
    platform: httpx.AsyncClient, given_up: list[UUID], database: str
) -> None:
    answers = await asyncio.gather(*(replay(platform, given_up[0]) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [202] + [409] * 5
    assert query(database, "SELECT args FROM procrastinate_jobs") == [({"message": str(given_up[0])},)]
    replayed = "SELECT data FROM events WHERE kind = 'webhook.replayed' AND actor IS NOT NULL"
    assert query(database, replayed) == [({"message": str(given_up[0])},)]


@pytest.mark.parametrize("state", ["pending", "sending", "delivered", "cancelled"])
async def test_only_what_was_given_up_is_sent_again(
    platform: httpx.AsyncClient, given_up: list[UUID], database: str, state: str
) -> None:
    query(database, "UPDATE outbox SET state = %s", state)
    before = row_counts(database)
    assert state in assert_error(await replay(platform, given_up[0]), 409, "not_dead_letter")
    assert row_counts(database) == before


async def test_nothing_is_sent_again_to_a_closed_endpoint(
    platform: httpx.AsyncClient, given_up: list[UUID], endpoint: Body, database: str
) -> None:
    await platform.delete(f"/v1/webhooks/{endpoint['id']}")
    before = row_counts(database)
    assert_error(await replay(platform, given_up[0]), 409, "webhook_closed")
    assert_error(await replay_all(platform, endpoint["id"]), 409, "webhook_closed")
    assert_error(await platform.post(f"/v1/webhooks/{endpoint['id']}/test"), 409, "webhook_closed")
    assert row_counts(database) == before
    assert [one["endpoint"]["active"] for one in (await listed(platform))["dead_letters"]] == [False] * 3


async def test_what_does_not_exist_is_not_found(platform: httpx.AsyncClient, database: str) -> None:
    before = row_counts(database)
    assert_error(await replay(platform, uuid4()), 404, "not_found")
    assert_error(await replay_all(platform, str(uuid4())), 404, "not_found")
    assert_error(await platform.post(f"/v1/webhooks/{uuid4()}/test"), 404, "not_found")
    assert_error(await platform.get(f"/v1/webhooks/messages/{uuid4()}"), 404, "not_found")
    assert row_counts(database) == before


async def replay_all(platform: httpx.AsyncClient, endpoint: str, **params: int) -> httpx.Response:
    return await platform.post(f"/v1/webhooks/{endpoint}/dead-letters/replay", params=params)


async def test_everything_an_endpoint_missed_is_sent_again_in_bounded_steps(
    platform: httpx.AsyncClient, given_up: list[UUID], endpoint: Body, database: str
) -> None:
    other = (await platform.post("/v1/webhooks", json={"url": "https://other.test/"})).json()
    assert (await replay_all(platform, other["id"])).json() == {"replayed": 0, "left": 0}
    assert (await replay_all(platform, endpoint["id"], limit=2)).json() == {"replayed": 2, "left": 1}
    waiting = query(database, "SELECT id FROM outbox WHERE state = 'pending' ORDER BY created_at")
    assert [one for (one,) in waiting] == given_up[:2]
    assert (await replay_all(platform, endpoint["id"])).json() == {"replayed": 1, "left": 0}
    assert value(database, "SELECT count(*) FROM procrastinate_jobs") == 3
    assert value(database, "SELECT count(*) FROM events WHERE kind = 'webhook.replayed'") == 3
    assert_error(await replay_all(platform, endpoint["id"], limit=1001), 422, "invalid_request")


async def test_another_endpoint_takes_over_what_a_closed_one_missed(
    app: FastAPI,
    platform: httpx.AsyncClient,
    client: httpx.AsyncClient,
    sender: httpx.AsyncClient,
    receiver: Receiver,
    given_up: list[UUID],
    endpoint: Body,
    database: str,
) -> None:
    other = (await platform.post("/v1/webhooks", json={"url": receiver.url})).json()
    path, body = f"/v1/webhooks/{other['id']}/dead-letters/replay", {"from": endpoint["id"]}
    assert_error(await platform.post(path, json=body), 422, "invalid_request")
    assert_error(await platform.post(path, json={"from": str(uuid4())}), 404, "not_found")
    assert (await platform.delete(f"/v1/webhooks/{endpoint['id']}")).status_code == 204
    told = (await client.get("/metrics")).text
    assert "triage_failed_webhooks 0.0" in told
    assert "triage_failed_webhooks_closed 3.0" in told
    assert (await platform.post(path, json=body, params={"limit": 2})).json() == {"replayed": 2, "left": 1}
    assert (await platform.post(path, json=body)).json() == {"replayed": 1, "left": 0}
    assert (await platform.post(path, json=body)).json() == {"replayed": 0, "left": 0}
    assert "triage_failed_webhooks_closed 0.0" in (await client.get("/metrics")).text
    before = {headers["webhook-id"]: body for _, headers, body in receiver.seen}
    receiver.answers = []
    for message in given_up:
        await send(app, sender, message, attempts=1)
    again = receiver.seen[-3:]
    assert {headers["webhook-id"]: body for _, headers, body in again} == before
    for _, headers, sent in again:
        assert Webhook(other["secret"]).verify(sent, headers)
    rows = query(database, "SELECT DISTINCT endpoint_id::text, state FROM outbox")
    assert rows == [(other["id"], "delivered")]
    sources = query(database, "SELECT DISTINCT data ->> 'from' FROM events WHERE kind = 'webhook.replayed'")
    assert sources == [(endpoint["id"],)]
    assert_error(await platform.post(f"/v1/webhooks/{endpoint['id']}/dead-letters/replay"), 409, "webhook_closed")


async def test_replays_at_once_send_each_message_again_once(
    platform: httpx.AsyncClient, given_up: list[UUID], endpoint: Body, database: str
) -> None:
    answers = await asyncio.gather(
        *(replay_all(platform, endpoint["id"]) for _ in range(5)), replay(platform, given_up[1])
    )
    assert sum(answer.json()["replayed"] for answer in answers[:5]) + (answers[5].status_code == 202) == 3
    jobs = [one["message"] for (one,) in query(database, "SELECT args FROM procrastinate_jobs")]
    assert sorted(jobs) == sorted(str(one) for one in given_up)


async def test_a_receiver_that_comes_back_gets_everything(
    app: FastAPI,
    platform: httpx.AsyncClient,
    sender: httpx.AsyncClient,
    receiver: Receiver,
    endpoint: Body,
    given_up: list[UUID],
) -> None:
    # Down at first: a port where nobody listens.
    with receiving() as gone:
        url = gone.url
    second = (await platform.post("/v1/webhooks", json={"url": url})).json()
    sent = (await platform.post(f"/v1/webhooks/{second['id']}/test")).json()["message"]
    await send(app, sender, UUID(sent), attempts=2)
    told = (await platform.get(f"/v1/webhooks/messages/{sent}")).json()
    assert told["state"] == "failed"
    assert all("ConnectError" in one["error"] for one in told["attempts"])
    # Then slow: it answers after the sender has lost patience, and so gets the message once more.
    receiver.hold.clear()
    async with httpx.AsyncClient(timeout=0.2, trust_env=False) as impatient:
        await replay(platform, given_up[2])
        await send(app, impatient, given_up[2], attempts=1)
    receiver.hold.set()
    assert {one["message"] for one in (await listed(platform))["dead_letters"]} >= {str(given_up[2]), sent}
    await replay_all(platform, endpoint["id"])
    for message in given_up:
        await send(app, sender, message, attempts=2)
    assert [one["message"] for one in (await listed(platform))["dead_letters"]] == [sent]
    assert set(receiver.ids) == {str(one) for one in given_up}


async def test_a_test_message_is_signed_and_means_nothing(
    app: FastAPI,
    platform: httpx.AsyncClient,
    sender: httpx.AsyncClient,
    receiver: Receiver,
    endpoint: Body,
    database: str,
) -> None:
    await platform.post("/v1/webhooks", json={"url": "https://other.test/"})
    answer = await platform.post(f"/v1/webhooks/{endpoint['id']}/test")
    assert answer.status_code == 202
    message = answer.json()["message"]
    assert query(database, "SELECT args FROM procrastinate_jobs") == [({"message": message},)]
    await send(app, sender, UUID(message), attempts=2)
    [(_, headers, body)] = receiver.seen
    verified = Webhook(endpoint["secret"]).verify(body, headers)
    assert (verified["type"], verified["data"]) == ("webhook.test", {})
    assert headers["webhook-id"] == message
    told = (await platform.get(f"/v1/webhooks/messages/{message}")).json()
    assert (told["kind"], told["decision_id"], told["case_id"]) == ("webhook.test", None, None)
    assert [one["error"] for one in told["attempts"]] == [None]


async def test_a_message_can_be_about_a_case_alone(
    app: FastAPI, platform: httpx.AsyncClient, endpoint: Body, database: str
) -> None:
    case = UUID((await report(platform))["case_id"])
    message = Message("case.shed", data={"case_id": str(case)}, case_id=case)
    async with app.state.engine.begin() as connection:
        await publish(connection, app.state.jobs, message)
    assert query(database, "SELECT kind, decision_id, case_id, state FROM outbox") == [
        ("case.shed", None, case, "pending")
    ]
    assert value(database, "SELECT deliver_after <= now() FROM outbox") is True
