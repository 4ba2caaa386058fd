"""Mails: read whatever they look like, taken to the right record once, believed only where a trusted host vouches."""

from collections.abc import AsyncIterator
from email.message import EmailMessage

import httpx
import pytest

from labeling.taxonomy import Taxonomy
from service.intake.mails.workflow import ANSWERED_IN_AN_HOUR
from service.settings import Settings
from tests.conftest import bearer, client_of, running_app
from tests.service.intake.steps import CHILD_SAFETY, NOTICE, PRESS, filed, mail, record, said, sent, without
from tests.service.media.pictures import jpeg, scene
from tests.service.steps import assert_error, query, rewrite, value


def reply(to: str, text: str = "Here it is.", **headers: str) -> EmailMessage:
    """A mail whose subject or references name a record."""
    return mail(text, **{"Subject": f"Re: your notice [{to}]", **headers})


async def test_a_mail_opens_a_record_and_is_answered(platform: httpx.AsyncClient, database: str) -> None:
    answer = await sent(platform, mail(Content_Language="es"))

    assert answer["outcome"] == "opened"
    row = record(database, answer["number"])
    assert (row["source"], row["trigger"], row["title"]) == ("user", "user_report", "A post about me")
    assert row["fields"]["urls"] == "https://platform.example/posts/7"
    assert row["requester"]["email"] == "ana@people.example"
    inbound, receipt = said(database, answer["number"])
    assert inbound == ("inbound", "mail", "Please look at https://platform.example/posts/7.")
    assert receipt[:2] == ("outbound", "receipt")
    assert "Hemos recibido" in receipt[2]


async def test_the_same_message_again_changes_nothing(platform: httpx.AsyncClient, database: str) -> None:
    first, again = await sent(platform, mail()), await sent(platform, mail())

    assert again == {**first, "again": True}
    assert value(database, "SELECT count(*) FROM escalations") == 1
    assert len(said(database, first["number"])) == 2


@pytest.mark.parametrize(
    ("headers", "source", "trigger", "status"),
    [
        ({"To": "press@platform.example"}, "press", "press_query", "new"),
        ({"From": "order@north.regulator.example"}, "regulator", "regulator_direction", "new"),
        ({"From": "order@notregulator.example"}, "user", "user_report", "new"),
        ({"To": "copyright@platform.example"}, "rights_holder", "copyright_notice", "needs_information"),
        (
            {"To": "x@platform.example", "Cc": "childsafety@platform.example"},
            "user",
            "child_sexual_exploitation",
            "new",
        ),
    ],
)
async def test_addresses_tell_the_source(
    platform: httpx.AsyncClient, database: str, headers: dict[str, str], source: str, trigger: str, status: str
) -> None:
    row = record(database, (await sent(platform, mail(**headers)))["number"])

    assert (row["source"], row["trigger"], row["status"]) == (source, trigger, status)
    assert (row["path"] == "child_safety") == (trigger == "child_sexual_exploitation")


async def test_an_answer_goes_to_its_record_and_wakes_it(platform: httpx.AsyncClient, database: str) -> None:
    asked = await filed(platform, without(NOTICE, "good_faith"))
    [(question,)] = query(database, "SELECT id FROM escalation_messages WHERE kind = 'question'")
    by_number = await sent(platform, reply(asked["reference"]))
    assert by_number == {
        "outcome": "joined",
        "number": asked["number"],
        "reference": asked["reference"],
        "again": False,
    }
    assert record(database, asked["number"])["status"] == "new"

    rewrite(database, "UPDATE escalations SET status = 'waiting'")
    other = await filed(platform, PRESS)
    headers = {"Subject": f"Re: [{other['reference']}]", "In_Reply_To": f"<{question}@platform.example>"}
    answer = await sent(platform, mail("More.", **headers))
    assert answer["number"] == asked["number"], "what it answers counts before what stands in its subject"
    assert record(database, asked["number"])["status"] == "new"
    assert said(database, asked["number"])[-1] == ("inbound", "mail", "More.")
    assert [kind for _, kind, _ in said(database, asked["number"])].count("receipt") == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Precedence": "auto_reply"},
        {"Return_Path": "<>"},
        {"From": "MAILER-DAEMON@people.example"},
    ],
)
async def test_machines_are_never_answered_and_wake_nothing(
    platform: httpx.AsyncClient, colleague: httpx.AsyncClient, database: str, headers: dict[str, str]
) -> None:
    aside = await sent(platform, mail("I am away.", **headers))
    assert aside == {"outcome": "set_aside", "number": None, "reference": None, "again": False}
    [kept] = (await colleague.get("/v1/mail")).json()["mails"]
    assert kept["body"] == "I am away."
    assert value(database, "SELECT count(*) FROM escalations") == 0

    asked = await filed(platform, without(NOTICE, "good_faith"))
    joined = await sent(platform, reply(asked["reference"], **headers))
    assert joined["number"] == asked["number"]
    assert record(database, asked["number"])["status"] == "needs_information"
    assert [one[:2] for one in said(database, asked["number"])] == [
        ("outbound", "receipt"),
        ("outbound", "question"),
        ("inbound", "mail"),
    ]


