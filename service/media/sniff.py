"""What a file is and whether its frame is whole: read from its bytes, never from its name or declared type."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Format:
    """An accepted kind of picture. `loader` is the libvips operation that reads it from memory."""

    mime: str
    suffix: str
    loader: str
    animated: bool


JPEG = Format("image/jpeg", "jpg", "jpegload_buffer", animated=False)
PNG = Format("image/png", "png", "pngload_buffer", animated=False)
WEBP = Format("image/webp", "webp", "webpload_buffer", animated=True)
GIF = Format("image/gif", "gif", "gifload_buffer", animated=True)
AVIF = Format("image/avif", "avif", "heifload_buffer", animated=False)
FORMATS = {one.mime: one for one in (JPEG, PNG, WEBP, GIF, AVIF)}
ACCEPTED = "JPEG, PNG, WebP, GIF and AVIF pictures are accepted"

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# In pixel data a byte FF is followed by 00 or by a restart mark; those lead nowhere, everything else starts a segment.
_JPEG_MARK = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")
_JPEG_END = 0xD9
# Brands of ISO base media files (ISO 14496-12): what the file says it may be read as. The first one is its own choice.
_AVIF_BRAND, _MOVING_AVIF_BRAND, _ANY_PICTURE_BRAND = b"avif", b"avis", b"mif1"
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_MOST_BRANDS = 64
_GIF_IMAGE, _GIF_EXTENSION, _GIF_TRAILER = 0x2C, 0x21, 0x3B


def sniff(data: bytes) -> Format | None:
    """The format by the first bytes; None for everything that is not accepted."""
    if data.startswith(b"\xff\xd8\xff"):
        return JPEG
    if data.startswith(_PNG_SIGNATURE):
        return PNG
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return WEBP
    if data.startswith((b"GIF87a", b"GIF89a")):
        return GIF
    brands = _brands(data)
    if brands[:1] == [_AVIF_BRAND] or (brands[:1] == [_ANY_PICTURE_BRAND] and _AVIF_BRAND in brands):
        return AVIF
    return None


def advice(data: bytes) -> str | None:
    """What the sender of a picture that is of no accepted format can do; None where nothing is known of it."""
    brands = _brands(data)
    if brands[:1] == [_MOVING_AVIF_BRAND]:
        return "animated AVIF is not accepted; send the animation as GIF or WebP"
    if brands[:1] != [_AVIF_BRAND] and not _HEIC_BRANDS.isdisjoint(brands):
        return (
            "HEIC pictures are not accepted, as what reads pictures here cannot decode them; convert it to JPEG, for"
            f" example by saving a copy in the Photos app: {ACCEPTED}"
        )
    return None


def _brands(data: bytes) -> list[bytes]:
    """The major brand of an ISO base media file and then its compatible ones; empty for any other file."""
    length = int.from_bytes(data[:4])
    if data[4:8] != b"ftyp" or not 16 <= length <= min(len(data), 16 + 4 * _MOST_BRANDS):
        return []
    return [data[8:12], *(data[place : place + 4] for place in range(16, length, 4))]


def jpeg_is_whole(data: bytes) -> bool:
    """True when the segments of a JPEG lead to its end mark; the decoder needs no more than the last pixel."""
    place = 2
    while mark := _JPEG_MARK.search(data, place):
        kind = data[mark.end() - 1]
        if kind == _JPEG_END:
            return True
        length = int.from_bytes(data[mark.end() : mark.end() + 2])
        place = mark.end() + length
    return False


def png_chunks(data: bytes) -> list[bytes] | None:
    """Types of the chunks of a PNG up to its end mark, without a type's direct repetition; None when cut off before."""
    found: list[bytes] = []
    place = len(_PNG_SIGNATURE)
    while place + 12 <= len(data):
        kind = data[place + 4 : place + 8]
        if found[-1:] != [kind]:
            found.append(kind)
        place += 12 + int.from_bytes(data[place : place + 4])
        if kind == b"IEND":
            return found if place <= len(data) else None
    return None


def gif_is_whole(data: bytes) -> bool:
    """True when the blocks of a GIF lead to its trailer.

    libvips notices a cut inside the first frame only: of an animation it would keep the frames before the cut.
    """
    try:
        place = 13 + _colour_table(data[10])
        while data[place] != _GIF_TRAILER:
            if data[place] == _GIF_EXTENSION:
                place = _after_blocks(data, place + 2)
            elif data[place] == _GIF_IMAGE:
                place = _after_blocks(data, place + 11 + _colour_table(data[place + 9]))
            else:
                return False
    except IndexError:
        return False
    return True


def _colour_table(flags: int) -> int:
    """Bytes of the colour table that the flags announce."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _after_blocks(data: bytes, place: int) -> int:
    """Where a chain of blocks ends, each with its length in front and an empty one as the last."""
    while length := data[place]:
        place += 1 + length
    return place + 1
