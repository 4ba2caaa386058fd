"""Small good videos and sounds to be broken, and known attacks by such files, each by a name that says what it does."""

import io
import struct
import zlib
from collections.abc import Callable

import av

from tests.service.media.clips import MOV, MP4, SOUNDS, WEBM, boxes, with_bytes

Maker = Callable[[], bytes]

_MOST = b"\xff\xff\xff\xff"
# Elements of WebM that are written here.
_EBML, _DOCTYPE, _SEGMENT, _INFO, _DURATION = (
    b"\x1a\x45\xdf\xa3",
    b"\x42\x82",
    b"\x18\x53\x80\x67",
    b"\x15\x49\xa9\x66",
    b"\x44\x89",
)
_TRACKS, _ENTRY, _NUMBER, _KIND, _CODEC = b"\x16\x54\xae\x6b", b"\xae", b"\xd7", b"\x83", b"\x86"
_VIDEO, _WIDTH, _HEIGHT, _AUDIO, _RATE, _CHANNELS = b"\xe0", b"\xb0", b"\xba", b"\xe1", b"\xb5", b"\x9f"
_CLUSTER, _TIME, _BLOCK = b"\x1f\x43\xb6\x75", b"\xe7", b"\xa3"
_CHAPTERS, _EDITION, _ATOM, _ATOM_ID, _ATOM_START = b"\x10\x43\xa7\x70", b"\x45\xb9", b"\xb6", b"\x73\xc4", b"\x91"
_ENCODINGS, _ENCODING, _COMPRESSION, _ALGORITHM = b"\x6d\x80", b"\x62\x40", b"\x50\x34", b"\x42\x54"


def _element(name: bytes, *inside: bytes) -> bytes:
    body = b"".join(inside)
    return name + b"\x01" + len(body).to_bytes(7) + body


def _number(name: bytes, value: int) -> bytes:
    return _element(name, value.to_bytes(8))


def _webm(*inside: bytes) -> bytes:
    """A segment without a stated end."""
    return _element(_EBML, _DOCTYPE + b"\x84webm") + _SEGMENT + b"\x01" + b"\xff" * 7 + b"".join(inside)


def _pictures(*more: bytes, width: int = 64, height: int = 48, number: int = 1) -> bytes:
    size = _element(_VIDEO, _number(_WIDTH, width), _number(_HEIGHT, height))
    return _element(_ENTRY, _number(_NUMBER, number), _number(_KIND, 1), _element(_CODEC, b"V_VP8"), size, *more)


def _sound(*, channels: int = 2, rate: float = 48_000.0) -> bytes:
    form = _element(_AUDIO, _element(_RATE, struct.pack(">d", rate)), _number(_CHANNELS, channels))
    return _element(_ENTRY, _number(_NUMBER, 1), _number(_KIND, 2), _element(_CODEC, b"A_VORBIS"), form)


def _blocks(*data: bytes, time: int = 0) -> bytes:
    """A cluster with blocks of the first track, a millisecond apart."""
    heads = (b"\x81" + (at % 32_768).to_bytes(2) + b"\x80" for at in range(len(data)))
    return _element(
        _CLUSTER, _number(_TIME, time), *(_element(_BLOCK, head, one) for head, one in zip(heads, data, strict=True))
    )


def _frame() -> bytes:
    """One frame of VP8 that stands alone."""
    with av.open(io.BytesIO(WEBM.but(sound=None)), "r") as container:
        return bytes(next(container.demux(container.streams.video[0])))


def _lasting(seconds: float) -> bytes:
    """A WebM whose header states another duration, in milliseconds."""
    data = WEBM.but(sound=None)
    place = data.index(_DURATION + b"\x88") + 3
    return data[:place] + struct.pack(">d", 1000 * seconds) + data[place + 8 :]


def _in_box(data: bytes, name: bytes, offset: int, value: bytes) -> bytes:
    """The file with a value written over what is so many bytes behind the first name of that box."""
    place = data.index(name) + len(name) + offset
    return data[:place] + value + data[place + len(value) :]


