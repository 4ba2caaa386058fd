"""Files of sources: from a local mirror or from their authors, in either case only what the register has the hash of."""

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import httpx
from tqdm import tqdm

from training.sources.parsers import PARSERS, Record
from training.sources.parsers_joined import parse_original
from training.sources.registry import Original, Source, SourceError, SourceFile

MAX_BYTES = 64 * 2**20
ATTEMPTS = 4
# Seconds before the second attempt; doubled before each one after it.
PAUSE = 1.0
CHUNK = 2**16
TIMEOUT = httpx.Timeout(30.0)

# The server ran into trouble or asks to come back later: worth another attempt.
TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


class Supply(Protocol):
    """Where files come from."""

    whole: bool
    """Whether it should hold every file of the register, also those that nobody offers for download."""

    def records(self, source: Source, file: SourceFile) -> Iterator[Record]:
        """The records of one file. Raises SourceError."""


class Mirror:
    """A local folder, laid out as the `mirror` paths of the register; holds reduced files or originals."""

    whole = True

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise SourceError(f"{folder}: no such folder; --mirror takes one that holds a folder per source")
        self._folder = folder

    def records(self, source: Source, file: SourceFile) -> Iterator[Record]:
        """The records of one file. Raises SourceError where it is missing or not the one that the register means."""
        path = self._folder / file.mirror
        try:
            raw = path.read_bytes()
        except OSError as error:
            raise SourceError(f"{path}: cannot be read ({error.strerror}); {source.name} needs it") from error
        digest = hashlib.sha256(raw).hexdigest()
        if digest == file.mirror_sha256:
            yield from PARSERS[file.shape](raw, file.columns)
        elif [digest] == [one.sha256 for one in file.originals]:
            yield from parse_original(file, {file.originals[0].name: raw})
        else:
            raise SourceError(f"{path}: has sha256 {digest}, the register says {file.mirror_sha256}; fetch it anew")


class Downloads:
    """Files from the addresses in the register, kept in `cache`: what is there already is not fetched again."""

    whole = False

    def __init__(self, cache: Path, client: httpx.Client, *, max_bytes: int = MAX_BYTES, pause: float = PAUSE) -> None:
        self._cache = cache
        self._client = client
        self._max_bytes = max_bytes
        self._pause = pause

    def records(self, source: Source, file: SourceFile) -> Iterator[Record]:
        """The records of one file. Raises SourceError."""
        folder = self._cache / source.name
        yield from parse_original(file, {one.name: self.fetch(one, folder) for one in file.originals})

    def fetch(self, original: Original, folder: Path) -> bytes:
        """The bytes of an original, from the cache or from its address. Raises SourceError."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{original.sha256[:12]}-{original.name}"
        if path.exists() and _digest(path) == original.sha256:
            return path.read_bytes()
        part = path.with_name(f"{path.name}.part")
        for attempt in range(ATTEMPTS):
            try:
                self._stream(original, part)
                break
            except httpx.TransportError as error:
                if attempt == ATTEMPTS - 1:
                    raise SourceError(f"{original.url}: cannot be fetched ({type(error).__name__}: {error})") from error
                time.sleep(self._pause * 2**attempt)
            except (httpx.RequestError, httpx.InvalidURL) as error:
                # A circle of redirections, content that is not packed as it says: no other attempt mends these.
                raise SourceError(f"{original.url}: cannot be fetched ({type(error).__name__}: {error})") from error
        if (digest := _digest(part)) != original.sha256:
            part.unlink()
            raise SourceError(f"{original.url}: arrived with sha256 {digest}, the register says {original.sha256}")
        part.replace(path)
        return path.read_bytes()

    def _stream(self, original: Original, part: Path) -> None:
        """Append to `part` what it lacks. Raises httpx.TransportError for what may pass, else SourceError."""
        have = part.stat().st_size if part.exists() else 0
        headers = (
            {"Range": f"bytes={have}-", "Accept-Encoding": "identity"} if have else {"Accept-Encoding": "identity"}
        )
        with self._client.stream("GET", original.url, headers=headers, follow_redirects=True) as response:
            if response.status_code in TRY_AGAIN:
                raise httpx.ReadError(f"status {response.status_code}")
            if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                return  # `part` is whole, or wrong, which its hash will tell
            if response.is_error:
                raise SourceError(f"{original.url}: the server answers with status {response.status_code}")
            if response.status_code != httpx.codes.PARTIAL_CONTENT:
                have = 0
            self._write(response, part, have=have, url=original.url)

    def _write(self, response: httpx.Response, part: Path, *, have: int, url: str) -> None:
        length = response.headers.get("Content-Length")
        total = have + int(length) if length else None
        # `disable=None` shows the bar on a terminal only.
        bar = tqdm(total=total, initial=have, unit="B", unit_scale=True, desc=part.stem, disable=None, leave=False)
        with part.open("ab" if have else "wb") as out, bar:
            for chunk in response.iter_bytes(CHUNK):
                have += len(chunk)
                if have > self._max_bytes:
                    raise SourceError(f"{url}: is larger than {self._max_bytes:,} bytes")
                out.write(chunk)
                bar.update(len(chunk))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
