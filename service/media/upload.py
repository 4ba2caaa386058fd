"""Reads the one file of a multipart body while it streams in."""

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.requests import ClientDisconnect, Request

from service.errors import InvalidRequestError, MediaTooLargeError

FIELD = b"file"


async def read_upload(request: Request, *, limit: int) -> bytes:
    """The bytes of the field `file`; other fields are skipped.

    Never more than `limit` bytes and one network chunk are held. Raises InvalidRequestError when the field is missing,
    empty, sent twice or cut off, and MediaTooLargeError.
    """
    kind, options = parse_options_header(request.headers.get("content-type"))
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise InvalidRequestError("send the file as multipart/form-data in the field 'file'")
    field = _FileField(limit)
    try:
        parser = field.parser(boundary)
        async for chunk in request.stream():
            parser.write(chunk)
    except FormParserError as error:
        raise InvalidRequestError("the body is not well-formed multipart/form-data") from error
    except ClientDisconnect as error:
        raise InvalidRequestError("the upload was cut off") from error
    return field.value()


class _FileField:
    """Collects the field while a parser calls back: headers of a part, then its data, then the end of the part."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._data = bytearray()
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

    def value(self) -> bytes:
        """The file, once everything has been parsed."""
        if self._times != 1:
            raise InvalidRequestError(f"exactly one field 'file' is needed; there are {self._times}")
        if not self._whole:
            raise InvalidRequestError("the upload was cut off")
        if not self._data:
            raise InvalidRequestError("the file is empty")
        return bytes(self._data)

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
        if not self._is_file:
            return
        if len(self._data) + end - start > self._limit:
            raise MediaTooLargeError(f"the file has more than {self._limit:,} bytes, the limit of an upload")
        self._data += data[start:end]

    def _on_part_end(self) -> None:
        self._whole = self._whole or self._is_file
