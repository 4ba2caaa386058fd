"""A reply goes out once, under one Message-ID, whatever the mail server does and whoever dies on the way."""

import asyncio
import signal
import sys
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from service.escalations.workflow import Said, say
from service.replies.sending import workflow as sending
from service.replies.sending.workflow import Deliveries, pause, record_of
from service.settings import Settings
from service.sla import workflow as sla
from tests.service.escalations.steps import opened
from tests.service.intake.steps import mail
from tests.service.intake.steps import sent as posted
from tests.service.replies.post import Post
from tests.service.replies.steps import TEXT, act, delivery, done, due_now, written
from tests.service.steps import assert_error, query, rewrite, value


@pytest.fixture
async def record(app: FastAPI, database: str, colleague: httpx.AsyncClient) -> UUID:
    """A record whose replies nobody has to approve."""
    return await opened(app, database, source="user", trigger="user_report")


def events(database: str) -> list[str]:
    return [kind for (kind,) in query(database, "SELECT kind FROM events WHERE kind LIKE 'reply.%%' ORDER BY id")]


async def test_a_reply_arrives_as_it_was_seen_and_is_kept_with_the_record(
    record: UUID,
    colleague: httpx.AsyncClient,
    deliveries: Deliveries,
    post: Post,
    database: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    met = []

    async def note(_connection: object, escalation: UUID, target: str, *, actor: UUID | None) -> None:
        met.append((escalation, target, actor is not None))

    monkeypatch.setattr(sla, "met", note)
    reply = await written(colleague, record)
    sent = await done(colleague, reply, "send")
    assert sent["state"] == "sent"
    assert query(database, "SELECT * FROM escalation_messages") == [], "until it goes out it can be taken back"
    assert await deliveries.step() == 1
    [(recipients, mail)] = post.seen
    number = value(database, "SELECT number FROM escalations")
    assert recipients == ["robin@daily.example"]
    assert mail["Subject"] == f"[E-{number}] Your question"
    assert str(mail["From"]) == "Trust and Safety <trust@platform.example>"
    assert (mail["Reply-To"], mail["Content-Language"]) == ("trust@platform.example", "en")
    assert mail["Auto-Submitted"] is None
    assert mail.get_content().replace("\r\n", "\n").strip() == TEXT
    assert post.greeted == ["platform.example"]
    staff = [name for (name,) in query(database, "SELECT username FROM principals")]
    assert not [name for name in staff if name in mail.as_string()]
    said = query(database, "SELECT direction, kind, body, language FROM escalation_messages")
    assert said == [("outbound", "reply", TEXT, "en")]
    assert delivery(database) == ("delivered", 1, None)
    assert met == [(record, "first_response", True), (record, "next_update", True)]
    assert events(database) == ["reply.begun", "reply.sent", "reply.delivered"]
    assert await deliveries.step() == 0
    assert len(post.seen) == 1


async def test_a_server_that_fails_is_tried_again_under_the_same_id(
    record: UUID, colleague: httpx.AsyncClient, deliveries: Deliveries, post: Post, database: str
) -> None:
    await done(colleague, await written(colleague, record), "send")
    post.answers = ["451 busy", "drop", "250 OK"]
    for attempts, told in ((1, "answered 451 busy"), (2, "SMTPServerDisconnected")):
        await deliveries.step()
        state, tried, error = delivery(database)
        assert (state, tried) == ("pending", attempts)
        assert told in str(error)
        assert await deliveries.step() == 0, "not before its pause is over"
        due_now(database)
    await deliveries.step()
    assert delivery(database) == ("delivered", 3, None)
    [mail_id] = post.ids
    assert mail_id == value(database, "SELECT mail_id FROM reply_deliveries")
    assert value(database, "SELECT count(*) FROM escalation_messages") == 1
    assert [pause(number) for number in (1, 2, 3, 12)] == [3, 9, 27, 3600]


async def test_a_server_that_is_silent_costs_no_more_than_the_time_limit(
    record: UUID, colleague: httpx.AsyncClient, deliveries: Deliveries, post: Post, database: str
) -> None:
    await done(colleague, await written(colleague, record), "send")
    post.answers = ["slow"]
    async with asyncio.timeout(3):
        await deliveries.step()
    assert delivery(database) == ("pending", 1, "no answer in time")


async def test_what_was_taken_before_the_connection_broke_has_the_same_id_again(
    record: UUID, colleague: httpx.AsyncClient, deliveries: Deliveries, post: Post, database: str
) -> None:
    await done(colleague, await written(colleague, record), "send")
    post.answers = ["taken, drop"]
    await deliveries.step()
    assert delivery(database)[0] == "pending"
    due_now(database)
    await deliveries.step()
    assert len(set(post.ids)) == 1
    assert len(post.ids) == 2, "at least once: whoever gets it twice can tell by its id"


async def test_a_refusal_for_good_is_a_dead_letter_that_can_be_sent_again(
    record: UUID, colleague: httpx.AsyncClient, deliveries: Deliveries, post: Post, database: str
) -> None:
    await done(colleague, await written(colleague, record), "send")
    post.recipients = {"robin@daily.example": "550 no such mailbox"}
    await deliveries.step()
    [letter] = (await colleague.get("/v1/replies/dead-letters")).json()["letters"]
    assert letter["error"] == "robin@daily.example: answered 550 no such mailbox"
    post.recipients = {}
    again = await colleague.post(f"/v1/replies/deliveries/{letter['id']}/resend")
    assert (again.status_code, again.json()["state"]) == (202, "pending")
    await deliveries.step()
    assert post.ids == [value(database, "SELECT mail_id FROM reply_deliveries")]
    assert_error(await colleague.post(f"/v1/replies/deliveries/{letter['id']}/resend"), 409, "not_dead_letter")


async def test_the_last_try_is_the_last(
    record: UUID, colleague: httpx.AsyncClient, deliveries: Deliveries, post: Post, database: str
) -> None:
    await done(colleague, await written(colleague, record), "send")
    post.answers = ["451 busy"] * 9
    for _ in range(5):
        await deliveries.step()
        due_now(database)
    assert delivery(database) == ("failed", 3, "answered 451 busy")
    assert events(database)[-1] == "reply.failed"


async def test_of_several_recipients_only_those_who_miss_it_get_it_again(
    app: FastAPI, colleague: httpx.AsyncClient, deliveries: Deliveries, post: Post, database: str
) -> None:
    requester = {"name": "Robin Reader", "email": "robin@daily.example, desk@daily.example"}
    record = await opened(app, database, source="user", trigger="user_report", requester=requester)
    await done(colleague, await written(colleague, record), "send")
    post.recipients = {"desk@daily.example": "450 later"}
    await deliveries.step()
    assert delivery(database) == ("pending", 1, "desk@daily.example: answered 450 later")
    post.recipients = {}
    due_now(database)
    await deliveries.step()
    assert [recipients for recipients, _ in post.seen] == [["robin@daily.example"], ["desk@daily.example"]]
    assert len(set(post.ids)) == 1


async def test_two_workers_send_it_once(
    app: FastAPI, settings: Settings, record: UUID, colleague: httpx.AsyncClient, post: Post, database: str
) -> None:
    await done(colleague, await written(colleague, record), "send")
    workers = [Deliveries(app.state.engine, app.state.jobs, settings) for _ in range(3)]
    assert sum(await asyncio.gather(*(one.step() for one in workers))) == 1
    assert len(post.seen) == 1
    assert delivery(database) == ("delivered", 1, None)


async def test_what_a_dead_worker_had_in_hand_goes_to_another_and_its_late_word_changes_nothing(
    settings: Settings,
    record: UUID,
    colleague: httpx.AsyncClient,
    deliveries: Deliveries,
    post: Post,
    database: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await done(colleague, await written(colleague, record), "send")
    monkeypatch.setattr(sending, "send", killed)
    with pytest.raises(KeyboardInterrupt):
        await deliveries._next()
    monkeypatch.undo()
    assert delivery(database) == ("sending", 0, None)
    assert await deliveries.step() == 0, "it is not free before its time limit"
    assert_error(await act(colleague, {"id": reply_of(database), "escalation_id": record}, "undo"), 409, "reply_sent")
    due_now(database)
    assert await deliveries.step() == 1
    assert post.ids == [value(database, "SELECT mail_id FROM reply_deliveries")]
    assert value(database, "SELECT count(*) FROM escalation_messages") == 1


@pytest.mark.kill
async def test_a_worker_that_is_killed_in_the_middle_of_a_mail_loses_and_doubles_nothing(
    settings: Settings,
    record: UUID,
    colleague: httpx.AsyncClient,
    deliveries: Deliveries,
    post: Post,
    database: str,
) -> None:
    await done(colleague, await written(colleague, record), "send")
    post.answers = ["slow"]
    worker = await asyncio.create_subprocess_exec(sys.executable, "-c", WORKER, settings.model_dump_json())
    try:
        async with asyncio.timeout(60):
            while not post.greeted:  # noqa: ASYNC110 - the mail server hears of it in the middle of the mail
                await asyncio.sleep(0.02)
    finally:
        worker.kill()
        await worker.wait()
    assert worker.returncode == -signal.SIGKILL
    assert delivery(database) == ("sending", 0, None)
    assert await deliveries.step() == 0, "it may still be sent by whoever has it"
    due_now(database)
    assert await deliveries.step() == 1
    assert post.ids == [value(database, "SELECT mail_id FROM reply_deliveries")]
    assert value(database, "SELECT count(*) FROM escalation_messages") == 1
    assert delivery(database) == ("delivered", 1, None)


# A worker of its own process that sends one letter, with a time limit that the test does not wait for.
WORKER = """
import asyncio, json, sys
from service.db import create_engine
from service.jobs import create_jobs_app
from service.replies.sending.workflow import Deliveries
from service.settings import Settings
settings = Settings(**{**json.loads(sys.argv[1]), "smtp_timeout_seconds": 60})
url = settings.database_url
asyncio.run(Deliveries(create_engine(url, pool=4), create_jobs_app(url), settings).step())
"""


async def killed(*_values: object, **_more: object) -> None:
    raise KeyboardInterrupt


def reply_of(database: str) -> str:
    return str(value(database, "SELECT id FROM replies"))


async def test_a_reply_is_taken_back_within_its_window_and_never_goes_out(
    app: FastAPI, settings: Settings, record: UUID, colleague: httpx.AsyncClient, post: Post, database: str
) -> None:
    app.state.settings = settings.model_copy(update={"reply_undo_seconds": 60})
    reply = await written(colleague, record)
    sent = await done(colleague, reply, "send")
    assert sent["undo_until"] is not None
    worker = Deliveries(app.state.engine, app.state.jobs, app.state.settings)
    assert await worker.step() == 0
    back = await done(colleague, reply, "undo")
    assert back["state"] == "draft"
    due_now(database)
    assert await worker.step() == 0
    assert post.seen == []
    assert query(database, "SELECT * FROM escalation_messages") == []
    app.state.settings = settings
    await done(colleague, back, "send")
    await worker.step()
    assert len(post.seen) == 1
    assert_error(await act(colleague, back, "undo"), 409, "reply_sent")


async def test_receipts_and_questions_go_out_by_themselves_and_nothing_else_does(
    app: FastAPI, colleague: httpx.AsyncClient, deliveries: Deliveries, post: Post, database: str
) -> None:
    record = await opened(app, database, source="user", trigger="user_report", language="es")
    silent = await opened(app, database, requester={"name": "No address"})
    async with app.state.engine.begin() as connection:
        await say(connection, record, Said("outbound", "receipt", "Hemos recibido su mensaje.", "es"))
        await say(connection, record, Said("outbound", "receipt", "Ask for test-lead.", "en"))
        await say(connection, record, Said("internal", "note", "Nobody outside reads this."))
        await say(connection, silent, Said("outbound", "receipt", "Nobody to send it to.", "en"))
    for _ in range(3):
        await deliveries.step()
    [(recipients, mail)] = post.seen
    assert recipients == ["robin@daily.example"]
    assert str(mail["Subject"]).endswith("Hemos recibido su mensaje")
    assert mail["Auto-Submitted"] == "auto-generated"
    [letter] = (await colleague.get("/v1/replies/dead-letters")).json()["letters"]
    assert "test-lead" in letter["error"]
    refused = await colleague.post(f"/v1/replies/deliveries/{letter['id']}/resend")
    assert_error(refused, 422, "reply_refused")
    assert value(database, "SELECT count(*) FROM escalation_messages WHERE kind = 'reply'") == 0
    async with app.state.engine.begin() as connection:
        assert await record_of(connection, ["<other@x.example>", post.ids[0]]) == record
        assert await record_of(connection, ["<other@x.example>"]) is None


async def test_without_a_sender_sending_is_an_error(
    app: FastAPI, settings: Settings, record: UUID, colleague: httpx.AsyncClient, database: str
) -> None:
    reply = await written(colleague, record)
    for sender in ("none", "webhook"):
        app.state.settings = settings.model_copy(update={"reply_sender": sender})
        assert_error(await act(colleague, reply, "send"), 409, "no_sender")
    assert query(database, "SELECT * FROM reply_deliveries") == []


async def test_a_webhook_gets_the_reply_in_one_transaction(
    app: FastAPI,
    settings: Settings,
    colleague: httpx.AsyncClient,
    platform: httpx.AsyncClient,
    database: str,
) -> None:
    hook = {"url": "https://platform.test/hook", "kinds": ["reply.sent"]}
    assert (await platform.post("/v1/webhooks", json=hook)).status_code == 201
    app.state.settings = settings.model_copy(update={"reply_sender": "webhook"})
    record = await opened(app, database, source="user", trigger="user_report", requester={"name": "Robin Reader"})
    await done(colleague, await written(colleague, record, recipients=[]), "send")
    worker = Deliveries(app.state.engine, app.state.jobs, app.state.settings)
    assert await worker.step() == 1
    assert await worker.step() == 0
    [payload] = [one for (one,) in query(database, "SELECT payload FROM outbox")]
    assert "took the posts down" in payload
    assert "test-specialist" not in payload
    assert delivery(database) == ("delivered", 1, None)


async def test_what_was_written_for_another_sender_goes_by_the_one_that_is_set_up(
    record: UUID, colleague: httpx.AsyncClient, deliveries: Deliveries, post: Post, database: str
) -> None:
    await done(colleague, await written(colleague, record), "send")
    query(database, "UPDATE reply_deliveries SET sender = 'webhook'")
    await deliveries.step()
    assert len(post.seen) == 1
    assert value(database, "SELECT sender FROM reply_deliveries WHERE state = 'delivered'") == "smtp"


async def test_an_answer_to_a_reply_finds_its_record_and_wakes_it(
    record: UUID,
    colleague: httpx.AsyncClient,
    platform: httpx.AsyncClient,
    deliveries: Deliveries,
    post: Post,
    database: str,
) -> None:
    await done(colleague, await written(colleague, record), "send")
    await deliveries.step()
    [ours] = post.ids
    rewrite(database, "UPDATE escalations SET status = 'waiting', waiting_for = 'requester'")
    answer = await posted(
        platform, mail("It is still there.", In_Reply_To=ours, References=f"<other@x.example> {ours}")
    )
    assert (answer["outcome"], answer["number"]) == ("joined", value(database, "SELECT number FROM escalations"))
    assert value(database, "SELECT status FROM escalations") == "new", "it goes on with whoever takes it"
    back = await posted(platform, mail("Text", Message_ID=ours, Subject="[E-1] ours"))
    assert back["outcome"] == "set_aside", "it is our own"


async def test_a_letter_never_becomes_another_text(record: UUID, colleague: httpx.AsyncClient, database: str) -> None:
    await done(colleague, await written(colleague, record), "send")
    with pytest.raises(Exception, match="stays as it is"):
        query(database, "UPDATE reply_deliveries SET body = 'another'")
