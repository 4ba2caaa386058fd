"""The process that decodes one video or sound: `python -m service.media.clips_child LIMITS`, started by clip_renderer.py.

Standard input is the file itself. It has no secret, no database and no network address of ours in its environment,
cannot write files, and may use so much memory and time. A file that breaks a decoder gets this process and nothing else.
"""

import json
import os
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, BinaryIO

from service.media import clip_wire, wire
from service.media.clip_render import RenderedClip, render_clip
from service.media.clips import ClipError, ClipLimits

# Frames of the largest allowed size, of which decoders keep up to sixteen, take up to 1.4 GiB.
MEMORY_BYTES = 5 * 1 << 29


def main() -> None:
    """Render the file on standard input and say on standard output what has become of it."""
    # An interrupt at the terminal reaches the whole group; this process ends when its parent wants it to.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    limits = ClipLimits(**json.loads(sys.argv[1]))
    _limit(resource.RLIMIT_AS, MEMORY_BYTES)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_CPU, limits.cpu_seconds)
    # Messages keep the real standard output to themselves: whatever else writes there goes to standard error.
    with os.fdopen(os.dup(1), "wb") as messages:
        os.dup2(2, 1)
        with suppress(BrokenPipeError):
            for head, parts in _messages(sys.stdin.buffer, limits):
                messages.write(wire.prefix(head, sum(map(len, parts))))
                messages.writelines(parts)
                messages.flush()


def _messages(file: BinaryIO, limits: ClipLimits) -> Iterator[tuple[dict[str, Any], list[bytes]]]:
    try:
        for output in render_clip(file, limits):
            if isinstance(output, RenderedClip):
                yield clip_wire.clip_message(output)
            else:
                yield clip_wire.derivatives_message(output)
    except ClipError as error:
        yield clip_wire.refusal_message(error)


def _limit(kind: int, most: int) -> None:
    # Some systems know a limit but refuse to set it (macOS: address space); the others still hold there.
    with suppress(ValueError, OSError):
        resource.setrlimit(kind, (most, most))


if __name__ == "__main__":
    main()
