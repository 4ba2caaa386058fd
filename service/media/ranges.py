"""Pieces of a file that a browser asks for (RFC 9110, section 14): one range of bytes, which is all that players need."""

import re
import sys

from service.errors.media import RangeNotSatisfiableError
from service.media.storage import StoredFile

_ONE_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def asked_piece(header: str | None) -> tuple[int, int | None] | None:
    """Start (negative: from the end) and length of the range; None where the whole file is to be sent.

    That is also the answer to several ranges and to what is no range of bytes, as the standard allows.
    """
    found = _ONE_RANGE.fullmatch((header or "").replace(" ", ""))
    if found is None:
        return None
    first, last = found.groups()
    if first and last:
        return (int(first), int(last) - int(first) + 1) if int(last) >= int(first) else None
    if first:
        return int(first), None
    if last:
        # The last no bytes lie behind the end of every file.
        return -int(last) or sys.maxsize, None
    return None


def range_headers(file: StoredFile) -> dict[str, str]:
    """Headers of an answer with that piece. Raises RangeNotSatisfiableError for an empty one."""
    if not file.length:
        raise RangeNotSatisfiableError(
            f"the file has {file.size:,} bytes; the range begins behind them",
            headers={"Content-Range": f"bytes */{file.size}"},
        )
    return {"Content-Range": f"bytes {file.start}-{file.start + file.length - 1}/{file.size}"}