async def test_a_bounce_is_known_by_the_message_inside_and_our_own_mail_by_its_id(
    platform: httpx.AsyncClient, colleague: httpx.AsyncClient, database: str
) -> None:
    asked = await filed(platform, PRESS)
    [(receipt,)] = query(database, "SELECT id FROM escalation_messages WHERE kind = 'receipt'")
    ours = f"Message-ID: <{receipt}@platform.example>\r\nFrom: help@platform.example\r\nSubject: Receipt\r\n\r\nText"
    bounce = (
        "From: postmaster@people.example\r\nSubject: Undeliverable\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="x"\r\n\r\n'
        "--x\r\nContent-Type: text/plain\r\n\r\nNobody is there.\r\n"
        "--x\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; a.example\r\n\r\nAction: failed\r\n"
        f"--x\r\nContent-Type: message/rfc822\r\n\r\n{ours}\r\n--x--\r\n"
    )
    assert (await sent(platform, bounce.encode()))["number"] == asked["number"]
    text = said(database, asked["number"])[-1][2]
    assert "Nobody is there." in text
    assert "Reporting-Mta: dns; a.example" in text
    lost = f"From: mailer-daemon@x.example\r\nSubject: Undeliverable\r\n\r\nSubject: [{asked['reference']}] Receipt"
    assert (await sent(platform, lost.encode()))["number"] == asked["number"]
    assert (await sent(platform, ours.encode()))["outcome"] == "set_aside"
    [kept] = (await colleague.get("/v1/mail")).json()["mails"]
    assert kept["subject"] == kept["body"] == "", "what we wrote may be about something that not everybody may see"


async def test_list_mail_opens_a_record_unanswered_and_a_flood_is_answered_a_few_times(
    platform: httpx.AsyncClient, database: str
) -> None:
    listed = await sent(platform, mail("To all members.", Precedence="list"))
    assert [one[0] for one in said(database, listed["number"])] == ["inbound"]

    numbers = [
        (await sent(platform, mail(f"Again {one}", From="loop@bot.example")))["number"]
        for one in range(ANSWERED_IN_AN_HOUR + 2)
    ]
    receipts = [number for number in numbers if len(said(database, number)) > 1]
    assert receipts == numbers[:ANSWERED_IN_AN_HOUR]


async def test_mail_about_something_resolved_opens_a_record_as_closed_and_linked(
    platform: httpx.AsyncClient, database: str
) -> None:
    first = await filed(platform, CHILD_SAFETY)
    rewrite(
        database,
        "UPDATE escalations SET status = 'resolved', resolution = 'answered', resolved_at = now(), trigger = 'dsa_notice'",
    )
    again = await sent(platform, reply(first["reference"], "It is up again."))

    assert again["outcome"] == "opened"
    row = record(database, again["number"])
    assert (row["confidentiality"], row["path"]) == ("restricted", "child_safety")
    old = record(database, first["number"])["id"]
    assert query(database, "SELECT other_id::text FROM escalation_links WHERE escalation_id = %s", row["id"]) == [
        (old,)
    ]


