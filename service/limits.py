"""Bodies above the limit are refused while they stream in, before anything reads them whole."""

import json
from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import BodyTooLargeError

MEDIA_UPLOAD = "/v1/media"
VIEWS_BATCH = "/v1/subjects/views"

# Room for the multipart frame around a file, which has its own limit.
FRAME_BYTES = 10_000


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
