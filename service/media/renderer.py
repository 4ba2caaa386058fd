"""Rendering in processes of their own: what breaks a decoder costs that upload and nothing else."""

import asyncio
from asyncio.subprocess import Process
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import structlog

from service.errors.availability import OverloadedError
from service.errors.base import TriageError
from service.errors.media import MediaTooLargeError, UnreadableMediaError, UnsupportedMediaError
from service.media import processes, wire
from service.media.render import Limits, Rendered
from service.settings import Settings

log = structlog.get_logger()

PROCESSES = 2
# Uploads on their way at once, each of which may hold a whole file in memory.
UPLOADS = 16
# Generous: on a busy machine the CPU limit of the process is what ends a file that never ends.
JOB_SECONDS = 90.0
START_SECONDS = 30.0
# A fresh process after so many files, so that nothing that leaks or was tampered with stays for long.
FILES_PER_PROCESS = 200
# The lens only ever reads what a rendering process has written.
TILES_PER_PROCESS = 5_000

Answer = TypeVar("Answer")
_ERRORS: dict[str, type[TriageError]] = {
    error.code: error for error in (MediaTooLargeError, UnreadableMediaError, UnsupportedMediaError)
}


class Renderer:
    """A few rendering processes, each started when it is first needed and replaced when it is lost.

    The lens has one of its own: a tile takes milliseconds and must not wait behind a large upload.
    """

    def __init__(self, settings: Settings) -> None:
        self._limits = Limits(settings.media_max_bytes, settings.media_max_pixels, settings.media_max_frames)
        self._uploaded = _Pool(PROCESSES, FILES_PER_PROCESS)
        self._lenses = _Pool(1, TILES_PER_PROCESS)
        self._uploads = 0

    @contextmanager
    def admit(self) -> Iterator[None]:
        """Count one upload while it lasts, before any of it is read. Raises OverloadedError."""
        if self._uploads >= UPLOADS:
            raise OverloadedError("too many uploads at once; send this one again in a moment", retry_after=2)
        self._uploads += 1
        try:
            yield
        finally:
            self._uploads -= 1

    async def render(self, data: bytes) -> Rendered:
        """Clean copy and derivatives. Raises UnsupportedMediaError, MediaTooLargeError or UnreadableMediaError.

        A file whose process dies or takes too long is unreadable.
        """
        head = {"task": wire.RENDER, "limits": asdict(self._limits)}
        return await self._uploaded.ask(head, data, read=lambda answer: wire.read_rendered(answer, self._limits))

    async def lens(self, data: bytes, x: float, y: float) -> bytes:
        """A small tile, as JPEG, of a plain derivative around a centre in shares of its width and height.

        Raises ValueError for a centre outside the picture and UnreadableMediaError for anything but a plain derivative.
        """
        if not (0 <= x <= 1 and 0 <= y <= 1):
            raise ValueError(f"the centre of a tile lies from 0 to 1 on both axes, not at {x}, {y}")
        return await self._lenses.ask({"task": wire.LENS, "x": x, "y": y}, data, read=wire.read_tile)

    async def close(self) -> None:
        """End all processes."""
        await self._uploaded.close()
        await self._lenses.close()


class _Pool:
    """Up to so many processes, each of which answers so many questions and then makes room for a fresh one."""

    def __init__(self, processes: int, files: int) -> None:
        self.files = files
        self.idle: list[_Child] = []
        self.living: set[_Child] = set()
        self._free = asyncio.Semaphore(processes)

    async def ask(self, head: dict[str, Any], data: bytes, *, read: Callable[[wire.Message], Answer]) -> Answer:
        """What `read` makes of the answer. Raises the errors of rendering, which are the file's fault.

        A file whose process dies, takes too long or gives what `read` does not believe is unreadable.
        """
        async with self._free:
            child = await self._ready_child()
            kept = False
            try:
                async with asyncio.timeout(JOB_SECONDS):
                    answer = await child.ask(head, data)
                _raise_refusal(answer)
                result = read(answer)
                kept = True
            except TriageError:
                kept = True
                raise
            except (TimeoutError, EOFError, OSError, wire.BrokenMessageError) as error:
                log.warning("media.renderer_lost", error=type(error).__name__, bytes=len(data))
                raise UnreadableMediaError(
                    "the picture could not be decoded within the limits of memory and time"
                ) from error
            finally:
                # Also on cancellation: a process in the middle of a file would answer the next one with its result.
                if kept and child.files < self.files:
                    self.idle.append(child)
                else:
                    await self._stop(child)
        return result

    async def close(self) -> None:
        """End all processes."""
        self.idle.clear()
        for child in list(self.living):
            await self._stop(child)

    async def _ready_child(self) -> "_Child":
        """A process that has just answered: one that was lost while idle must not cost an upload."""
        while self.idle:
            child = self.idle.pop()
            if await self._answers(child):
                return child
        child = _Child(await processes.start("service.media.child"))
        self.living.add(child)
        if not await self._answers(child):
            raise RuntimeError("the rendering process does not start; its output on standard error says why")
        return child

    async def _answers(self, child: "_Child") -> bool:
        alive = False
        try:
            async with asyncio.timeout(START_SECONDS):
                alive = (await child.ask({}, b"")).head == {"ready": True}
        except (TimeoutError, EOFError, OSError, wire.BrokenMessageError):
            log.warning("media.renderer_gone")
        finally:
            if not alive:
                await self._stop(child)
        return alive

    async def _stop(self, child: "_Child") -> None:
        self.living.discard(child)
        await processes.stop(child.process)


@dataclass(slots=True, eq=False)
class _Child:
    process: Process
    files: int = 0

    async def ask(self, head: dict[str, Any], body: bytes) -> wire.Message:
        """Send a message and wait for its answer. Raises EOFError or OSError when the process is gone."""
        if self.process.stdin is None:
            raise EOFError
        self.files += bool(body)
        self.process.stdin.write(wire.prefix(head, len(body)))
        self.process.stdin.write(body)
        await self.process.stdin.drain()
        return await processes.next_message(self.process)


def _raise_refusal(answer: wire.Message) -> None:
    if "error" not in answer.head:
        return
    kind, detail = _ERRORS.get(str(answer.head["error"])), answer.head.get("detail")
    if kind is None or not isinstance(detail, str):
        raise wire.BrokenMessageError("an error that rendering does not have")
    raise kind(detail)
