"""Feeds broken files through the real renderer: `python -m tests.service.media.fuzz --minutes 10 --seed 1`."""

import argparse
import asyncio
import hashlib
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from service.errors.media import MediaTooLargeError, UnreadableMediaError, UnsupportedMediaError
from service.media import clip_renderer
from service.media.clips import ClipError
from service.media.derivatives import Derivative
from service.media.renderer import Renderer
from service.settings import Settings
from tests.service.media.mutations import Broken, bombs, mutated

# A small broken file that keeps a process busy for longer is a finding, far below the limit that would end it.
MOST_SECONDS = 10.0
# Resident memory of a rendering process, in kB: about 120,000 are its libraries; findings are kept beyond this.
MOST_MEMORY = 700_000
ERRORS = (MediaTooLargeError, UnreadableMediaError, UnsupportedMediaError)
# A clip has a process of its own, which takes a hundred times as long to start as a broken picture to be refused.
BATCH = {"image": 100, "clip": 20}
CLIP_SECONDS = 60
_LOST = "could not be decoded within the limits"

Feed = Callable[[bytes], Awaitable[object]]


@dataclass
class Outcome:
    """How many files ended how, the slowest one, and those that broke a rule with the reason."""

    ends: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    findings: list[tuple[Broken, str]] = field(default_factory=list)


async def feed(files: Iterable[Broken], feeds: dict[str, Feed], outcome: Outcome) -> None:
    """Hand each file to its kind's renderer; anything but a rendering or a clear error is a finding."""
    for file in files:
        started = time.monotonic()
        try:
            await feeds[file.kind](file.data)
            end = "rendered"
        except (*ERRORS, ClipError) as error:
            said = str(error) if isinstance(error, ClipError) else error.detail
            end = "clip refused" if isinstance(error, ClipError) else error.code
            if _LOST in said:
                end = "process lost"
                outcome.findings.append((file, "the process died, hung or gave an answer that was not believed"))
        taken = time.monotonic() - started
        outcome.slowest = max(outcome.slowest, taken)
        if taken > MOST_SECONDS:
            outcome.findings.append((file, f"took {taken:.1f} seconds"))
        outcome.ends[end] += 1


async def render_clip(data: bytes) -> None:
    """A video or a sound through a process of its own, as the worker does it. Raises ClipError."""

    async def made(_group: tuple[Derivative, ...]) -> None:
        return

    settings = Settings(media_max_seconds=CLIP_SECONDS)
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        await clip_renderer.render(file, clip_renderer.limits_of(settings, size=len(data)), made=made)


def memory(renderer: Renderer) -> int:
    """The most resident memory, in kB, that any living rendering process has had; 0 without a /proc file system."""
    most = 0
    for child in renderer._uploaded.living:
        status = Path(f"/proc/{child.process.pid}/status")
        lines = status.read_text().splitlines() if status.exists() else []
        most = max([most, *(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))])
    return most


async def _run(minutes: float, seed: int, keep: Path) -> int:
    outcome, end = Outcome(), time.monotonic() + 60 * minutes
    with tempfile.TemporaryDirectory() as folder:
        renderer = Renderer(Settings(data_dir=Path(folder)))
        feeds: dict[str, Feed] = {"image": renderer.render, "clip": render_clip}
        for kind in feeds:
            await feed(bombs(kind), feeds, outcome)
        for turn in count(seed):
            if time.monotonic() > end:
                break
            for kind in feeds:
                await feed(mutated(kind, seed=turn, count=BATCH[kind]), feeds, outcome)
            if memory(renderer) > MOST_MEMORY:
                print(f"seed {turn}: a process had {memory(renderer):,} kB resident", file=sys.stderr)
        peak = memory(renderer)
        await renderer.close()
    # Of all processes that have ended; those of clips end with their file.
    peak = max(peak, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
    if peak > MOST_MEMORY:
        print(f"a process had {peak:,} kB resident", file=sys.stderr)
    for file, reason in outcome.findings:
        keep.mkdir(parents=True, exist_ok=True)
        (keep / hashlib.sha256(file.data).hexdigest()[:16]).write_bytes(file.data)
        print(f"{file.kind}: {file.name}: {reason}", file=sys.stderr)
    print(f"{outcome.ends.total():,} files: {dict(outcome.ends.most_common())}")
    print(
        f"slowest {outcome.slowest:.2f} s, most memory of a process {peak:,} kB, kept in {keep}: {len(outcome.findings)}"
    )
    return int(bool(outcome.findings))


def main() -> int:
    """Run for so long; 1 when a file broke a rule."""
    parser = argparse.ArgumentParser(prog="python -m tests.service.media.fuzz", description="Feed broken files.")
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1, help="of the first hundred files of each kind")
    parser.add_argument("--keep", type=Path, default=Path("var/fuzz"), help="folder for files that broke a rule")
    options = parser.parse_args()
    return asyncio.run(_run(options.minutes, options.seed, options.keep))


if __name__ == "__main__":
    sys.exit(main())
