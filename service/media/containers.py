"""What kind of video or sound a file holds: read from its first bytes, never from its name or declared type."""

from dataclasses import dataclass
from typing import Literal, get_args

ClipKind = Literal["video", "audio"]
CLIP_KINDS: tuple[ClipKind, ...] = get_args(ClipKind)

# How many bytes of a file are needed to tell.
HEAD_BYTES = 64


@dataclass(frozen=True, slots=True)
class ClipFormat:
    """An accepted container. `demuxer` is FFmpeg's name of what reads it, and nothing else is let near the file.

    `kind` is what the header promises; whether an MP4 or a WebM has pictures is only known when it is opened.
    """

    mime: str
    suffix: str
    demuxer: str
    kind: ClipKind


MP4 = ClipFormat("video/mp4", "mp4", "mov", "video")
MOV = ClipFormat("video/quicktime", "mov", "mov", "video")
WEBM = ClipFormat("video/webm", "webm", "matroska", "video")
M4A = ClipFormat("audio/mp4", "m4a", "mov", "audio")
MP3 = ClipFormat("audio/mpeg", "mp3", "mp3", "audio")
AAC = ClipFormat("audio/aac", "aac", "aac", "audio")
OGG = ClipFormat("audio/ogg", "ogg", "ogg", "audio")
WAV = ClipFormat("audio/wav", "wav", "wav", "audio")
FLAC = ClipFormat("audio/flac", "flac", "flac", "audio")
CLIP_FORMATS = {one.mime: one for one in (MP4, MOV, WEBM, M4A, MP3, AAC, OGG, WAV, FLAC)}

_SOUND_BRANDS = frozenset({b"M4A ", b"M4B ", b"F4A ", b"F4B "})
_QUICKTIME = b"qt  "
# Pictures in the same box structure (HEIF, AVIF and relatives), which are none of ours.
_PICTURE_BRANDS = frozenset(
    {
        b"avif",
        b"avis",
        b"heic",
        b"heix",
        b"heim",
        b"heis",
        b"hevc",
        b"hevx",
        b"mif1",
        b"mif2",
        b"msf1",
        b"crx ",
        b"jxl ",
    }
)
# Boxes that QuickTime files from before `ftyp` begin with.
_OLD_QUICKTIME = frozenset({b"moov", b"mdat", b"wide"})
_EBML = b"\x1a\x45\xdf\xa3"
_EBML_DOCTYPE = b"\x42\x82"


def clip_format(head: bytes) -> ClipFormat | None:
    """The container by a file's first HEAD_BYTES bytes; None for everything that is not accepted."""
    if head[4:8] == b"ftyp":
        return _by_brand(head[8:12])
    if head.startswith(_EBML):
        return WEBM if _doctype(head) == b"webm" else None
    for start, found in ((b"OggS", OGG), (b"fLaC", FLAC), (b"ID3", MP3)):
        if head.startswith(start):
            return found
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return WAV
    if head[4:8] in _OLD_QUICKTIME:
        return MOV
    return _by_sync(head[:4])


def _by_brand(brand: bytes) -> ClipFormat | None:
    if brand in _PICTURE_BRANDS:
        return None
    if brand == _QUICKTIME:
        return MOV
    return M4A if brand in _SOUND_BRANDS else MP4


def _doctype(head: bytes) -> bytes:
    """The document type of an EBML header, which stands among a few short elements."""
    place = head.find(_EBML_DOCTYPE, len(_EBML), HEAD_BYTES)
    if place < 0:
        return b""
    start = place + len(_EBML_DOCTYPE) + 1
    length = head[start - 1] & 0x7F if start <= len(head) else 0
    return head[start : start + length].rstrip(b"\0")


def _by_sync(mark: bytes) -> ClipFormat | None:
    """Sound frames without any container: eleven set bits, then version and layer."""
    if len(mark) < 4 or mark[0] != 0xFF or mark[1] & 0xE0 != 0xE0:
        return None
    version, layer = mark[1] >> 3 & 3, mark[1] >> 1 & 3
    if layer == 0 and version in {2, 3}:
        return AAC
    bitrate, rate = mark[2] >> 4, mark[2] >> 2 & 3
    return MP3 if layer == 1 and version != 1 and bitrate not in {0, 15} and rate != 3 else None
