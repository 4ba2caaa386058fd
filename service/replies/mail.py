"""Mail: one letter as RFC 5322 has it, and one try to hand it to a mail server."""

import asyncio
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from email.utils import format_datetime, formataddr

import aiosmtplib

from service.replies.shipped import phrases
from service.settings import Settings

# How much of a server's answer is kept as the reason of a failed attempt.
ERROR_CHARACTERS = 300
_PERMANENT = 500
_GOODBYE_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Mail:
    """What goes out: everything but the envelope is the same in every attempt."""

    mail_id: str
    number: int
    recipients: Sequence[str]
    subject: str
    body: str
    language: str
    automatic: bool
    written_at: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one try: which recipients' server took it, why not all did, and whether trying again could help."""

    accepted: Sequence[str] = ()
    error: str | None = None
    again: bool = False
    refused: Sequence[str] = field(default_factory=tuple)


def mail_id(settings: Settings, delivery: object) -> str:
    """The Message-ID of a delivery, in the domain of the role address."""
    return f"<{delivery}@{domain_of(settings)}>"


def domain_of(settings: Settings) -> str:
    """The domain that mail comes from."""
    return (settings.smtp_from or "").rpartition("@")[2] or "content-triage.invalid"


def team(settings: Settings, language: str) -> str:
    """Whom a reply is signed by."""
    said = phrases(language) or phrases("en")
    return settings.reply_team or (said.team if said else "")


def message(mail: Mail, settings: Settings) -> EmailMessage:
    """The mail itself: from a role address, with the record's number in the subject, and nothing about whoever wrote it."""
    made = EmailMessage(policy=WIRE)
    sender = settings.smtp_from or ""
    made["From"] = formataddr((team(settings, mail.language), sender))
    made["To"] = ", ".join(mail.recipients)
    made["Reply-To"] = settings.smtp_reply_to or sender
    made["Subject"] = f"[E-{mail.number}] {mail.subject}"
    made["Date"] = format_datetime(mail.written_at)
    made["Message-ID"] = mail.mail_id
    if mail.automatic:
        # So that no robot answers a robot (RFC 3834).
        made["Auto-Submitted"] = "auto-generated"
    made.set_content(mail.body, cte="quoted-printable")
    # After the text, with which every header about content begins anew.
    if mail.language != "und":
        made["Content-Language"] = mail.language
    return made


async def send(mail: Mail, settings: Settings, *, to: Sequence[str]) -> Outcome:
    """Hand a mail for these of its recipients to the mail server. Raises nothing: what went wrong is the outcome."""
    try:
        whole = message(mail, settings).as_bytes()
        tls = ssl.create_default_context(cafile=settings.smtp_ca) if settings.smtp_tls != "none" else None
    except (ValueError, MessageError) as error:
        return Outcome(error=_short(f"this cannot be written as a mail: {error}"))
    except OSError as error:
        return Outcome(error=_short(f"TRIAGE_SMTP_CA: {error}"), again=True)
    if strange := [one for one in to if not one.isascii()]:
        # Few mailboxes are reached by such names, and no server is asked for it.
        return Outcome(error=_short(f"{', '.join(strange)}: an address outside ASCII cannot be written to"))
    server = aiosmtplib.SMTP(
        hostname=settings.smtp_host,
        port=settings.smtp_port,
        use_tls=settings.smtp_tls == "tls",
        start_tls=settings.smtp_tls == "starttls",
        username=settings.smtp_user,
        password=settings.smtp_password.get_secret_value() if settings.smtp_password else None,
        # The name of this machine is nobody's business.
        local_hostname=domain_of(settings),
        timeout=settings.smtp_timeout_seconds,
        tls_context=tls,
    )
    try:
        # The limit is on the whole exchange: a server that drips its answers costs no more than one that is silent.
        async with asyncio.timeout(settings.smtp_timeout_seconds):
            await server.connect()
            refused, _ = await server.sendmail(settings.smtp_from or "", list(to), whole)
    except aiosmtplib.SMTPRecipientsRefused as error:
        return _partly(to, {one.recipient: (one.code, one.message) for one in error.recipients})
    except aiosmtplib.SMTPResponseException as error:
        # Wrong credentials and a refused sender are mended by a person, who then has it sent again.
        return Outcome(error=_short(f"answered {error.code} {error.message}"), again=error.code < _PERMANENT)
    except (TimeoutError, aiosmtplib.SMTPTimeoutError):
        return Outcome(error="no answer in time", again=True)
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        return Outcome(error=_short(f"{type(error).__name__}: {error}"), again=True)
    finally:
        await _part(server)
    return _partly(to, {address: (answer.code, answer.message) for address, answer in refused.items()})


async def _part(server: aiosmtplib.SMTP) -> None:
    """Say goodbye: whatever comes of that, what was taken was taken."""
    if server.is_connected:
        with suppress(TimeoutError, aiosmtplib.SMTPException, OSError):
            async with asyncio.timeout(_GOODBYE_SECONDS):
                await server.quit()
    server.close()


def _partly(to: Sequence[str], refused: dict[str, tuple[int, str]]) -> Outcome:
    accepted = [one for one in to if one not in refused]
    if not refused:
        return Outcome(accepted)
    told = "; ".join(f"{address}: answered {code} {text}" for address, (code, text) in refused.items())
    again = any(code < _PERMANENT for code, _ in refused.values())
    return Outcome(accepted, _short(told), again, tuple(refused))


def _short(text: str) -> str:
    return " ".join(text.split())[:ERROR_CHARACTERS]
