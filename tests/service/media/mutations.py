"""Good files, and broken ones made from them: what uploads must survive.

Each kind of media registers makers of small good files in `GOOD` and of known attacks in `BOMBS`, by kind and name: `image`
for pictures, `clip` for video and sound.
"""

import random
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pyvips

from tests.service.media import broken_clips
from tests.service.media.clips import malformed
from tests.service.media.pictures import animation, avif, chunk, draw, gif, jpeg, png, png_header, scene, webp

Maker = Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Broken:
    """One file to feed: which kind's renderer gets it, what was done to it, and its bytes."""

    kind: str
    name: str
    data: bytes


def _zip() -> bytes:
    return b"PK\x03\x04" + bytes(26) + b"a" * 400 + b"PK\x05\x06" + bytes(18)


def _large_jpeg() -> bytes:
    data = bytearray(jpeg(draw(24, 18)))
    place = data.index(b"\xff\xc0") + 5
    data[place : place + 4] = b"\xff\xff\xff\xff"
    return bytes(data)


def _large_gif() -> bytes:
    data = bytearray(gif(draw(24, 18)))
    data[6:10] = b"\xff\xff\xff\xff"
    place = data.index(b"\x2c\x00\x00\x00\x00") + 5
    data[place : place + 4] = b"\xff\xff\xff\xff"
    return bytes(data)


def _many_frames() -> bytes:
    """A GIF with 100,000 frames of one pixel."""
    frame = b"\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00"
    return b"GIF89a\x01\x00\x01\x00\x80\x00\x00" + b"\x00\x00\x00\xff\xff\xff" + frame * 100_000 + b"\x3b"


def _large_avif() -> bytes:
    data = bytearray(avif(draw(24, 18)))
    place = data.index(b"ispe") + 8
    data[place : place + 8] = (65_535).to_bytes(4) * 2
    return bytes(data)


def _inflating_png() -> bytes:
    """64 x 64 pixels in its header, and 50 MB of zeros in its compressed data."""
    header = (64).to_bytes(4) * 2 + bytes([8, 2, 0, 0, 0])
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(50_000_000), 9)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def _large_text_png() -> bytes:
    """A comment of a few kB that inflates to 20 MB."""
    good = png(draw(24, 18))
    return good[:33] + chunk(b"zTXt", b"Comment\x00\x00" + zlib.compress(bytes(20_000_000), 9)) + good[33:]


GOOD: dict[str, dict[str, Maker]] = {
    "image": {
        "jpeg": lambda: jpeg(scene(120, 90)),
        "progressive jpeg": lambda: jpeg(scene(120, 90), interlace=True),
        "png": lambda: png(scene(120, 90)),
        "interlaced png": lambda: png(scene(120, 90), interlace=True),
        "webp": lambda: webp(scene(120, 90)),
        "lossless webp": lambda: webp(scene(60, 45), lossless=True),
        "gif": lambda: gif(scene(120, 90)),
        "avif": lambda: avif(scene(120, 90)),
        "moving gif": lambda: gif(animation()),
        "moving webp": lambda: webp(animation()),
    },
    "clip": broken_clips.GOOD,
}
BOMBS: dict[str, dict[str, Maker]] = {
    "image": {
        "png of 65,535 squared": lambda: png_header(65_535, 65_535),
        "png of 2**31 squared": lambda: png_header(2**31 - 1, 2**31 - 1),
        "png of many equal pixels": lambda: png(pyvips.Image.black(8000, 6500), compression=9),
        "png that inflates": _inflating_png,
        "png comment that inflates": _large_text_png,
        "jpeg of 65,535 squared": _large_jpeg,
        "gif of 65,535 squared": _large_gif,
        "gif of 100,000 frames": _many_frames,
        "avif of 65,535 squared": _large_avif,
        "zip behind a png": lambda: png(scene(120, 90)) + _zip(),
        "zip behind a jpeg": lambda: jpeg(scene(120, 90)) + _zip(),
        "zip before a png": lambda: _zip() + png(scene(120, 90)),
        "zip in a png chunk": lambda: png_header(9, 9)[:33] + chunk(b"zIPp", _zip()) + png_header(9, 9)[33:],
        "heic": lambda: avif(scene(120, 90)).replace(b"ftypavif", b"ftypheic"),
        "empty avif": lambda: b"\x00\x00\x00\x18ftypavif\x00\x00\x00\x00avifmif1",
    },
    "clip": broken_clips.BOMBS,
}


def bombs(kind: str) -> Iterator[Broken]:
    """The known attacks of one kind."""
    for name, make in BOMBS[kind].items():
        yield Broken(kind, name, make())
    if kind == "clip":
        yield from (Broken(kind, name, data) for name, data in malformed())


def mutated(kind: str, *, seed: int, count: int) -> Iterator[Broken]:
    """So many files made from the good ones in turn; the same seed gives the same files."""
    chance = random.Random(f"{kind} {seed}")
    good = {name: make() for name, make in GOOD[kind].items()}
    names = list(good)
    for number in range(count):
        name = names[number % len(names)]
        change = chance.choice(CHANGES)
        data = change(chance, good[name], good[chance.choice(names)])
        yield Broken(kind, f"{name}, {change.__name__} ({seed}/{number})", data)


def flipped(chance: random.Random, data: bytes, _other: bytes) -> bytes:
    """Some bits turned over."""
    out = bytearray(data)
    for _ in range(chance.choice([1, 4, 32])):
        out[chance.randrange(len(out))] ^= 1 << chance.randrange(8)
    return bytes(out)


def flipped_early(chance: random.Random, data: bytes, _other: bytes) -> bytes:
    """The same, within the headers."""
    out = bytearray(data)
    for _ in range(chance.choice([1, 3])):
        out[chance.randrange(min(200, len(out)))] ^= 1 << chance.randrange(8)
    return bytes(out)


def cut(chance: random.Random, data: bytes, _other: bytes) -> bytes:
    """The end missing."""
    return data[: chance.randrange(1, len(data))]


def holed(chance: random.Random, data: bytes, _other: bytes) -> bytes:
    """A piece missing from within."""
    start, end = sorted(chance.randrange(len(data)) for _ in range(2))
    return data[:start] + data[end:]


def repeated(chance: random.Random, data: bytes, _other: bytes) -> bytes:
    """A piece there several times."""
    start, end = sorted(chance.randrange(len(data)) for _ in range(2))
    return data[:end] + data[start:end] * chance.choice([1, 5, 20]) + data[end:]


def spliced(chance: random.Random, data: bytes, other: bytes) -> bytes:
    """A piece of another file within."""
    place, start, end = chance.randrange(len(data)), *sorted(chance.randrange(len(other)) for _ in range(2))
    return data[:place] + other[start:end] + data[place:]


def headed_anew(chance: random.Random, data: bytes, other: bytes) -> bytes:
    """The header of another file in front."""
    length = chance.choice([4, 12, 33, 64, 200])
    return other[:length] + data[length:]


def lengths_wrong(chance: random.Random, data: bytes, _other: bytes) -> bytes:
    """Two or four bytes, which may well be a length or a size, at an end of their range."""
    width = chance.choice([2, 4])
    # Headers are in front, but for the index of most MP4s.
    place = chance.randrange(min(chance.choice([400, len(data)]), len(data) - width))
    value = chance.choice(
        [b"\xff" * width, bytes(width), b"\x7f" + b"\xff" * (width - 1), b"\x00" * (width - 1) + b"\x01"]
    )
    return data[:place] + value + data[place + width :]


CHANGES = (flipped, flipped_early, cut, holed, repeated, spliced, headed_anew, lengths_wrong)
