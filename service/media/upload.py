"""Takes the one file of a multipart body in while it streams: onto the disk, and no further than its kind may go."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, Literal, cast

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.requests import ClientDisconnect, Request

from service.errors.media import MediaTooLargeError, UnsupportedMediaError
from service.errors.requests import InvalidRequestError
from service.media.containers import clip_format
from service.media.sniff import advice, sniff
from service.media.storage import answering

FIELD = b"file"
# What of an upload is held in memory; the rest of it goes onto the disk.
MEMORY_BYTES = 1_000_000
# So many bytes tell what a file is. Whatever they say, it is decoded where it can do no harm.
HEAD_BYTES = 4096
# An upload of which nothing has come for so long is over: there is room for a few at once only.
IDLE_SECONDS = 30.0

Kind = Literal["image", "video", "audio"]


@dataclass(frozen=True, slots=True)
class Received:
    """A file that has arrived, gone when its block ends. Kind and type are what its first bytes promise."""

    file: BinaryIO
    size: int
    kind: Kind
    mime: str


@asynccontextmanager
async def receive(request: Request, *, folder: Path, limits: Mapping[Kind, int]) -> AsyncIterator[Received]:
    """The field `file` of the body; other fields are skipped. `limits` are the most bytes of each kind.

    In the folder it has no name, so that nothing of it is left even if this process is killed. Raises InvalidRequestError
    when the field is missing, empty, sent twice or cut off, UnsupportedMediaError and MediaTooLargeError, and
    StorageUnavailableError when the disk is full.
    """
    kind, options = parse_options_header(request.headers.get("content-type"))
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise InvalidRequestError("send the file as multipart/form-data in the field 'file'")
    with answering():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        spool = SpooledTemporaryFile(max_size=MEMORY_BYTES, dir=str(folder))  # noqa: SIM115 - closed below, whatever that says
    try:
        with answering():
            received = await _received(request, boundary, _FileField(cast("BinaryIO", spool), limits))
        yield received
    finally:
        # Closing tries once more to write what a full disk has refused.
        with suppress(OSError):
            spool.close()


async def _received(request: Request, boundary: bytes, field: "_FileField") -> Received:
    try:
        parser = field.parser(boundary)
        async for chunk in _arriving(request):
            parser.write(chunk)
            await field.keep()
    except FormParserError as error:
        raise InvalidRequestError("the body is not well-formed multipart/form-data") from error
    except ClientDisconnect as error:
        raise InvalidRequestError("the upload was cut off") from error
    return await field.received()


async def _arriving(request: Request) -> AsyncIterator[bytes]:
    """The body as it comes. Raises InvalidRequestError when it stops to come, and ClientDisconnect."""
    body = request.stream()
    while True:
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                chunk = await anext(body, None)
        except TimeoutError as error:
            raise InvalidRequestError(f"the upload was cut off: nothing came for {IDLE_SECONDS:g} seconds") from error
        if chunk is None:
            return
        yield chunk


def kind_of(head: bytes) -> tuple[Kind, str]:
    """What a file promises to be, and its type. Raises UnsupportedMediaError."""
    if picture := sniff(head):
        return "image", picture.mime
    if clip := clip_format(head):
        return clip.kind, clip.mime
    raise UnsupportedMediaError(
        advice(head)
        or "the file is none of the accepted kinds: JPEG, PNG, WebP, GIF and AVIF pictures, MP4, MOV and WebM videos, MP3,"
        " M4A, AAC, Ogg, WAV and FLAC sound"
    )


class _FileField:
    """Collects the field while a parser calls back: headers of a part, then its data, then the end of the part."""

    def __init__(self, spool: BinaryIO, limits: Mapping[Kind, int]) -> None:
        self._spool = spool
        self._limits = limits
        self._limit = max(limits.values())
        # What the parser has found since it was last written away: never more than a network chunk and the head.
        self._data = bytearray()
        self._size = 0
        self._promise: tuple[Kind, str] | None = None
        self._header = b""
        self._header_value = b""
        self._is_file = False
        self._times = 0
        self._whole = False

    def parser(self, boundary: bytes) -> MultipartParser:
        """A parser that fills this field."""
        return MultipartParser(
            boundary,
            {
                "on_header_field": self._on_header_field,
                "on_header_value": self._on_header_value,
                "on_header_end": self._on_header_end,
                "on_part_begin": self._on_part_begin,
                "on_part_data": self._on_part_data,
                "on_part_end": self._on_part_end,
            },
        )

    async def keep(self) -> None:
        """Write away what has arrived, once enough of it is there to tell its kind. Raises as `receive`."""
        if self._promise is None and self._size < HEAD_BYTES:
            return
        self._judge()
        if self._size <= MEMORY_BYTES:
            self._spool.write(self._data)
        else:
            await asyncio.to_thread(self._spool.write, self._data)
        self._data.clear()

    async def received(self) -> Received:
        """The file, once everything has been parsed. Raises as `receive`."""
        if self._times != 1:
            raise InvalidRequestError(f"exactly one field 'file' is needed; there are {self._times}")
        if not self._whole:
            raise InvalidRequestError("the upload was cut off")
        if not self._size:
            raise InvalidRequestError("the file is empty")
        kind, mime = self._judge()
        self._spool.write(self._data)
        self._spool.seek(0)
        return Received(self._spool, self._size, kind, mime)

    def _judge(self) -> tuple[Kind, str]:
        """Tell the kind by the first bytes, and hold the file to the limit of it."""
        if self._promise is None:
            self._promise = kind_of(bytes(self._data[:HEAD_BYTES]))
            self._limit = self._limits[self._promise[0]]
        self._check_size()
        return self._promise

    def _check_size(self) -> None:
        if self._size > self._limit:
            raise MediaTooLargeError(
                f"the file has more than {self._limit:,} bytes, the limit of an upload of its kind"
            )

    def _on_part_begin(self) -> None:
        self._is_file = False

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _on_header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            _, options = parse_options_header(self._header_value)
            self._is_file = options.get(b"name") == FIELD
            self._times += self._is_file
        self._header = self._header_value = b""

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._size += end - start
            self._check_size()
            self._data += data[start:end]

    def _on_part_end(self) -> None:
        self._whole = self._whole or self._is_file
