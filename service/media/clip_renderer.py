"""Rendering video and sound, each file in a process of its own: what breaks a decoder costs that file and nothing else."""

import asyncio
import json
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import BinaryIO

import structlog

from service.media import clip_wire, processes, wire
from service.media.clip_render import RenderedClip
from service.media.clips import ClipError, ClipLimits
from service.media.derivatives import Derivative
from service.settings import Settings

log = structlog.get_logger()

# What is made of a file may be twice as large as the file, or this: a copy encoded anew may be larger than it was.
LEAST_OUTPUT_BYTES = 128 * 1 << 20
# A file may keep a processor busy for as long as the longest one plays, and take so many times that on a busy machine.
LEAST_CPU_SECONDS = 60
WALL_PER_CPU = 2

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
            return await _receive(process, limits, made)
    except (TimeoutError, EOFError, wire.BrokenMessageError) as error:
        log.warning("media.clip_renderer_lost", error=type(error).__name__)
        raise ClipError("the file could not be decoded within the limits of memory and time") from error
    finally:
        # Also on cancellation: nobody would read what else it says.
        await processes.stop(process)


async def _receive(process: Process, limits: ClipLimits, made: Made) -> RenderedClip:
    received = 0
    while True:
        message = await processes.next_message(process)
        received += len(message.body)
        if received > 2 * limits.bytes:
            raise wire.BrokenMessageError("more bytes than any file is worth")
        output = clip_wire.read(message, limits)
        if isinstance(output, RenderedClip):
            return output
        await made(output)


async def _start(file: BinaryIO, limits: ClipLimits) -> Process:
    return await processes.start("service.media.clips_child", json.dumps(asdict(limits)), stdin=file)
