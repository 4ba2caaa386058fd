"""Where media files lie. They are named by their content, so the same file is stored once and never rewritten."""

import asyncio
import hashlib
import io
import os
import re
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, Protocol
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError

from service.errors.media import StorageUnavailableError
from service.settings import Settings, SettingsError

CHUNK = 256 * 1024
_NAME = re.compile(r"[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{64}")

# Parts of a large file on their way to an object store at once, and their size: what an upload may hold in memory.
_PART = 8 * 1024 * 1024
_PARTS_AT_ONCE = 2
# What a request to an object store may take; one carries at most a part. Failed ones are repeated within the second limit.
_REQUEST = timedelta(seconds=30)
_PATIENCE = timedelta(seconds=20)
_PAUSE, _LONGEST_PAUSE = timedelta(milliseconds=100), timedelta(seconds=2)
_REPEATS = 4
# Written at every start beside the files: whether the bucket is there and takes what is put into it.
_PROBE = "writable"

# Where a local file is written before it has its name, and after how long without a byte nobody is writing it any more.
_PARTS = "parts"
_BROKEN_OFF_SECONDS = 3600.0

# What can be stored: bytes, a file by its path, or an open one, of which all is stored.
Source = bytes | Path | BinaryIO


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A stored file of `size` bytes, or `length` bytes of it from `start` on, as they were asked for.

    Read bit by bit; nothing is opened before the first bit is asked for. `length` is 0 where nothing lies at `start`.
    """

    size: int
    start: int
    length: int
    chunks: AsyncIterator[bytes]


class Storage(Protocol):
    """A place for files that never change. All of it raises StorageUnavailableError where the place fails."""

    async def put(self, data: Source) -> str:
        """Store the bytes, unless they are there already, and return their name. They are safe when this returns."""
        ...

    async def open(self, name: str, start: int = 0, length: int | None = None) -> StoredFile | None:
        """The file of that name, or a piece of it; None when there is none. A negative start counts from the end."""
        ...

    async def missing(self, names: Sequence[str]) -> list[str]:
        """Those of the names under which nothing is stored."""
        ...

    async def remove(self, name: str) -> None:
        """Remove the file of that name, if it is there. Whoever calls this knows that nothing names it any more."""
        ...

    async def tidy(self) -> None:
        """Remove what is left of files whose writing was broken off long ago."""
        ...

    async def check(self) -> None:
        """Raises SettingsError, with what to mend, when files cannot be stored here."""
        ...


def open_storage(settings: Settings) -> Storage:
    """The storage that the settings name; nothing is asked of it yet. Raises SettingsError.

    Messages never repeat the address: somebody may have put a password into it.
    """
    if settings.media_storage is None:
        return LocalStorage(settings.data_dir / "media")
    try:
        address = urlsplit(settings.media_storage)
    except ValueError as error:
        raise SettingsError(f"TRIAGE_MEDIA_STORAGE: not an address; {_FORMS}") from error
    if "@" in address.netloc or address.query or address.fragment:
        raise SettingsError(f"TRIAGE_MEDIA_STORAGE: credentials and options do not belong into the address; {_FORMS}")
    path = unquote(address.path)
    if address.scheme == "file" and not address.netloc and path.strip("/"):
        return LocalStorage(Path(path))
    if address.scheme == "s3" and address.netloc:
        return S3Storage(address.netloc, path.strip("/"))
    raise SettingsError(f"TRIAGE_MEDIA_STORAGE: neither a folder nor a bucket; {_FORMS}")


_FORMS = "use file:///folder or s3://bucket/prefix, with keys and endpoint in AWS_* variables"


class LocalStorage:
    """Files in a local folder, readable by their owner only."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(self, data: Source) -> str:
        with answering():
            return await asyncio.to_thread(self._put, data)

    async def open(self, name: str, start: int = 0, length: int | None = None) -> StoredFile | None:
        path = self._path(name)
        try:
            with answering():
                size = (await asyncio.to_thread(path.stat)).st_size
        except FileNotFoundError:
            return None
        start, length = _piece(size, start, length)
        return StoredFile(size, start, length, _read(path, start, length))

    async def missing(self, names: Sequence[str]) -> list[str]:
        with answering():
            return await asyncio.to_thread(lambda: [name for name in names if not self._path(name).exists()])

    async def remove(self, name: str) -> None:
        with answering():
            await asyncio.to_thread(self._path(name).unlink, missing_ok=True)

    async def tidy(self) -> None:
        with answering():
            await asyncio.to_thread(self._tidy)

    async def check(self) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.TemporaryFile(dir=self._folder):
                pass
        except OSError as error:
            raise SettingsError(
                f"TRIAGE_MEDIA_STORAGE: media cannot be stored in the folder {self._folder} ({error.strerror}); make it"
                " writable for this account or name another"
            ) from error

    def _put(self, data: Source) -> str:
        with _opened(data) as source:
            name, size = _name_and_size(source)
            path = self._path(name)
            with suppress(FileNotFoundError):
                # A file of another length is what a failing disk or an interrupted restore leaves behind: written again.
                if path.stat().st_size == size:
                    return name
            for folder in (self._folder, path.parent, self._folder / _PARTS):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            # Made with mode 600; below the same folder as its destination, as a rename cannot cross file systems.
            descriptor, part = tempfile.mkstemp(dir=self._folder / _PARTS)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    shutil.copyfileobj(source, file, CHUNK)
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

    def _tidy(self) -> None:
        parts = self._folder / _PARTS
        if not parts.exists():
            return
        for part in parts.iterdir():
            # Another process may be done with it meanwhile.
            with suppress(FileNotFoundError):
                if time.time() - part.stat().st_mtime > _BROKEN_OFF_SECONDS:
                    part.unlink()

    def _path(self, name: str) -> Path:
        return self._folder / _checked(name)


