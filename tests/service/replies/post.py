"""A mail server on this machine that does as a test wants: takes mail, refuses it, is slow, or breaks off."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session


@dataclass
class Post:
    """What came in, and what is answered next: a line of SMTP, "drop" to break off, or "slow"; 250 when none is left."""

    port: int = 0
    answers: list[str] = field(default_factory=list)
    recipients: dict[str, str] = field(default_factory=dict)
    seen: list[tuple[list[str], EmailMessage]] = field(default_factory=list)
    greeted: list[str] = field(default_factory=list)
    hold: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def ids(self) -> list[str]:
        """Message-ID of every mail that was taken."""
        return [str(mail["Message-ID"]) for _, mail in self.seen]

    async def handle_RCPT(  # noqa: N802 - named by the server
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        answer = self.recipients.get(address, "")
        if not answer:
            envelope.rcpt_tos.append(address)
        return answer or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.greeted.append(str(session.host_name))
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer == "slow":
            await self.hold.wait()
            return "250 OK"
        if answer in {"250 OK", "taken, drop"}:
            mail: Any = message_from_bytes(envelope.original_content or b"", policy=policy.default)
            self.seen.append((list(envelope.rcpt_tos), mail))
        if "drop" in answer:
            cast("asyncio.Transport", server.transport).abort()
        return answer


@asynccontextmanager
async def post_office(*, tls: ssl.SSLContext | None = None, password: str = "") -> AsyncIterator[Post]:
    """A mail server that listens until the block ends; with `tls` it takes mail over STARTTLS alone, and with a password."""
    post = Post()

    def vouch(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: Any) -> AuthResult:
        return AuthResult(success=given.password.decode() == password, handled=False)

    def make() -> SMTP:
        safe = tls is not None
        more: dict[str, Any] = {"tls_context": tls, "require_starttls": safe, "auth_required": bool(password)}
        return SMTP(post, hostname="mail.example", authenticator=vouch, **more)

    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
    post.port = server.sockets[0].getsockname()[1]
    try:
        yield post
    finally:
        post.hold.set()
        server.close()
        await asyncio.sleep(0)
