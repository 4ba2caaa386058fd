"""Rendering video and sound, each file in a process of its own: what breaks a decoder costs that file and nothing else."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict
from typing import BinaryIO, cast

import structlog

from service.media import clip_wire, wire
from service.media.clip_render import RenderedClip
from service.media.clips import ClipError, ClipLimits
from service.media.derivatives import Derivative
from service.settings import REPOSITORY, Settings

log = structlog.get_logger()

# What is made of a file may be twice as large as the file, or this: a copy encoded anew may be larger than it was.
LEAST_OUTPUT_BYTES = 128 * 1 << 20
# A file may keep a processor busy for as long as the longest one plays, and take so many times that on a busy machine.
LEAST_CPU_SECONDS = 60
WALL_PER_CPU = 2

# All that the process gets to know about its surroundings.
_ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "OPENBLAS_NUM_THREADS": "1",
    "PATH": os.defpath,
    "VIPS_BLOCK_UNTRUSTED": "1",
    "VIPS_CONCURRENCY": "1",
    "VIPS_WARNING": "0",
}

Made = Callable[[tuple[Derivative, ...]], Awaitable[None]]


def limits_of(settings: Settings, *, size: int) -> ClipLimits:
    """The limits for a file of so many bytes."""
    seconds = settings.media_max_seconds
    return ClipLimits(
        seconds=seconds,
        pixels=settings.media_max_pixels,
        bytes=max(LEAST_OUTPUT_BYTES, 2 * size),
        cpu_seconds=max(LEAST_CPU_SECONDS, seconds),
    )


async def render(file: BinaryIO, limits: ClipLimits, *, made: Made) -> RenderedClip:
    """Render a file, from an open descriptor; `made` is called with derivatives as soon as they are there.

    Raises ClipError, also for a file whose process dies or takes too long.
    """
    process = await _start(file, limits)
    try:
        async with asyncio.timeout(WALL_PER_CPU * limits.cpu_seconds):
            return await _receive(cast("asyncio.StreamReader", process.stdout), limits, made)
    except (TimeoutError, EOFError, wire.BrokenMessageError) as error:
        log.warning("media.clip_renderer_lost", error=type(error).__name__)
        raise ClipError("the file could not be decoded within the limits of memory and time") from error
    finally:
        # Also on cancellation: nobody would read what else it says.
        if process.returncode is None:
            # Not `Process.kill`: that would reap a process that is dead already, and the event loop then misses it.
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        await process.wait()


async def _receive(messages: asyncio.StreamReader, limits: ClipLimits, made: Made) -> RenderedClip:
    received = 0
    while True:
        message = await _message(messages)
        received += len(message.body)
        if received > 2 * limits.bytes:
            raise wire.BrokenMessageError("more bytes than any file is worth")
        output = clip_wire.read(message)
        if isinstance(output, RenderedClip):
            return output
        await made(output)


async def _message(messages: asyncio.StreamReader) -> wire.Message:
    """The next message. Raises EOFError when the process is gone."""
    head, body = wire.lengths(await messages.readexactly(wire.PREFIX.size))
    return wire.parse(await messages.readexactly(head), await messages.readexactly(body))


async def _start(file: BinaryIO, limits: ClipLimits) -> Process:
    # Standard error stays ours for the traceback of a start that fails.
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "service.media.clips_child",
        json.dumps(asdict(limits)),
        cwd=REPOSITORY,
        env=_ENVIRONMENT,
        stdin=file,
        stdout=PIPE,
    )