def _index_of_many(copies: int) -> bytes:
    """An MP4 with its first track so many times."""
    data = MP4.data()
    place = data.index(b"trak") - 4
    track = data[place : place + int.from_bytes(data[place : place + 4])]
    top = data.index(b"moov") - 4
    size = int.from_bytes(data[top : top + 4]) + copies * len(track)
    return data[:top] + size.to_bytes(4) + data[top + 4 : place] + track * copies + data[place:]


def _vp9_of_65536() -> bytes:
    """A WebM whose first VP9 frame says 65,536 x 65,536, behind the mark at its start and four bits about colours."""
    data = bytearray(WEBM.but(picture="libvpx-vp9", sound=None))
    place = data.index(b"\x49\x83\x42") + 3
    data[place] |= 0x0F
    data[place + 1 : place + 4] = b"\xff" * 3
    data[place + 4] |= 0xF0
    return bytes(data)


def _packed_index(claimed: int, inside: bytes) -> bytes:
    """A QuickTime file whose index is compressed and says that it inflates to so many bytes."""
    packed = boxes((b"dcom", b"zlib"), (b"cmvd", claimed.to_bytes(4) + zlib.compress(inside, 9)))
    return boxes((b"ftyp", b"qt  " + bytes(4)), (b"moov", boxes((b"cmov", packed))))


def _wav(*, channels: int = 2, rate: int = 48_000, bits: int = 16) -> bytes:
    form = struct.pack("<HHIIHH", 1, channels, rate, 0xFFFFFFFF, 0xFFFF, bits)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", 40_000) + bytes(40_000)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _chapters(count: int) -> bytes:
    atoms = (_element(_ATOM, _number(_ATOM_ID, at + 1), _number(_ATOM_START, at)) for at in range(count))
    return _webm(_element(_CHAPTERS, _element(_EDITION, *atoms)), _element(_TRACKS, _pictures()), _blocks(b"x"))


def _inflating_blocks() -> bytes:
    """Fifty blocks of some kB, each of which inflates to 9 MB."""
    packed = _element(_ENCODINGS, _element(_ENCODING, _element(_COMPRESSION, _number(_ALGORITHM, 0))))
    return _webm(_element(_TRACKS, _pictures(packed)), _blocks(*[zlib.compress(bytes(9_000_000), 9)] * 50))


