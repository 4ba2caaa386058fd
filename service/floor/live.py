"""Tells the pages that look at the floor when there is something new: one look at the database for all of them."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoFreeConnectionError

from service.errors.availability import OverloadedError
from service.waiting import happens

LOOK_SECONDS = 5.0
# A browser and what lies between hold a silent connection for dead.
HEARTBEAT_SECONDS = 15.0
# A stream ends after this time; the browser opens the next by itself.
LAST_SECONDS = 600.0
# How soon a stream notices that this process is to end.
STEP_SECONDS = 1.0
STREAMS_MOST = 50
COME_BACK_SECONDS = 30
RESUME = b"retry: 5000\n\n"
NEWS = b"event: news\ndata: \n\n"
UNREACHABLE = (InterfaceError, OperationalError, NoFreeConnectionError)
ALIVE = b": alive\n\n"
OVER = b"event: over\ndata: \n\n"

log = structlog.get_logger()


class Watch:
    """Looks every few seconds for as long as anybody watches, and wakes those who do."""

    def __init__(self, latest: Callable[[], Awaitable[int]], *, pause: float = LOOK_SECONDS) -> None:
        self._latest = latest
        self._pause = pause
        # Whether this process is about to end. Who cannot say so keeps no stream open; `serve` says it.
        self.ending: Callable[[], bool] = lambda: True
        self._watching: set[asyncio.Event] = set()
        self._looking: asyncio.Task[None] | None = None

    def require_room(self) -> None:
        """Raises OverloadedError when as many watch as may."""
        if len(self._watching) >= STREAMS_MOST:
            raise OverloadedError(
                f"{STREAMS_MOST} pages are kept fresh by this process already; ask for the page itself meanwhile",
                retry_after=COME_BACK_SECONDS,
            )

    @contextlib.contextmanager
    def watching(self) -> Iterator[asyncio.Event]:
        """What is set when there is news, while the block lasts."""
        news = asyncio.Event()
        self._watching.add(news)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            yield news
        finally:
            self._watching.discard(news)

    async def _look(self) -> None:
        seen: int | None = None
        while self._watching:
            try:
                found = await self._latest()
            except UNREACHABLE as error:
                log.warning("floor.look_failed", error=type(error).__name__)
            else:
                if seen is not None and found != seen:
                    for news in self._watching:
                        news.set()
                seen = found
            await asyncio.sleep(self._pause)


async def stream(watch: Watch, *, still_allowed: Callable[[], Awaitable[bool]]) -> AsyncGenerator[bytes]:
    """Server-sent events that say that there is news and nothing else, until the viewer may no longer look."""
    yield RESUME
    clock = asyncio.get_running_loop().time
    begun = spoken = clock()
    with watch.watching() as news:
        while not watch.ending() and clock() - begun < LAST_SECONDS:
            if await happens(news, within=STEP_SECONDS):
                news.clear()
                yield NEWS
            if clock() - spoken >= HEARTBEAT_SECONDS:
                spoken = clock()
                try:
                    allowed = await still_allowed()
                except UNREACHABLE as error:
                    # Who asks again is looked at again; nobody is told anything unseen.
                    log.warning("floor.look_failed", error=type(error).__name__)
                    return
                if not allowed:
                    yield OVER
                    return
                yield ALIVE
