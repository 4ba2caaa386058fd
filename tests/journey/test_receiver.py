"""The receiver that the kill tests trust: what a killed sender left half said is no delivery, and no forgery."""

import json
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.journey.receiver import Inbox, listening

BODY = json.dumps({"decision_id": "d1"}).encode()


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with listening() as made:
        made.secret = "whsec_" + "c2VjcmV0" * 4
        yield made


def answer_to(inbox: Inbox, body: bytes) -> bytes:
    """What the receiver says to a sender that promises BODY, sends `body` and then says no more."""
    address = urlsplit(inbox.url)
    head = (
        f"POST {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\nwebhook-id: m1\r\nwebhook-timestamp: 0\r\n"
        f"webhook-signature: v1,bm8=\r\ncontent-length: {len(BODY)}\r\n\r\n"
    )
    with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=10) as connection:
        connection.sendall(head.encode() + body)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(1024), b""))


@pytest.mark.parametrize("length", range(0, len(BODY), 5))
def test_what_breaks_off_is_neither_delivered_nor_forged(inbox: Inbox, length: int) -> None:
    assert answer_to(inbox, BODY[:length]) == b""
    assert (inbox.forged, inbox.deliveries) == (0, [])


def test_a_whole_delivery_with_a_wrong_signature_is_forged(inbox: Inbox) -> None:
    assert b" 503 " in answer_to(inbox, BODY)
    assert (inbox.forged, inbox.deliveries) == (1, [])
