"""Changes on disk that a kill or a loss of power leaves done or undone, never half done."""

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models.bundle import FILES, MANIFEST, Bundle, BundleError
from models.verdict import RegistryError

LOCK = ".lock"
LOCK_SECONDS = 60.0


@contextmanager
def locked(folder: Path, *, seconds: float = LOCK_SECONDS) -> Iterator[None]:
    """Hold the lock of `folder`, which is made where there is none. Raises RegistryError."""
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
    """Replace a file as a whole, so that a crash leaves the old content or the new one."""
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)
    sync_folder(path.parent)


def write_copy(bundle: Bundle, place: Path) -> None:
    """Copy a bundle to the folder `place`, which is replaced; what is written was verified. Raises BundleError."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for name in FILES:
        write_atomically(place / name, bundle.read(name))
    manifest = (bundle.folder / MANIFEST).read_bytes()
    if hashlib.sha256(manifest).hexdigest() != bundle.hash:
        raise BundleError(f"{bundle.folder / MANIFEST}: changed while it was copied; try again")
    write_atomically(place / MANIFEST, manifest)


def sync_folder(folder: Path) -> None:
    """Make renames in `folder` survive a loss of power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
