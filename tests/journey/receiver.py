"""A platform's end of the webhooks: a server on this machine that keeps every delivery it gets."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

from standardwebhooks import Webhook, WebhookVerificationError

# What a receiver does with a delivery: takes it, refuses it, takes it and then answers with an error, or takes it and
# keeps its sender waiting for longer than that waits.
Mood = Literal["takes", "refuses", "fails", "hangs"]
HANG_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook as it came in."""

    id: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def payload(self) -> dict[str, Any]:
        """The message."""
        payload: dict[str, Any] = json.loads(self.body)
        return payload

    def is_signed_with(self, secret: str) -> bool:
        """Whether the signature is right; raises WebhookVerificationError when it is not."""
        Webhook(secret).verify(self.body, dict(self.headers))
        return True


@dataclass
class Inbox:
    """Every delivery in the order it came. `refuse` makes that many deliveries fail first.

    With `secret` a delivery without a right signature is refused, and counted in `forged`.
    """

    url: str
    refuse: int = 0
    secret: str | None = None
    forged: int = 0
    mood: Callable[[], Mood] = lambda: "takes"
    moods: Counter[Mood] = field(default_factory=Counter)
    deliveries: list[Delivery] = field(default_factory=list)

    @property
    def ids(self) -> set[str]:
        """The distinct webhook ids."""
        return {delivery.id for delivery in self.deliveries}

    def accepts(self, delivery: Delivery) -> bool:
        """Keep a delivery; False when it is to be answered with an error."""
        if self.secret is not None and not _signed(delivery, self.secret):
            self.forged += 1
            return False
        mood = self.mood()
        self.moods[mood] += 1
        if self.refuse or mood == "refuses":
            self.refuse = max(self.refuse - 1, 0)
            return False
        self.deliveries.append(delivery)
        if mood == "hangs":
            time.sleep(HANG_SECONDS)
        return mood != "fails"


def _signed(delivery: Delivery, secret: str) -> bool:
    try:
        return delivery.is_signed_with(secret)
    except WebhookVerificationError:
        return False


@contextmanager
def listening() -> Iterator[Inbox]:
    """An inbox that listens until the block ends."""
    inbox = Inbox("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            body = self.rfile.read(length)
            if len(body) < length:
                # Its sender was killed while it wrote: what never came whole is no delivery, and none that was forged.
                self.close_connection = True
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(204 if inbox.accepts(Delivery(headers["webhook-id"], headers, body)) else 503)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the base class has
            return

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            # The sender was killed in the middle of its delivery, which is what is tried here.
            return

    server = Server(("127.0.0.1", 0), Handler)
    inbox.url = f"http://127.0.0.1:{server.server_port}/decisions"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield inbox
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
