"""A lean HTTP/1.1 client: a few kept-alive connections, each with one call under way, on one event loop.

It does no more than it must to read an answer, so that what is measured is the service and not the caller.
"""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import cast

from bench.measure import BenchError

LONGEST_SECONDS = 300


class _Caller(asyncio.Protocol):
    """Sends the next request when the answer to the last one is complete."""

    def __init__(self, status: int) -> None:
        self._status = b"HTTP/1.1 %d" % status
        self._requests: Iterator[bytes] = iter(())
        self._done: asyncio.Future[None] | None = None
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def send(self, requests: Sequence[bytes]) -> asyncio.Future[None]:
        """Begin to send; the future is done with the last answer."""
        self._requests = iter(requests)
        self._done = asyncio.get_running_loop().create_future()
        self._send_next()
        return self._done

    def close(self) -> None:
        self._done = None
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found or len(body) < _length(head):
            return
        if not head.startswith(self._status):
            self._fail(f"the service answered {self._received[:300].decode(errors='replace')}")
            return
        self._received = b""
        self._send_next()

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"the service closed the connection ({exc})")

    def _send_next(self) -> None:
        request = next(self._requests, None)
        if request is not None and self._transport is not None:
            self._transport.write(request)
        elif self._done is not None and not self._done.done():
            self._done.set_result(None)

    def _fail(self, why: str) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_exception(BenchError(why))


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:])
    return 0


def request(path: str, *, key: str, body: bytes = b"", headers: str = "") -> bytes:
    """The bytes of one POST; `headers` are further header lines, each ended by CRLF."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n{headers}"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def open_loop(port: int, callers: Sequence[bytes], *, every: float, going: Callable[[int], bool]) -> list[float]:
    """Send a request at fixed moments, `every` seconds one, the callers in turn, as long as `going(sent)` says so.

    Returns the seconds from the moment at which each was due to its whole answer: one that had to wait for its caller's
    last answer counts with its wait. Raises BenchError at an answer other than 200.
    """
    loop = asyncio.get_running_loop()
    open_now = [(await loop.create_connection(partial(_Caller, 200), "127.0.0.1", port))[1] for _ in callers]
    begin, taken = time.perf_counter() + every, list[float]()

    async def one_caller(place: int) -> None:
        for number in itertools.count(place, len(callers)):
            due = begin + number * every
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            if not going(number):
                return
            await open_now[place].send([callers[place]])
            taken.append(time.perf_counter() - due)

    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            await asyncio.gather(*map(one_caller, range(len(callers))))
    finally:
        for caller in open_now:
            caller.close()
    return taken


async def send_all(port: int, calls: Sequence[Sequence[bytes]], *, status: int, warm: int) -> float:
    """Send each list of requests over a connection of its own, all lists at once.

    Returns the seconds from the first request to the last answer; the first `warm` of each list are sent before and
    do not count. Raises BenchError at an answer with another status.
    """
    loop = asyncio.get_running_loop()
    callers = [(await loop.create_connection(partial(_Caller, status), "127.0.0.1", port))[1] for _ in calls]
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            await asyncio.gather(*(one.send(mine[:warm]) for one, mine in zip(callers, calls, strict=True)))
            started = time.perf_counter()
            await asyncio.gather(*(one.send(mine[warm:]) for one, mine in zip(callers, calls, strict=True)))
            return time.perf_counter() - started
    finally:
        for caller in callers:
            caller.close()