class S3Storage:
    """Files in a bucket of an S3-compatible object store, which vouches for their durability.

    Keys, region and endpoint are those of the environment (AWS_*). What the store does not answer is repeated, while that
    may help.
    """

    def __init__(self, bucket: str, prefix: str) -> None:
        self._bucket = bucket
        # Plain HTTP only where the endpoint says so, as that of a store on the own network.
        self._store = obstore.store.S3Store(
            bucket,
            prefix=prefix or None,
            client_options={"allow_http": True, "timeout": _REQUEST},
            retry_config={
                "max_retries": _REPEATS,
                "retry_timeout": _PATIENCE,
                "backoff": {"init_backoff": _PAUSE, "max_backoff": _LONGEST_PAUSE, "base": 2},
            },
        )

    async def put(self, data: Source) -> str:
        with _opened(data) as source:
            name, size = await asyncio.to_thread(_name_and_size, source)
            if await self._size(name) == size:
                return name
            with answering():
                # Visible as a whole or not at all; each request is signed with the hash of what it carries.
                await obstore.put_async(self._store, name, source, chunk_size=_PART, max_concurrency=_PARTS_AT_ONCE)
        return name

    async def open(self, name: str, start: int = 0, length: int | None = None) -> StoredFile | None:
        size = await self._size(_checked(name))
        if size is None:
            return None
        start, length = _piece(size, start, length)
        return StoredFile(size, start, length, self._read(name, start, length))

    async def missing(self, names: Sequence[str]) -> list[str]:
        sizes = await asyncio.gather(*(self._size(_checked(name)) for name in names))
        return [name for name, size in zip(names, sizes, strict=True) if size is None]

    async def remove(self, name: str) -> None:
        with answering(), suppress(FileNotFoundError):
            await obstore.delete_async(self._store, _checked(name))

    async def tidy(self) -> None:
        """Unfinished uploads are the bucket's to end, by a rule of its lifecycle."""

    async def check(self) -> None:
        try:
            await obstore.put_async(self._store, _PROBE, b"content-triage keeps media here\n")
        except (BaseError, OSError) as error:
            # Not the message of the library, which can quote what was signed.
            why = "there is no such bucket" if isinstance(error, FileNotFoundError) else type(error).__name__
            raise SettingsError(
                f"TRIAGE_MEDIA_STORAGE: media cannot be stored in the bucket {self._bucket!r} ({why}); check its name,"
                " AWS_ENDPOINT_URL, AWS_REGION, and that AWS_ACCESS_KEY_ID may write there"
            ) from None

    async def _size(self, name: str) -> int | None:
        try:
            with answering():
                return (await obstore.head_async(self._store, name))["size"]
        except FileNotFoundError:
            return None

    async def _read(self, name: str, start: int, length: int) -> AsyncIterator[bytes]:
        """One request for each part, so that a slow reader keeps no connection to the store."""
        for place in range(start, start + length, _PART):
            wanted = min(_PART, start + length - place)
            try:
                with answering():
                    part = await obstore.get_range_async(self._store, name, start=place, length=wanted)
            except FileNotFoundError as error:
                raise StorageUnavailableError("a file of the media storage vanished while it was read") from error
            if len(part) != wanted:
                raise StorageUnavailableError("the media storage gave less of a file than it has")
            view = memoryview(part)
            for at in range(0, wanted, CHUNK):
                yield bytes(view[at : at + CHUNK])


