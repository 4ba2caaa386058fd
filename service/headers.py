"""What every answer says about itself: data and files are nothing that a browser should run, frame or keep."""

from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# For whatever does not say otherwise itself, as pages do: opened as a document, such an answer can do nothing at all.
DEFAULTS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def fill_in(headers: MutableHeaders) -> None:
    """Add what is missing."""
    for name, value in DEFAULTS.items():
        headers.setdefault(name, value)


class SafeHeaders:
    """Adds the headers that an answer lacks."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                fill_in(MutableHeaders(scope=message))
            await send(message)

        await self._app(scope, receive, with_headers)
