"""Files that are replaced once all that they are to hold was written: a broken export leaves the one before."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from stat import S_IMODE


class OutputError(Exception):
    """A file that cannot be written; the message says which and why."""


@contextmanager
def replacing(out: Path) -> Iterator[Callable[[str], None]]:
    """What writes text to a file beside `out`, which takes its place and its mode where the block ends well. Raises OutputError."""
    # A pipe or a device has no file beside it, and a pipe of the shell leads nowhere by its name.
    streamed = out.exists() and not out.is_file()
    place = out if streamed else out.resolve()
    part = out if streamed else place.with_name(f".{place.name}.{os.getpid()}.part")
    with ExitStack() as done:
        with _told(out):
            file = done.enter_context(part.open("w", encoding="utf-8"))
            if not streamed:
                done.callback(part.unlink, missing_ok=True)
            if not streamed and place.exists():
                part.chmod(S_IMODE(place.stat().st_mode))

        def write(text: str) -> None:
            with _told(out):
                file.write(text)

        yield write
        with _told(out):
            file.close()
            if not streamed:
                part.replace(place)


@contextmanager
def _told(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"{out}: cannot be written ({error.strerror})") from error
