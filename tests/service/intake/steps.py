"""What tests of intake do again and again: file a form, send a mail, and look at what became of it."""

from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

import httpx

from tests.service.steps import Body, query

PRESS: Body = {
    "source": "press",
    "trigger": "press_query",
    "fields": {
        "question": "Why was this removed?",
        "requester_name": "Robin Reader",
        "requester_organisation": "The Daily",
        "requester_email": "robin@daily.example",
    },
    "language": "en",
}
NOTICE: Body = {
    "source": "trusted_flagger",
    "trigger": "dsa_notice",
    "fields": {
        "reasons": "It calls for violence against a group.",
        "urls": "https://platform.example/posts/1\nhttps://platform.example/posts/2",
        "requester_name": "Flag Centre",
        "requester_email": "desk@flag.example",
        "good_faith": "yes",
    },
    "language": "de",
}
CHILD_SAFETY: Body = {
    "source": "user",
    "trigger": "child_sexual_exploitation",
    "fields": {"urls": "https://platform.example/posts/9"},
}
COMPLAINT: Body = {
    "source": "advertiser",
    "trigger": "blocked_account",
    "fields": {
        "account_ids": "shop-1",
        "description": "Our page was blocked before the sale.",
        "requester_email": "ads@shop.example",
    },
}


async def filed(caller: httpx.AsyncClient, body: Body = PRESS, **changes: Any) -> Body:
    """File a form; it has to be taken in."""
    answer = await caller.post("/v1/escalations", json={**body, **changes})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def without(body: Body, *fields: str, **said: str) -> Body:
    """A form without some of its fields, and with others said otherwise."""
    kept = {name: value for name, value in body["fields"].items() if name not in fields}
    return {**body, "fields": {**kept, **said}}


def mail(text: str = "Please look at https://platform.example/posts/7.", **headers: str) -> EmailMessage:
    """A mail of a person; headers by name, `_` for `-`; an empty one is left out."""
    message = EmailMessage(policy=SMTP)
    known = {"From": "Ana Diaz <ana@people.example>", "To": "help@platform.example", "Subject": "A post about me"}
    known |= {name.replace("_", "-"): value for name, value in headers.items()}
    message.set_content(text)
    for name, value in known.items():
        if value:
            message[name] = value
    return message


async def sent(caller: httpx.AsyncClient, message: EmailMessage | bytes) -> Body:
    """Send a mail to the webhook; it has to be taken in."""
    content = message if isinstance(message, bytes) else message.as_bytes()
    answer = await caller.post("/v1/mail", content=content, headers={"Content-Type": "message/rfc822"})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def record(database: str, number: int) -> Body:
    """The row of a record."""
    [(found,)] = query(database, "SELECT to_jsonb(e) FROM escalations e WHERE number = %s", number)
    return dict(found)


def said(database: str, number: int) -> list[tuple[str, str, str]]:
    """(direction, kind, body) of its messages, oldest first."""
    statement = """
        SELECT m.direction, m.kind, m.body FROM escalation_messages m JOIN escalations e ON e.id = m.escalation_id
        WHERE e.number = %s ORDER BY m.written_at, m.id
    """
    return [(one[0], one[1], one[2]) for one in query(database, statement, number)]
