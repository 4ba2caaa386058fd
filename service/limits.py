"""Limits on what callers ask for: how large a body may be, and how many long answers are made at once."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors.availability import OverloadedError
from service.errors.requests import BodyTooLargeError

MEDIA_UPLOAD = "/v1/media"
MAIL = "/v1/mail"
VIEWS_BATCH = "/v1/subjects/views"

# Room for the multipart frame around a file, which has its own limit.
FRAME_BYTES = 10_000

# Long answers of one kind that a process makes at once: each keeps a connection of the pool for as long as it takes.
AT_ONCE = 2
COME_BACK_SECONDS = 2


class Turns:
    """Counts the long answers under way in this process, by what they are."""

    def __init__(self, most: int = AT_ONCE) -> None:
        self._most = most
        self._running: Counter[str] = Counter()

    @contextmanager
    def of(self, what: str, most: int | None = None) -> Iterator[None]:
        """Take one turn while the block lasts, of at most `most`. Raises OverloadedError."""
        most = most or self._most
        if self._running[what] >= most:
            raise OverloadedError(
                f"{most} {what} are being made already; try again in a moment", retry_after=COME_BACK_SECONDS
            )
        self._running[what] += 1
        try:
            yield
        finally:
            self._running[what] -= 1


def turn_of(what: str, most: int | None = None) -> Callable[[Request], AsyncIterator[None]]:
    """A dependency that takes a turn, of AT_ONCE or `most`; it has to stand before any that takes a connection."""

    async def turn(request: Request) -> AsyncIterator[None]:
        with request.app.state.turns.of(what, most):
            yield

    return turn


# Long periods and plans are long sums, for the API and for pages alike: a few at once, so that claims and reports keep their
# connections.
ScorecardTurn = Annotated[None, Depends(turn_of("scorecards"))]
PlanResultsTurn = Annotated[None, Depends(turn_of("results of plans"))]


class LimitBody:
    """Answers 413 when a body is larger than its address allows."""

    def __init__(self, app: ASGIApp, *, most: int, most_at: Mapping[str, int]) -> None:
        self._app = app
        self._most = most
        self._most_at = most_at

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = self._most_at.get(scope["path"], self._most)
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > most:
            await _refuse(send, most)
            return
        received = 0

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > most:
                raise BodyTooLargeError(_words(most))
            return message

        await self._app(scope, limited, send)


def _words(most: int) -> str:
    return f"the body is larger than {most:,} bytes, the limit of this address"


async def _refuse(send: Send, most: int) -> None:
    body = json.dumps({"error": BodyTooLargeError.code, "detail": _words(most)}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": BodyTooLargeError.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