def name_of(data: Source) -> str:
    """The name under which `put` stores it."""
    with _opened(data) as source:
        return _name_and_size(source)[0]


@contextmanager
def answering() -> Iterator[None]:
    """What fails in this block is a StorageUnavailableError. FileNotFoundError is let through: it is an answer."""
    try:
        yield
    except FileNotFoundError:
        raise
    except BaseError as error:
        raise StorageUnavailableError("the media storage does not answer; send this again in a moment") from error
    except OSError as error:
        # As a disk that is full: not where it lies, which is nothing for a caller.
        raise StorageUnavailableError(f"the media storage fails ({error.strerror}); send this again later") from error


@contextmanager
def _opened(data: Source) -> Iterator[BinaryIO]:
    """The source from its beginning; a file that the caller opened stays open."""
    if isinstance(data, Path):
        with data.open("rb") as file:
            yield file
    elif isinstance(data, bytes):
        yield io.BytesIO(data)
    else:
        data.seek(0)
        yield data


def _name_and_size(source: BinaryIO) -> tuple[str, int]:
    """Name and bytes of a file, which is then at its beginning again."""
    found, size = hashlib.sha256(), 0
    while chunk := source.read(CHUNK):
        found.update(chunk)
        size += len(chunk)
    source.seek(0)
    digest = found.hexdigest()
    return f"{digest[:2]}/{digest[2:4]}/{digest}", size


def _piece(size: int, start: int, length: int | None) -> tuple[int, int]:
    """Where a piece begins and how long it is, as far as there is that much."""
    start = max(0, size + start) if start < 0 else min(start, size)
    return start, size - start if length is None else min(length, size - start)


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError("not the name of a stored file")
    return name


async def _read(path: Path, start: int, length: int) -> AsyncIterator[bytes]:
    """Opened anew for each bit: whoever stops listening, even while it is being opened, leaves no file open."""
    for place in range(start, start + length, CHUNK):
        wanted = min(CHUNK, start + length - place)
        try:
            with answering():
                chunk = await asyncio.to_thread(_bit, path, place, wanted)
        except FileNotFoundError as error:
            raise StorageUnavailableError("a file of the media storage vanished while it was read") from error
        if len(chunk) != wanted:
            raise StorageUnavailableError("the media storage gave less of a file than it has")
        yield chunk


def _bit(path: Path, start: int, length: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read(length)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
