"""Drawn videos and tones for tests, and what may be wrong with such files.

H.264 and HEVC are written by encoders that come in PyAV's wheel; the product itself encodes VP8 and Opus only.
"""

import io
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 64, 48
SECRET_TITLE = "Kitchen of the Millers"
SECRET_PLACE = "+48.1371+011.5754/"
SECRETS = (SECRET_TITLE.encode(), SECRET_PLACE.encode(), b"x264 - core")
_QUICK = {"libx264": {"preset": "ultrafast"}, "libx265": {"preset": "ultrafast", "x265-params": "log-level=none"}}
_QUICK |= {
    "libvpx": {"deadline": "realtime", "cpu-used": "8", "auto-alt-ref": "0"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
}


@dataclass(frozen=True)
class Made:
    """A file to be made; picture or sound None leaves that track out. `times` are those of the frames, in seconds.

    `begins` is the time stamp of its start, in seconds.
    """

    container: str = "webm"
    picture: str | None = "libvpx"
    sound: str | None = "libopus"
    size: tuple[int, int] = (WIDTH, HEIGHT)
    times: tuple[float, ...] = tuple(at / 5 for at in range(10))
    key_every: int = 1
    pixel: str = "yuv420p"
    options: dict[str, str] = field(default_factory=dict)
    begins: int = 0

    def data(self) -> bytes:
        """The file, with a title and a place that must not stay in it."""
        file = io.BytesIO()
        with av.open(
            file, "w", self.container, self.options, io_open=lambda *_: io.BytesIO(file.getbuffer())
        ) as container:
            container.metadata.update({"title": SECRET_TITLE, "location": SECRET_PLACE, "comment": SECRET_TITLE})
            self._tracks(container)
        return file.getvalue()

    def but(self, **changes: Any) -> bytes:
        """The same with changes."""
        return replace(self, **changes).data()

    def _tracks(self, container: Any) -> None:
        picture = self._add_picture(container) if self.picture else None
        sound = None
        if self.sound:
            sound = container.add_stream(self.sound, rate=48_000, layout="stereo")
            sound.metadata["title"] = SECRET_TITLE
        if picture:
            for place, at in enumerate(self.times):
                frame = av.VideoFrame.from_ndarray(drawn(place, *self.size), format="rgb24")
                frame.pts, frame.time_base = round((self.begins + at) * 1000), Fraction(1, 1000)
                container.mux(picture.encode(frame))
            container.mux(picture.encode(None))
        if sound:
            heard = tone(len(self.times) / 5)
            heard.pts = self.begins * heard.sample_rate
            container.mux(sound.encode(heard))
            container.mux(sound.encode(None))

    def _add_picture(self, container: Any) -> Any:
        track = container.add_stream(self.picture, rate=5, options=_QUICK.get(str(self.picture), {}))
        track.width, track.height = self.size
        track.pix_fmt = self.pixel
        track.gop_size = self.key_every
        track.codec_context.time_base = Fraction(1, 1000)
        track.metadata["title"] = SECRET_TITLE
        return track


WEBM = Made()
MP4 = Made("mp4", "libx264", "aac")
MOV = Made("mov", "mpeg4", "pcm_s16le")
SOUNDS = {
    "mp3": Made("mp3", None, "libmp3lame"),
    "m4a": Made("ipod", None, "aac"),
    "aac": Made("adts", None, "aac"),
    "ogg": Made("ogg", None, "libopus"),
    "flac": Made("flac", None, "flac"),
    "wav": Made("wav", None, "pcm_s16le"),
}


def drawn(place: int, width: int, height: int) -> NDArray[np.uint8]:
    """A frame: red above on the left, a bar that moves with `place`, and a pattern that gives it something to tell."""
    y, x = np.mgrid[0:height, 0:width]
    grain = ((x * 7 // width + y * 5 // height) % 2 * 120 + 40).astype(np.uint8)
    pixels = np.stack([grain // 2, grain, 255 - grain], axis=2)
    pixels[: height // 4, : width // 4] = (220, 20, 20)
    bar = place * width // 12 % width
    pixels[height // 2 :, bar : bar + max(1, width // 12)] = 255
    return np.ascontiguousarray(pixels)


def tone(seconds: float) -> Any:
    """A tone of 440 Hz that is loud in its second half."""
    at = np.arange(int(48_000 * seconds))
    loud = np.where(at > len(at) / 2, 24_000, 2_000)
    samples = (np.sin(at * 2 * np.pi * 440 / 48_000) * loud).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(np.repeat(samples, 2)[None, :], format="s16", layout="stereo")
    frame.sample_rate, frame.pts, frame.time_base = 48_000, 0, Fraction(1, 48_000)
    return frame


def turned_clockwise(mp4: bytes, *, height: int = HEIGHT) -> bytes:
    """The same MP4 with a matrix that has it shown a quarter turn clockwise, as phones write it."""
    return with_matrix(mp4, 0, 1 << 16, 0, -1 << 16, 0, 0, height << 16, 0, 1 << 30)


def with_matrix(mp4: bytes, *numbers: int) -> bytes:
    """The same MP4 with these nine numbers for how its pictures are turned."""
    place = mp4.index(b"tkhd") + 44
    matrix = struct.pack(">9i", *numbers)
    return mp4[:place] + matrix + mp4[place + len(matrix) :]


def packed_anew(data: bytes, container: str, change: Callable[[bytes], bytes]) -> bytes:
    """The file with its coded pictures changed."""
    file = io.BytesIO()
    with av.open(io.BytesIO(data), "r") as old, av.open(file, "w", container) as new:
        track = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(video=0):
            if packet.dts is not None:
                changed: Any = av.Packet(change(bytes(packet)))
                changed.stream, changed.time_base, changed.is_keyframe = track, packet.time_base, packet.is_keyframe
                changed.pts, changed.dts = packet.pts, packet.dts
                new.mux(changed)
    return file.getvalue()


def with_bytes(data: bytes, old: bytes, new: bytes) -> bytes:
    """The file with the first of some bytes changed; raises ValueError when they are not there."""
    place = data.index(old)
    return data[:place] + new + data[place + len(new) :]


def boxes(*named: tuple[bytes, bytes]) -> bytes:
    """Boxes of an MP4 one after the other."""
    return b"".join(struct.pack(">I", len(inside) + 8) + name + inside for name, inside in named)


def heic() -> bytes:
    """A still picture of HEVC as phones store it (ISO 23008-12), with the first frame of a video in it."""
    mp4 = Made("mp4", "libx265", None, times=(0.0,)).data()
    config, data = _inside(mp4, b"hvcC"), _inside(mp4, b"mdat")
    start = boxes((b"ftyp", b"heic\0\0\0\0mif1heic"))
    # The place of the data follows from how much stands before it.
    before = len(start) + len(_about_item(config, 0, len(data))) + 8
    return start + _about_item(config, before, len(data)) + boxes((b"mdat", data))


def _about_item(config: bytes, place: int, length: int) -> bytes:
    """The boxes that say where the one picture is and how it is decoded."""
    none = bytes(4)
    entry = boxes((b"infe", b"\2\0\0\0" + struct.pack(">HH", 1, 0) + b"hvc1\0"))
    properties = boxes((b"hvcC", config), (b"ispe", none + struct.pack(">II", WIDTH, HEIGHT)))
    inside = boxes(
        (b"hdlr", none * 2 + b"pict" + bytes(13)),
        (b"pitm", none + struct.pack(">H", 1)),
        (b"iloc", none + struct.pack(">BBHHHHII", 0x44, 0, 1, 1, 0, 1, place, length)),
        (b"iinf", none + struct.pack(">H", 1) + entry),
        (b"iprp", boxes((b"ipco", properties), (b"ipma", none + struct.pack(">IHBBB", 1, 1, 2, 0x81, 2)))),
    )
    return boxes((b"meta", none + inside))


def _inside(mp4: bytes, name: bytes) -> bytes:
    """What the first box of a name holds."""
    place = mp4.index(name)
    return mp4[place + 4 : place - 4 + int.from_bytes(mp4[place - 4 : place])]


def malformed() -> list[tuple[str, bytes]]:
    """Files of `_malformed`, in a list."""
    return list(_malformed())


def _malformed() -> Iterable[tuple[str, bytes]]:
    """Files that no player could play, or that want more than they may; each by a name that says why."""
    mp4, webm = MP4.data(), WEBM.data()
    yield "MP4 cut off before its index", mp4[: len(mp4) // 2]
    yield "MP4 with an index that is noise", with_bytes(mp4, b"moov", b"moov" + bytes(range(64)))
    yield "MP4 of nothing but its first box", mp4[: mp4.index(b"ftyp") + 28]
    yield "MP4 with boxes in boxes", boxes((b"ftyp", b"isom" + bytes(4))) + _nested(200)
    yield "MP4 with a box of all bytes there are", boxes((b"ftyp", b"isom" + bytes(4))) + b"\xff\xff\xff\xffmoov"
    yield "WebM of nothing but its head", webm[:60]
    yield "WebM with noise behind its head", webm[:60] + bytes(range(256)) * 20
    yield "WebM with a picture of 16,383 by 16,383", enormous()
    yield "MP3 that is none", b"ID3\x04\0\0\0\0\0\0" + bytes(2_000)
    yield "Ogg that is none", b"OggS" + bytes(2_000)
    yield "FLAC that is none", b"fLaC" + bytes(2_000)
    yield "WAV that is none", b"RIFF\xff\xff\xff\xffWAVE" + bytes(2_000)


def enormous() -> bytes:
    """A WebM whose first frame says that it has 16,383 x 16,383 pixels, the most that VP8 can."""
    # Width and height follow the mark at the start of a frame that stands alone.
    return with_bytes(WEBM.but(sound=None), b"\x9d\x01\x2a\x40\0\x30\0", b"\x9d\x01\x2a\xff\x3f\xff\x3f")


def _nested(depth: int) -> bytes:
    inside = b""
    for _ in range(depth):
        inside = boxes((b"moov", inside))
    return inside