GOOD: dict[str, Maker] = {
    "mp4": MP4.data,
    "mp4 with its index in front": lambda: MP4.but(options={"movflags": "faststart"}),
    "mov": MOV.data,
    "webm": WEBM.data,
    "webm of vp9": lambda: WEBM.but(picture="libvpx-vp9", sound=None),
    **{name: one.data for name, one in SOUNDS.items()},
}
BOMBS: dict[str, Maker] = {
    "mp4 whose index is cut off": lambda: (mp4 := MP4.data())[: (mp4.index(b"moov") + len(mp4)) // 2],
    "mp4 whose frames are cut off": lambda: (mp4 := GOOD["mp4 with its index in front"]())[: mp4.index(b"mdat") + 900],
    "mp4 of 65,535 squared": lambda: _in_box(MP4.data(), b"avc1", 24, _MOST),
    "mov of 65,535 squared": lambda: _in_box(MOV.data(), b"mp4v", 24, _MOST),
    "webm of 65,535 squared": lambda: _webm(_element(_TRACKS, _pictures(width=65_535, height=65_535)), _blocks(b"x")),
    "webm of 2**62 squared": lambda: _webm(_element(_TRACKS, _pictures(width=1 << 62, height=1 << 62)), _blocks(b"x")),
    "vp9 frame of 65,536 squared": _vp9_of_65536,
    "webm of 10**300 seconds": lambda: _lasting(1e300),
    "webm of no number of seconds": lambda: _lasting(float("nan")),
    "webm of less than no seconds": lambda: _lasting(-5.0),
    "mp4 of 2**32 seconds": lambda: _in_box(MP4.data(), b"mvhd", 12, b"\0\0\0\x01" + _MOST),
    "mp4 of no time scale": lambda: _in_box(MP4.data(), b"mdhd", 12, bytes(4)),
    "mp4 of 2**32 frames a second": lambda: _in_box(MP4.data(), b"mdhd", 12, _MOST),
    "mp4 whose frames last for days": lambda: _in_box(MP4.data(), b"stts", 12, b"\x7f\xff\xff\xff"),
    "mp4 of 2**32 samples": lambda: _in_box(MP4.data(), b"stsz", 4, b"\0\0\0\x01" + _MOST),
    "mp4 of 2**31 samples in a row": lambda: _in_box(MP4.data(), b"stts", 8, b"\x7f\xff\xff\xff\0\0\0\x01"),
    "mp4 whose frames come first of all and last": lambda: _in_box(MP4.data(), b"elst", 8, _MOST + b"\x80\0\0\0"),
    "mp4 of 4,000 tracks": lambda: _index_of_many(4_000),
    "mov whose index says that it inflates to 4 GB": lambda: _packed_index(0xFFFFFFFF, bytes(1_000)),
    "mov whose index inflates to 400 MB": lambda: _packed_index(400_000_000, bytes(400_000_000)),
    "webm of 5,000 tracks": lambda: _webm(
        _element(_TRACKS, *(_pictures(number=at) for at in range(1, 5_001))), _blocks(b"x")
    ),
    "webm of 100,000 chapters": lambda: _chapters(100_000),
    "webm of 100,000 blocks of nothing": lambda: _webm(_element(_TRACKS, _pictures()), _blocks(*[b"x"] * 100_000)),
    "webm whose blocks inflate": _inflating_blocks,
    "webm whose time jumps": lambda: _webm(
        _element(_TRACKS, _pictures()), *(_blocks(_frame(), time=at) for at in (0, 1 << 62, 5, (1 << 64) - 1, 7))
    ),
    "webm with a cluster of 2**56 bytes": lambda: with_bytes(
        data := WEBM.data(), data[(at := data.index(_CLUSTER)) : at + 12], _CLUSTER + b"\x01" + b"\xff" * 6 + b"\xfe"
    ),
    "webm with a segment of no bytes": lambda: with_bytes(
        data := WEBM.data(), data[(at := data.index(_SEGMENT)) : at + 12], _SEGMENT + b"\x01" + bytes(7)
    ),
    "webm sound of 1,000,000 channels": lambda: _webm(_element(_TRACKS, _sound(channels=1_000_000)), _blocks(b"x")),
    "webm sound of 10**300 samples a second": lambda: _webm(_element(_TRACKS, _sound(rate=1e300)), _blocks(b"x")),
    "wav of 65,535 channels": lambda: _wav(channels=65_535),
    "wav of no channels": lambda: _wav(channels=0),
    "wav of 2**32 samples a second": lambda: _wav(rate=0xFFFFFFFF),
    "wav of one sample a second": lambda: _wav(rate=1),
    "wav of no samples a second": lambda: _wav(rate=0),
    "wav of 65,535 bits": lambda: _wav(bits=65_535),
    "ogg of 255 channels": lambda: _in_box(SOUNDS["ogg"].data(), b"OpusHead", 1, b"\xff"),
    "ogg of 50,000 empty pages": lambda: SOUNDS["ogg"].data() + (b"OggS" + bytes(22) + b"\xff" + bytes(255)) * 50_000,
    "flac of 2**36 samples": lambda: _in_box(SOUNDS["flac"].data(), b"fLaC", 17, b"\xff" * 5),
    "flac with a block of 16 MB": lambda: _in_box(SOUNDS["flac"].data(), b"fLaC", 0, b"\x06\xff\xff\xff"),
    "mp3 behind 256 MB of tags": lambda: b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + SOUNDS["mp3"].data(),
}