async def test_files_go_through_the_media_pipeline_and_the_rest_is_listed(
    platform: httpx.AsyncClient, colleague: httpx.AsyncClient, database: str
) -> None:
    message = mail()
    message.add_attachment(jpeg(scene()), maintype="image", subtype="jpeg", filename="shot.jpg")
    message.add_attachment(b"%PDF-1.7 an order", maintype="application", subtype="pdf", filename="order.pdf")
    message.add_attachment(b"\xff\xd8\xff broken", maintype="image", subtype="jpeg", filename="broken.jpg")
    answer = await sent(platform, message)

    escalation = record(database, answer["number"])["id"]
    [shown] = (await colleague.get(f"/v1/escalations/{escalation}/mails")).json()
    names = {one["name"]: one["media"] for one in shown["attachments"]}
    assert names["order.pdf"] is None
    kept = query(database, "SELECT media_id::text, name FROM escalation_attachments")
    assert (names["shot.jpg"], "shot.jpg") in kept
    assert {name for _, name in kept} <= {"shot.jpg", "broken.jpg"}
    assert all(len(one["sha256"]) == 64 for one in shown["attachments"])


async def test_nothing_of_child_safety_is_stored_as_a_picture(platform: httpx.AsyncClient, database: str) -> None:
    message = mail(To="childsafety@platform.example")
    message.add_attachment(jpeg(scene()), maintype="image", subtype="jpeg", filename="shot.jpg")
    await sent(platform, message)

    assert value(database, "SELECT count(*) FROM media") == 0
    assert value(database, "SELECT attachments->0->>'name' FROM intake_mails") == "shot.jpg"


async def test_what_is_written_to_named_people_goes_to_nobody_else(
    platform: httpx.AsyncClient, colleague: httpx.AsyncClient, database: str
) -> None:
    known = await filed(platform, PRESS)
    message = reply(
        known["reference"], "This shows a child.", To="press@platform.example", Cc="childsafety@platform.example"
    )
    answer = await sent(platform, message)
    assert (answer["outcome"], record(database, answer["number"])["path"]) == ("opened", "child_safety")
    assert len(said(database, known["number"])) == 1

    away = await sent(platform, mail("Our case 7.", To="childsafety@platform.example", Auto_Submitted="auto-replied"))
    assert away["outcome"] == "set_aside"
    assert (await colleague.get("/v1/mail")).json()["mails"] == []
    query(
        database,
        "INSERT INTO path_members (path, principal_id) SELECT 'child_safety', id FROM principals WHERE username = 'test-specialist'",
    )
    [seen] = (await colleague.get("/v1/mail")).json()["mails"]
    assert seen["body"] == "Our case 7."


@pytest.fixture
async def trusting(settings: Settings, taxonomy: Taxonomy, keys: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """A machine whose service believes one host, and takes small mails only."""
    changed = settings.model_copy(update={"mail_trusted_hosts": "mx.platform.example", "mail_max_bytes": 2_000})
    async with running_app(changed, taxonomy) as app, client_of(app) as caller:
        caller.headers.update(bearer(keys["platform"]))
        yield caller


async def test_a_sender_is_believed_only_by_the_word_of_a_trusted_host(
    trusting: httpx.AsyncClient, database: str
) -> None:
    good = "mx.platform.example; dkim=pass header.d=people.example; spf=fail smtp.mailfrom=elsewhere.example"
    cases = {
        good: True,
        "mx.platform.example; spf=pass smtp.mailfrom=ana@people.example": True,
        "mx.platform.example; dkim=pass header.d=elsewhere.example": False,
        "mx.platform.example; dkim=fail header.d=people.example": False,
        "mx.stranger.example; dkim=pass header.d=people.example": False,
        "mx.stranger.example; none\r\nAuthentication-Results: " + good: False,
        "mx.platform.example; dkim=pass header.d=notpeople.example": False,
        "": False,
    }
    for number, (results, verified) in enumerate(cases.items()):
        header = f"Authentication-Results: {results}\r\n" if results else ""
        raw = f"{header}From: ana@people.example\r\nSubject: {number}\r\n\r\nText"
        await sent(trusting, raw.encode())
        found = value(database, "SELECT verified FROM intake_mails WHERE subject = %s", str(number))
        assert found == verified, results


async def test_what_is_no_mail_is_refused(trusting: httpx.AsyncClient, database: str) -> None:
    headers = {"Content-Type": "message/rfc822"}
    for content in (b"", b"no headers at all", b"\x00\xff" * 50):
        assert_error(await trusting.post("/v1/mail", content=content, headers=headers), 422, "mail_unreadable")
    large = mail("x" * 3_000).as_bytes()
    assert_error(await trusting.post("/v1/mail", content=large, headers=headers), 413, "body_too_large")
    assert_error(await trusting.post("/v1/mail", content=mail().as_bytes()), 422, "invalid_request")
    assert value(database, "SELECT count(*) FROM intake_mails") == 0
