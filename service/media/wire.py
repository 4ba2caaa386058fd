"""Messages between the service and the process that renders: a JSON head and a block of bytes, lengths in front.

Not pickled on purpose: the other end has read an untrusted file, and loading its pickle would run what it likes.
"""

import json
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from models.pdq import BITS, Fingerprint
from service.media.blurring import SHEET, STILL, longest_side
from service.media.containers import HEAD_BYTES, clip_format
from service.media.derivatives import MIME_OF, Derivative
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
# What a column holds, of milliseconds too; above what any limit allows.
_MOST = (1 << 31) - 1
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
        "pdq": _of_print(rendered.fingerprint),
        "prints": rows_of_prints(rendered.prints),
        "clean": len(rendered.clean),
        "derivatives": rows_of(rendered.derivatives),
    }


def read_rendered(message: Message, limits: Limits) -> Rendered:
    """The answer, believed no further than it can be checked. Raises BrokenMessageError."""
    try:
        head = message.head
        rows = head["derivatives"]
        wanted = STILL + SHEET if head["frames"] != 1 else STILL
        if [(row[0], row[1]) for row in rows] != list(wanted):
            raise BrokenMessageError("not the derivatives that a picture has")
        size = count(head["clean"])
        clean, derivatives = message.body[:size], read_derivatives(rows, message.body[size:])
        width, height, frames = (count(head[name]) for name in ("width", "height", "frames"))
        found = FORMATS[head["mime"]]
        fingerprint = _fingerprint(*head["pdq"])
        prints = read_prints(head["prints"], most=min(HASHED_FRAMES, frames - 1), earliest=1)
    except BrokenMessageError:
        raise
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise BrokenMessageError("the head of an answer has another form") from error
    if sniff(clean) is not found or width * height * frames > limits.pixels:
        raise BrokenMessageError("the clean copy is not what it is said to be")
    return Rendered(found.mime, width, height, frames, clean, derivatives, fingerprint, prints)


def rows_of(derivatives: Sequence[Derivative]) -> list[list[Any]]:
    """What a head says of derivatives, whose bytes stand in the body in this order."""
    return [[one.variant, one.level, one.mime, one.width, one.height, len(one.data)] for one in derivatives]


def read_derivatives(rows: list[list[Any]], body: bytes) -> tuple[Derivative, ...]:
    """Derivatives of those rows, of which the body has all bytes and no others.

    Raises BrokenMessageError, and what Python raises for rows of another form.
    """
    found, place = [], 0
    for variant, level, mime, width, height, size in rows:
        data = body[place : place + count(size)]
        place += size
        if mime != MIME_OF[variant] or mime_of(data) != mime:
            raise BrokenMessageError("a derivative is not the kind of file that it has to be")
        if max(count(width), count(height)) > longest_side(variant, count(level, least=0)):
            raise BrokenMessageError("a derivative is larger than its level allows")
        found.append(Derivative(variant, level, mime, width, height, data))
    if place != len(body):
        raise BrokenMessageError("the parts are not as long as the whole")
    return tuple(found)


def mime_of(data: bytes) -> str | None:
    """What the first bytes of a picture, video or sound say it is."""
    found = sniff(data) or clip_format(data[:HEAD_BYTES])
    return found.mime if found else None


def rows_of_prints(prints: Sequence[tuple[int, Fingerprint]]) -> list[list[Any]]:
    """What a head says of fingerprints and when they are shown."""
    return [[at, *_of_print(one)] for at, one in prints]


def read_prints(rows: list[Any], *, most: int, earliest: int) -> tuple[tuple[int, Fingerprint], ...]:
    """So many fingerprints at most, each at its own time. As `read_derivatives` in all else."""
    found = {count(at, least=earliest): _fingerprint(bits, quality) for at, bits, quality in rows}
    if len(rows) > most or len(found) != len(rows):
        raise BrokenMessageError("fingerprints that there cannot be")
    return tuple(found.items())


def read_tile(message: Message) -> bytes:
    """A tile of the lens. Raises BrokenMessageError."""
    if sniff(message.body) is not JPEG or len(message.body) > _MOST_TILE:
        raise BrokenMessageError("a tile is no small JPEG")
    return message.body


def count(value: object, *, least: int = 1) -> int:
    """The whole number. Raises BrokenMessageError."""
    # Not `isinstance`: True is a whole number to Python.
    if type(value) is not int or not least <= value <= _MOST:
        raise BrokenMessageError(f"a count is not a whole number from {least} to {_MOST}")
    return value


def _of_print(one: Fingerprint) -> list[Any]:
    # In hexadecimals: a number of 256 bits is more than JSON's readers agree on.
    return [f"{one.bits:x}", one.quality]


def _fingerprint(bits: object, quality: object) -> Fingerprint:
    if not isinstance(bits, str) or not _HEXADECIMALS.fullmatch(bits):
        raise BrokenMessageError("a fingerprint is not a number in hexadecimals")
    found = Fingerprint(int(bits, 16), count(quality, least=0))
    if found.quality > 100:
        raise BrokenMessageError("a fingerprint's quality is not from 0 to 100")
    return found
