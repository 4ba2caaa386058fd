"""Messages between the service and the process that renders: a JSON head and a block of bytes, lengths in front.

Not pickled on purpose: the other end has read an untrusted file, and loading its pickle would run what it likes.
"""

import json
import re
import struct
from dataclasses import dataclass
from typing import Any

from models.pdq import BITS, Fingerprint
from service.media.blurring import LONG_SIDE, PLAIN, PLAIN_SIDE, PREVIEW_MIME, SHEET, STILL
from service.media.derivatives import Derivative
from service.media.render import HASHED_FRAMES, Limits, Rendered
from service.media.sniff import FORMATS, JPEG, sniff

# Tasks that a message may name.
RENDER, LENS = "render", "lens"

PREFIX = struct.Struct(">IQ")
_MOST_HEAD = 10_000
# A clean copy can be larger than its upload, since a strong compressor's work is undone; far above what limits allow.
_MOST_BODY = 1 << 30
# Three bytes a pixel of the largest tile come to 240 kB before they are compressed.
_MOST_TILE = 300_000
# Milliseconds that a column holds.
_LATEST = (1 << 31) - 1
_HEXADECIMALS = re.compile(f"[0-9a-f]{{1,{BITS // 4}}}")


class BrokenMessageError(ValueError):
    """What came is not a message, or says what cannot be."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message: what it is about, and the bytes that go with it."""

    head: dict[str, Any]
    body: bytes = b""


def prefix(head: dict[str, Any], body_length: int) -> bytes:
    """Everything that goes before the body."""
    encoded = json.dumps(head).encode()
    return PREFIX.pack(len(encoded), body_length) + encoded


def lengths(received: bytes) -> tuple[int, int]:
    """Lengths of head and body that a prefix announces. Raises BrokenMessageError."""
    head, body = PREFIX.unpack(received)
    if head > _MOST_HEAD or body > _MOST_BODY:
        raise BrokenMessageError(f"announces {head} and {body} bytes")
    return head, body


def parse(head: bytes, body: bytes) -> Message:
    """The message. Raises BrokenMessageError."""
    try:
        parsed = json.loads(head)
    except (ValueError, RecursionError) as error:
        raise BrokenMessageError("the head is not JSON") from error
    if not isinstance(parsed, dict):
        raise BrokenMessageError("the head is not an object")
    return Message(parsed, body)


def rendered_head(rendered: Rendered) -> dict[str, Any]:
    """The head of an answer; its body is the clean copy and then the derivatives in this order."""
    return {
        "mime": rendered.mime,
        "width": rendered.width,
        "height": rendered.height,
        "frames": rendered.frames,
        # In hexadecimals: a number of 256 bits is more than JSON's readers agree on.
        "pdq": [f"{rendered.fingerprint.bits:x}", rendered.fingerprint.quality],
        "prints": [[at, f"{one.bits:x}", one.quality] for at, one in rendered.prints],
        "clean": len(rendered.clean),
        "derivatives": [
            [one.variant, one.level, one.mime, one.width, one.height, len(one.data)] for one in rendered.derivatives
        ],
    }


def read_rendered(message: Message, limits: Limits) -> Rendered:
    """The answer, believed no further than it can be checked. Raises BrokenMessageError."""
    try:
        head = message.head
        rows = head["derivatives"]
        wanted = STILL + SHEET if head["frames"] != 1 else STILL
        if [(row[0], row[1]) for row in rows] != list(wanted):
            raise BrokenMessageError("not the derivatives that a picture has")
        sizes = [_count(head["clean"]), *(_count(row[5]) for row in rows)]
        if sum(sizes) != len(message.body):
            raise BrokenMessageError("the parts are not as long as the whole")
        parts = _cut(message.body, sizes)
        derivatives = tuple(_derivative(row, data) for row, data in zip(rows, parts[1:], strict=True))
        width, height, frames = (_count(head[name]) for name in ("width", "height", "frames"))
        found = FORMATS[head["mime"]]
        fingerprint, prints = _fingerprint(*head["pdq"]), _prints(head["prints"], frames)
    except BrokenMessageError:
        raise
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise BrokenMessageError("the head of an answer has another form") from error
    if sniff(parts[0]) is not found or width * height * frames > limits.pixels:
        raise BrokenMessageError("the clean copy is not what it is said to be")
    return Rendered(found.mime, width, height, frames, parts[0], derivatives, fingerprint, prints)


def _derivative(row: list[Any], data: bytes) -> Derivative:
    """A derivative of a picture, of that description. Raises BrokenMessageError."""
    variant, level, mime, width, height, _ = row
    if mime != PREVIEW_MIME or sniff(data) is not JPEG:
        raise BrokenMessageError("a derivative is no JPEG")
    if max(_count(width), _count(height)) > (PLAIN_SIDE if level == PLAIN else LONG_SIDE):
        raise BrokenMessageError("a derivative is larger than its level allows")
    return Derivative(variant, level, mime, width, height, data)


def read_tile(message: Message) -> bytes:
    """A tile of the lens. Raises BrokenMessageError."""
    if sniff(message.body) is not JPEG or len(message.body) > _MOST_TILE:
        raise BrokenMessageError("a tile is no small JPEG")
    return message.body


def _count(value: object) -> int:
    if not isinstance(value, int) or value < 1:
        raise BrokenMessageError("a count is not a positive whole number")
    return value


def _fingerprint(bits: object, quality: object) -> Fingerprint:
    """The fingerprint. Raises BrokenMessageError."""
    if not isinstance(bits, str) or not _HEXADECIMALS.fullmatch(bits):
        raise BrokenMessageError("a fingerprint is not a number in hexadecimals")
    if not isinstance(quality, int) or not 0 <= quality <= 100:
        raise BrokenMessageError("a fingerprint's quality is not from 0 to 100")
    return Fingerprint(int(bits, 16), quality)


def _prints(rows: list[Any], frames: int) -> tuple[tuple[int, Fingerprint], ...]:
    """Those of later frames, each at its own time. Raises BrokenMessageError."""
    found = {_count(at): _fingerprint(bits, quality) for at, bits, quality in rows}
    if len(rows) > min(HASHED_FRAMES, frames - 1) or len(found) != len(rows) or any(at > _LATEST for at in found):
        raise BrokenMessageError("fingerprints that an animation has not")
    return tuple(found.items())


def _cut(body: bytes, sizes: list[int]) -> list[bytes]:
    parts, place = [], 0
    for size in sizes:
        parts.append(body[place : place + size])
        place += size
    return parts
