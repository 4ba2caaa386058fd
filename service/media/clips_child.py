"""The process that decodes one video or sound: `python -m service.media.clips_child LIMITS`, started by clip_renderer.py.

Standard input is the file itself. It has no secret, no database and no network address of ours in its environment,
cannot write files, may use so much memory and time, and ends with its parent. A file that breaks a decoder gets this
process and nothing else.
"""

import json
import os
import resource
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, BinaryIO

from service.media import clip_wire, wire
from service.media.clip_render import RenderedClip, render_clip
from service.media.clips import ClipError, ClipLimits
from service.media.confined import confine, limit

# Frames of the largest allowed size, of which decoders keep up to sixteen, take up to 1.4 GiB.
MEMORY_BYTES = 5 * 1 << 29


def main() -> None:
    """Render the file on standard input and say on standard output what has become of it."""
    limits = ClipLimits(**json.loads(sys.argv[1]))
    confine(memory_bytes=MEMORY_BYTES)
    limit(resource.RLIMIT_CPU, limits.cpu_seconds)
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


if __name__ == "__main__":
    main()
