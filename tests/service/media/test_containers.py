"""What a file is, by its first bytes alone."""

import pytest

from service.media.containers import HEAD_BYTES, clip_format
from tests.service.media import clips, pictures
from tests.service.media.clips import MOV, MP4, SOUNDS, WEBM


@pytest.mark.parametrize(
    ("data", "mime"),
    [
        (MP4.data(), "video/mp4"),
        (MOV.data(), "video/quicktime"),
        (clips.boxes((b"wide", b""), (b"mdat", b"")), "video/quicktime"),
        (WEBM.data(), "video/webm"),
        (SOUNDS["m4a"].data(), "audio/mp4"),
        (SOUNDS["mp3"].data(), "audio/mpeg"),
        (SOUNDS["mp3"].but(options={"id3v2_version": "0", "write_xing": "0"}), "audio/mpeg"),
        (SOUNDS["aac"].data(), "audio/aac"),
        (SOUNDS["ogg"].data(), "audio/ogg"),
        (SOUNDS["flac"].data(), "audio/flac"),
        (SOUNDS["wav"].data(), "audio/wav"),
    ],
)
def test_a_file_is_known_by_its_first_bytes(data: bytes, mime: str) -> None:
    found = clip_format(data[:HEAD_BYTES])
    assert found is not None
    assert found.mime == mime


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\xff",
        b"ID",
        b"<html>" * 20,
        pictures.jpeg()[:HEAD_BYTES],
        pictures.webp()[:HEAD_BYTES],
        *(clips.boxes((b"ftyp", brand + bytes(4))) for brand in (b"avif", b"heic", b"mif1")),
        WEBM.but(container="matroska")[:HEAD_BYTES],
        b"\x1a\x45\xdf\xa3" + bytes(60),
        b"\x1a\x45\xdf\xa3\x42\x82",
        # Eleven bits of a frame of sound, but of no version, bit rate or sampling rate that there is.
        b"\xff\xeb\x90\x00",
        b"\xff\xfb\xf0\x00",
        b"\xff\xfb\x9c\x00",
        b"\xff\xff\xff\xff",
    ],
    ids=lambda head: head[:12].hex(),
)
def test_everything_else_is_not_accepted(head: bytes) -> None:
    assert clip_format(head) is None
