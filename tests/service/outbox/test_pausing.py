"""An endpoint is paused and goes on without losing a message, and chooses what it is sent; the log says what came of it."""

from collections.abc import AsyncIterator, Iterator
from typing import get_args
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI

from service.appeals.filing.workflow import APPEAL_FILED
from service.appeals.following.workflow import APPEAL_DECIDED
from service.cases.workflow import SHED, UNSHED
from service.crisis.notices.workflow import CRISIS_TOLD
from service.decisions.workflow import DECISION_MADE
from service.outbox.schemas import MessageKind
from service.outbox.workflow import deliver, enqueue_orphans
from service.pages.webhooks import KINDS
from service.replies.sending.workflow import KIND as REPLY_SENT
from service.statements.afterwards.workflow import STATEMENT_MADE
from tests.service.outbox.receiver import Receiver, receiving
from tests.service.steps import assert_error, claim, decided, query, report, value


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


@pytest.fixture
async def sender() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
        yield client


async def add(platform: httpx.AsyncClient, url: str, **fields: object) -> str:
    answer = await platform.post("/v1/webhooks", json={"url": url, **fields})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def test_what_can_be_chosen_is_what_is_sent() -> None:
    sent = {DECISION_MADE, SHED, UNSHED, APPEAL_FILED, APPEAL_DECIDED, REPLY_SENT, CRISIS_TOLD, STATEMENT_MADE}
    assert set(get_args(MessageKind)) == sent
    assert set(KINDS) - {"webhook.test"} == set(get_args(MessageKind))


async def test_what_waits_while_an_endpoint_is_paused_is_sent_when_it_goes_on(
    app: FastAPI,
    platform: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    receiver: Receiver,
    sender: httpx.AsyncClient,
    database: str,
) -> None:
    hook = await add(platform, receiver.url)
    paused = (await platform.patch(f"/v1/webhooks/{hook}", json={"paused": True})).json()
    assert paused["paused_at"] is not None
    # Pausing again does not begin anew.
    again = (await platform.patch(f"/v1/webhooks/{hook}", json={"paused": True})).json()
    assert again["paused_at"] == paused["paused_at"]
    assert_error(await platform.post(f"/v1/webhooks/{hook}/test"), 409, "webhook_paused")
    await report(platform)
    await decided(reviewer, await claim(reviewer))
    message: UUID = value(database, "SELECT id FROM outbox")
    query(database, "UPDATE outbox SET deliver_after = now() - interval '2 minutes'")
    await deliver(app.state.engine, sender, message, attempts=1)
    assert (receiver.seen, value(database, "SELECT state FROM outbox")) == ([], "pending")
    query(database, "UPDATE procrastinate_jobs SET status = 'succeeded'")
    assert await enqueue_orphans(app.state.engine, app.state.jobs) == 0
    going = (await platform.patch(f"/v1/webhooks/{hook}", json={"paused": False})).json()
    assert (going["paused_at"], going["pending"]) == (None, 1)
    assert await enqueue_orphans(app.state.engine, app.state.jobs) == 1
    await deliver(app.state.engine, sender, message, attempts=1)
    assert receiver.ids == [str(message)]
    [listed] = (await platform.get("/v1/webhooks")).json()["webhooks"]
    assert listed["last_success"] is not None
    assert (listed["attempts_24h"], listed["failed_24h"]) == (1, 0)
    [sent] = (await platform.get(f"/v1/webhooks/{hook}/messages")).json()["messages"]
    assert (sent["message"], sent["state"], sent["last"]["status"]) == (str(message), "delivered", 200)
    assert 0 <= sent["last"]["milliseconds"] < 2_000
    kinds = "SELECT data - 'endpoint' FROM events WHERE kind = 'webhook.changed' ORDER BY id"
    assert query(database, kinds) == [({"paused": True},), ({"paused": True},), ({"paused": False},)]


async def test_an_endpoint_is_sent_only_what_it_chose(
    platform: httpx.AsyncClient, reviewer: httpx.AsyncClient, database: str
) -> None:
    some = await add(platform, "https://some.test/", kinds=["case.shed", "case.shed"])
    every = await add(platform, "https://every.test/")
    await report(platform)
    await decided(reviewer, await claim(reviewer))
    assert query(database, "SELECT endpoint_id FROM outbox") == [(UUID(every),)]
    changed = (await platform.patch(f"/v1/webhooks/{some}", json={"kinds": ["decision.made"]})).json()
    assert changed["kinds"] == ["decision.made"]
    assert (await platform.patch(f"/v1/webhooks/{some}", json={"kinds": None})).json()["kinds"] is None
    wrong: list[dict[str, object]] = [{}, {"kinds": []}, {"kinds": ["decision.unmade"]}, {"url": "https://other.test/"}]
    for body in wrong:
        assert_error(await platform.patch(f"/v1/webhooks/{some}", json=body), 422, "invalid_request")
    await platform.delete(f"/v1/webhooks/{some}")
    assert_error(await platform.patch(f"/v1/webhooks/{some}", json={"paused": True}), 409, "webhook_closed")
    assert_error(await platform.patch(f"/v1/webhooks/{uuid4()}", json={"paused": True}), 404, "not_found")


async def test_the_log_of_an_endpoint_goes_page_by_page_and_by_state(
    platform: httpx.AsyncClient, database: str
) -> None:
    hook = await add(platform, "https://platform.test/")
    sent = [(await platform.post(f"/v1/webhooks/{hook}/test")).json()["message"] for _ in range(3)]
    query(database, "UPDATE outbox SET state = 'failed' WHERE id = %s", sent[0])
    address = f"/v1/webhooks/{hook}/messages"
    first = (await platform.get(address, params={"limit": 2})).json()
    then = (await platform.get(address, params={"limit": 2, "after": first["next"]})).json()
    assert [one["message"] for one in first["messages"] + then["messages"]] == sent[::-1]
    assert then["next"] is None
    [failed] = (await platform.get(address, params={"state": "failed"})).json()["messages"]
    assert (failed["message"], failed["last"]) == (sent[0], None)
    for wrong in (f"/v1/webhooks/{uuid4()}/messages", f"{address}?after={uuid4()}"):
        assert_error(await platform.get(wrong), 404, "not_found")
