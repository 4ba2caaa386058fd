"""The process that decodes uploads: `python -m service.media.child`, started and fed by renderer.py only.

It has no secret, no database and no network address of ours in its environment, cannot write files, may use so much
memory and time, and ends with its parent. A file that breaks a decoder gets this process and nothing else.
"""

import os
import resource
import sys
from contextlib import suppress
from typing import Any, BinaryIO

from service.errors.base import TriageError
from service.media import wire
from service.media.confined import confine
from service.media.render import Limits, harden, lens, render

# A picture of the largest allowed size that does not compress at all takes 2.2 GiB of addresses as WebP.
MEMORY_BYTES = 5 * 1 << 29
CPU_SECONDS = 30


def main() -> None:
    """Answer messages from standard input until it ends."""
    confine(memory_bytes=MEMORY_BYTES)
    harden()
    # Answers keep the real standard output to themselves: whatever else writes there goes to standard error.
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)
        with suppress(BrokenPipeError):
            while (message := _read(sys.stdin.buffer)) is not None:
                _answer(message, answers)


def _read(source: BinaryIO) -> wire.Message | None:
    received = source.read(wire.PREFIX.size)
    if len(received) < wire.PREFIX.size:
        return None
    head, body = wire.lengths(received)
    return wire.parse(source.read(head), source.read(body))


def _answer(message: wire.Message, answers: BinaryIO) -> None:
    head: dict[str, Any] = {"ready": True}
    parts: list[bytes] = []
    if message.body:
        _limit_cpu()
        try:
            head, parts = _done(message)
        except TriageError as error:
            head = {"error": error.code, "detail": error.detail}
    answers.write(wire.prefix(head, sum(map(len, parts))))
    answers.writelines(parts)
    answers.flush()


def _done(message: wire.Message) -> tuple[dict[str, Any], list[bytes]]:
    if message.head["task"] == wire.LENS:
        return {}, [lens(message.body, message.head["x"], message.head["y"])]
    rendered = render(message.body, Limits(**message.head["limits"]))
    return wire.rendered_head(rendered), [rendered.clean, *(one.data for one in rendered.derivatives)]


def _limit_cpu() -> None:
    """Counted from now: the limit is on the whole life of a process, and this one lives for many files."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + 1 + CPU_SECONDS, most))


if __name__ == "__main__":
    main()
