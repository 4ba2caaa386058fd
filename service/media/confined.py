"""What a process that decodes does to itself before it reads a byte: it may use so much, and ends with its parent."""

import ctypes
import resource
import signal
import sys
from contextlib import suppress

# Of <linux/prctl.h>.
_SET_PARENT_DEATH_SIGNAL = 1


def confine(*, memory_bytes: int) -> None:
    """So much memory, no file to write into, no dump of what was decoded, and no life without a parent.

    A parent that is killed ends nothing itself, and a file may keep this process busy for minutes. Not every system can do
    all of this: macOS refuses a limit of addresses and knows no signal for that end.
    """
    # An interrupt at the terminal reaches the whole group; this process ends when its parent wants it to.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        # A parent that ended before this is noticed by the first answer to it.
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    limit(resource.RLIMIT_AS, memory_bytes)
    limit(resource.RLIMIT_FSIZE, 0)
    limit(resource.RLIMIT_CORE, 0)


def limit(kind: int, most: int) -> None:
    """Limit this process for good, where the system lets it; the other limits still hold where it does not."""
    with suppress(ValueError, OSError):
        resource.setrlimit(kind, (most, most))
