"""Processes that decode, seen from outside: started with nothing to give away, read from, and ended whatever they do."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from typing import BinaryIO

from service.media import wire
from service.settings import REPOSITORY

# All that such a process gets to know about its surroundings.
ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "OPENBLAS_NUM_THREADS": "1",
    "PATH": os.defpath,
    "VIPS_BLOCK_UNTRUSTED": "1",
    "VIPS_CONCURRENCY": "1",
    "VIPS_WARNING": "0",
}
_PIECE = 1 << 16


async def start(module: str, *arguments: str, stdin: BinaryIO | int = PIPE) -> Process:
    """Run a module of the service, with pipes to and from it, or an open file to read from.

    Standard error stays ours, for the traceback of a start that fails.
    """
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, cwd=REPOSITORY, env=ENVIRONMENT, stdin=stdin, stdout=PIPE
    )


async def next_message(process: Process) -> wire.Message:
    """The next message that it sends. Raises EOFError when it is gone, and wire.BrokenMessageError."""
    said = process.stdout
    if said is None:
        raise EOFError
    head, body = wire.lengths(await said.readexactly(wire.PREFIX.size))
    return wire.parse(await said.readexactly(head), await said.readexactly(body))


async def stop(process: Process) -> None:
    """Kill and reap the process, whatever it is doing."""
    if process.returncode is None:
        # Not `Process.kill`: that would reap a process that is dead already, and the event loop then misses it.
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    if process.stdin is not None:
        process.stdin.close()
    # What it has said and nobody has read: until it is gone, Python waits for an end of the pipe that it does not look for.
    while process.stdout is not None and await process.stdout.read(_PIECE):
        pass
    await process.wait()
