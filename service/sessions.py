"""Sessions of people: the cookie that holds one, who it belongs to, and when it ends."""

import hashlib
import ipaddress
from dataclasses import dataclass
from typing import Any, Literal

from fastapi import Request
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.db import fetch, fetch_together

SESSION_COOKIE = "triage_session"
# A browser takes this name only over HTTPS, for this very host and the whole of it: no other host can plant one
# (RFC 6265bis, 4.1.3.2).
SECURE_SESSION_COOKIE = f"__Host-{SESSION_COOKIE}"

# Sent with what a page asks for by itself: that a page is open is no use of a session. A stream of news cannot send it, and
# is told by what it takes (HTML standard, 9.2.2).
BACKGROUND = "triage-background"
EVENT_STREAM = "text/event-stream"

# One statement, as every request waits for it; `stale` says that the last use is worth writing down.
_BY_SESSION = text(
    "SELECT p.id, p.username, p.role, s.used_at < now() - interval '1 minute' AS stale"
    " FROM sessions s JOIN principals p ON p.id = s.principal_id"
    " WHERE s.token_hash = :hash AND s.revoked_at IS NULL AND s.expires_at > now()"
    " AND s.used_at > now() - make_interval(mins => :idle) AND p.active"
)
# Of requests that come together one writes and none waits.
_USED = text("""
    UPDATE sessions SET used_at = now() WHERE token_hash = (
        SELECT token_hash FROM sessions WHERE token_hash = :hash AND used_at < now() - interval '1 minute'
        FOR UPDATE SKIP LOCKED
    ) RETURNING true
""")
_ENDED = text("""
    SELECT CASE WHEN revoked_at IS NOT NULL OR expires_at <= now() THEN 'ended'
                WHEN used_at <= now() - make_interval(mins => :idle) THEN 'idle' END AS how
    FROM sessions WHERE token_hash = :hash
""")

# Words of the sign-in page, see service/pages/failures.py.
Ended = Literal["idle", "ended"]


@dataclass(frozen=True, slots=True)
class Cookie:
    """What the session is called in this browser, and whether it may travel over plain HTTP."""

    name: str
    secure: bool


def session_cookie(request: Request) -> Cookie:
    """The cookie that counts for this request; one of the other name counts for nothing.

    It is for HTTPS alone unless the browser runs on this very machine, or the settings say otherwise.
    """
    secure = request.app.state.settings.secure_cookies
    if secure is None:
        secure = request.url.scheme == "https" or not _is_loopback(request.url.hostname or "")
    return Cookie(SECURE_SESSION_COOKIE if secure else SESSION_COOKIE, secure)


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def session_token(request: Request) -> str | None:
    """The token that the browser sent, known or not."""
    return request.cookies.get(session_cookie(request).name)


def token_hash(token: str) -> bytes:
    """How keys and session tokens are stored. They are random, so a plain fast hash is enough."""
    return hashlib.sha256(token.encode()).digest()


async def find_session(request: Request, connection: AsyncConnection, token: str) -> Any | None:
    """Who the session belongs to, as (id, username, role); None for one that is unknown or has ended.

    Notes that it was used, once a minute and not for what a page asks for by itself.
    """
    hashed = token_hash(token)
    idle = request.app.state.settings.session_idle_minutes
    # Mostly the first statement of its transaction: together, so that the BEGIN is no round trip of its own.
    [rows] = await fetch_together(connection, (_BY_SESSION, {"hash": hashed, "idle": idle}))
    if not rows:
        return None
    by_itself = BACKGROUND in request.headers or request.headers.get("accept") == EVENT_STREAM
    if rows[0].stale and not by_itself:
        await fetch(connection, _USED, {"hash": hashed})
    return rows[0]


async def how_it_ended(request: Request, connection: AsyncConnection) -> Ended | None:
    """Why the session that the browser still holds is over; None where it holds none, or one that nobody knows."""
    token = session_token(request)
    if token is None:
        return None
    idle = request.app.state.settings.session_idle_minutes
    rows = await fetch(connection, _ENDED, {"hash": token_hash(token), "idle": idle})
    return rows[0].how if rows else None
