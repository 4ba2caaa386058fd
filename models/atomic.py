"""Changes on disk that a kill or a loss of power leaves done or undone, never half done."""

import ctypes
import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from models.bundle import FILES, MANIFEST, Bundle, BundleError
from models.verdict import RegistryError

LOCK = ".lock"
LOCK_SECONDS = 60.0

# renameat2(2) and renamex_np(2): exchange two paths in one step.
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_RENAME_SWAP = 2


@contextmanager
def locked(folder: Path, *, seconds: float = LOCK_SECONDS) -> Iterator[None]:
    """Hold the lock of `folder`, which is made where there is none, waiting for it `seconds` at most.

    The system lets go of the lock when the process ends, however it ends. Raises RegistryError where another process
    or thread keeps it, OSError where the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + seconds
    with (folder / LOCK).open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise RegistryError(
                        f"{folder / LOCK}: somebody else changes what lies beside it; try again"
                    ) from None
                time.sleep(0.05)
        yield


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file as a whole, so that a crash leaves the old content or the new one. Raises OSError.

    Two writers of one file must hold a lock: both would fill the same `.NAME.part` beside it.
    """
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)
    sync_folder(path.parent)


def write_copy(bundle: Bundle, place: Path) -> None:
    """Copy a bundle to the folder `place`, which is replaced; what is written was verified. Raises BundleError, OSError."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for name in FILES:
        write_atomically(place / name, bundle.read(name))
    manifest = (bundle.folder / MANIFEST).read_bytes()
    if hashlib.sha256(manifest).hexdigest() != bundle.hash:
        raise BundleError(f"{bundle.folder / MANIFEST}: changed while it was copied; try again")
    write_atomically(place / MANIFEST, manifest)


def exchange(new: Path, place: Path) -> None:
    """Put the folder `new` where `place` is and the other way round, in one step where the system can.

    Where it cannot, a kill may leave nothing at `place` for a while: call `restore` before whatever comes next.
    """
    if not place.exists():
        new.rename(place)
    elif not _exchanged_by_the_system(new, place):
        place.rename(_aside(place))
        new.rename(place)
        _aside(place).rename(new)
    sync_folder(place.parent)


def restore(place: Path) -> None:
    """Clear up after an `exchange` that was killed: the old folder is back where the new one did not get there."""
    aside = _aside(place)
    if not aside.exists():
        return
    if place.exists():
        shutil.rmtree(aside)
    else:
        aside.rename(place)
    sync_folder(place.parent)


def sync_folder(folder: Path) -> None:
    """Make renames in `folder` survive a loss of power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _aside(place: Path) -> Path:
    return place.with_name(f".{place.name}.old")


def _exchanged_by_the_system(new: Path, place: Path) -> bool:
    library = ctypes.CDLL(None, use_errno=True)
    linux: Callable[..., int] | None = getattr(library, "renameat2", None)
    if linux is not None:
        return linux(_AT_FDCWD, os.fsencode(new), _AT_FDCWD, os.fsencode(place), _RENAME_EXCHANGE) == 0
    darwin: Callable[..., int] | None = getattr(library, "renamex_np", None)
    return darwin is not None and darwin(os.fsencode(new), os.fsencode(place), _RENAME_SWAP) == 0
