"""Where picture files lie. They are named by their content, so the same picture is stored once and never rewritten."""

import asyncio
import hashlib
import os
import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

CHUNK = 256 * 1024
_NAME = re.compile(r"[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A stored file, read piece by piece; nothing is opened before the first piece is asked for."""

    size: int
    chunks: AsyncIterator[bytes]


class Storage(Protocol):
    """A place for files that never change."""

    async def put(self, data: bytes) -> str:
        """Store the bytes, unless they are there already, and return their name. They are safe when this returns."""
        ...

    async def open(self, name: str) -> StoredFile | None:
        """The file of that name; None when there is none."""
        ...


class LocalStorage:
    """Files in a local folder, readable by their owner only."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(self, data: bytes) -> str:
        return await asyncio.to_thread(self._put, data)

    async def open(self, name: str) -> StoredFile | None:
        path = self._path(name)
        try:
            size = (await asyncio.to_thread(path.stat)).st_size
        except FileNotFoundError:
            return None
        return StoredFile(size, _read(path))

    def _put(self, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        name = f"{digest[:2]}/{digest[2:4]}/{digest}"
        path = self._path(name)
        with suppress(FileNotFoundError):
            # A file of another length is what a failing disk or an interrupted restore leaves behind: written again.
            if path.stat().st_size == len(data):
                return name
        for folder in (self._folder, path.parent):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Made with mode 600, in the folder of its destination so that the rename cannot cross file systems.
        descriptor, part = tempfile.mkstemp(dir=path.parent, prefix=".part-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(part).replace(path)
        finally:
            # Only there when something failed.
            Path(part).unlink(missing_ok=True)
        # The rename, and folders made on the way, are only as durable as the folders that list them.
        for folder in (path.parent, path.parent.parent, self._folder):
            _sync_folder(folder)
        return name

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise ValueError("not the name of a stored file")
        return self._folder / name


async def _read(path: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(path.open, "rb") as file:
        while chunk := await asyncio.to_thread(file.read, CHUNK):
            yield chunk


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
