"""Mail goes to the server that was meant, signed in and encrypted, or not at all."""

import ssl
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from service.replies.mail import Mail, message, send
from service.settings import Settings
from tests.service.replies.post import post_office

MAIL = Mail(
    mail_id="<1@platform.example>",
    number=1042,
    recipients=["robin@daily.example"],
    subject="Ihre Anfrage – 質問",
    body="Guten Tag,\n\nwir sehen uns das an.\n.\n",
    language="de",
    automatic=False,
    written_at=datetime(2026, 11, 30, 12, 0, tzinfo=UTC),
)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of 127.0.0.1 and its key in one file."""
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    made += ["-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*made, "-keyout", path, "-out", path.with_suffix(".crt")], check=True, capture_output=True)
    path.write_text(path.read_text() + path.with_suffix(".crt").read_text())
    return path


def configured(port: int, **changes: object) -> Settings:
    values = {
        "reply_sender": "smtp",
        "smtp_host": "127.0.0.1",
        "smtp_port": port,
        "smtp_from": "trust@platform.example",
        "smtp_user": "triage",
        "smtp_password": SecretStr("a secret"),
        "smtp_timeout_seconds": 10,
    }
    return Settings.model_validate(values | changes)


async def test_it_signs_in_over_starttls_and_sends_exactly_the_text(certificate: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    async with post_office(tls=context, password="a secret") as post:
        outcome = await send(MAIL, configured(post.port, smtp_ca=certificate), to=MAIL.recipients)
        assert (outcome.error, outcome.accepted) == (None, ["robin@daily.example"])
        [(_, mail)] = post.seen
        assert mail["Subject"] == "[E-1042] Ihre Anfrage – 質問"
        assert mail.get_content().replace("\r\n", "\n") == MAIL.body
        wrong = configured(post.port, smtp_ca=certificate, smtp_password=SecretStr("another"))
        outcome = await send(MAIL, wrong, to=MAIL.recipients)
        assert (str(outcome.error)[:12], outcome.again) == ("answered 535", False)
        assert "another" not in str(outcome.error)
        # Nobody vouches for the certificate.
        outcome = await send(MAIL, configured(post.port), to=MAIL.recipients)
        assert outcome.error is not None
        assert outcome.again
        assert len(post.seen) == 1


async def test_nothing_goes_out_in_the_clear_where_the_server_has_no_tls() -> None:
    async with post_office() as post:
        outcome = await send(MAIL, configured(post.port), to=MAIL.recipients)
        assert outcome.error is not None
        assert post.seen == []


async def test_a_server_that_is_not_there_is_tried_again() -> None:
    async with post_office() as post:
        gone = post.port
    outcome = await send(MAIL, configured(gone, smtp_tls="none"), to=MAIL.recipients)
    assert outcome.again


async def test_what_no_mail_can_be_made_of_is_given_up_and_never_tried_for_ever() -> None:
    here = configured(1, smtp_tls="none")
    for wrong, to in ((replace(MAIL, subject="a\nb"), ["robin@daily.example"]), (MAIL, ["jörg@daily.example"])):
        outcome = await send(wrong, here, to=to)
        assert (outcome.error is not None, outcome.again) == (True, False)
    gone = await send(MAIL, configured(1, smtp_ca=Path("gone.pem")), to=MAIL.recipients)
    assert (str(gone.error)[:14], gone.again) == ("TRIAGE_SMTP_CA", True)


def test_a_header_cannot_be_smuggled_into_a_mail() -> None:
    with pytest.raises(ValueError, match=r"[Nn]ewline|linefeed"):
        message(replace(MAIL, subject="a\r\nBcc: all@else.example"), configured(1))
    made = message(replace(MAIL, body="Hello\r\nBcc: all@else.example\r\n\r\nX"), configured(1))
    assert made["Bcc"] is None
    assert made["To"] == "robin@daily.example"
