"""The copy of a video or a sound that is kept and revealed: without metadata, and in a form that browsers play.

Where picture and sound are in such a form already they are copied as they are, into a container that is written anew:
nothing of the old one comes along but the coded frames and the direction they are shown in. Everything else is encoded
anew, as VP8 and Opus.
"""

import errno
import io
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, BinaryIO, Protocol

import av
from av.bitstream import BitStreamFilterContext
from av.container import OutputContainer

from service.media.clip_shots import fitted, turned
from service.media.clip_sound import Even
from service.media.clips import Clip, ClipError, ClipLimits, codec_of, decoded, opened, too_long

# Sides of a picture that is encoded anew, at most, and how often it changes.
LONG_SIDE, SHORT_SIDE = 1280, 720
MOST_FRAMES_PER_SECOND = 30
_PICTURE_BITS, _SOUND_BITS, _SOUND_RATE = 1_500_000, 96_000, 48_000
# The index of an MP4 in front, so that it plays before all of it is there.
_OPTIONS = {"mp4": {"movflags": "+faststart"}}
_SPEED = {"deadline": "realtime", "cpu-used": "8", "crf": "10", "auto-alt-ref": "0"}
_MILLISECONDS = Fraction(1, 1000)
# Browsers show eight bits with colour at half the detail; of other forms of these codecs they do not.
_SHOWN_PIXELS = frozenset({"yuv420p", "yuvj420p"})
_PLAYED_WAV = frozenset({"pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le"})
# Units of the coded pictures that decoders need; in others encoders and cameras say what they want beside them.
_SHOWN_UNITS = {"h264": "filter_units=pass_types=1-5|7-11", "av1": "filter_units=pass_types=1-4|6|7"}
# What stands beside a coded frame and is needed: where sound begins and ends, and how to go on decoding.
_NEEDED_BESIDE = frozenset({"skip_samples", "new_extradata"})


@dataclass(frozen=True, slots=True)
class Plan:
    """How a copy is made: FFmpeg's name of the container, its type, and which tracks are copied as they are."""

    muxer: str
    mime: str
    picture: bool
    sound: bool


# Not MP3 and FLAC: what is written behind their last frame, as tags are, belongs to that frame for whoever cuts it off.
_SOUNDS = {
    "aac": Plan("mp4", "audio/mp4", picture=True, sound=True),
    "opus": Plan("ogg", "audio/ogg", picture=True, sound=True),
    "vorbis": Plan("ogg", "audio/ogg", picture=True, sound=True),
}
ANEW = {
    "video": Plan("webm", "video/webm", picture=False, sound=False),
    "audio": Plan("ogg", "audio/ogg", picture=False, sound=False),
}
CLEAN_MIMES = frozenset({"video/mp4", "video/webm", "audio/wav", *(one.mime for one in _SOUNDS.values())})


@dataclass(frozen=True, slots=True)
class Copy:
    """The copy."""

    mime: str
    data: bytes


def clean_copy(file: BinaryIO, limits: ClipLimits, *, rotation: int) -> Copy:
    """Make the copy; `rotation` is how the pictures are turned when they are shown. Raises ClipError."""
    with opened(file, limits) as clip:
        plan = plan_for(clip, rotation)
        if plan != ANEW[clip.kind]:
            try:
                return Copy(plan.mime, _write(clip, plan, limits, rotation))
            except av.error.FFmpegError:
                # Time stamps that only an encoder puts in order again, or a track that is not what it says.
                pass
    with opened(file, limits) as clip:
        plan = ANEW[clip.kind]
        return Copy(plan.mime, _write(clip, plan, limits, rotation))


def plan_for(clip: Clip, rotation: int) -> Plan:
    """What can be copied as it is."""
    sound = codec_of(clip.sound) if clip.sound else None
    if not clip.picture:
        if sound in _PLAYED_WAV:
            return Plan("wav", "audio/wav", picture=True, sound=True)
        return _SOUNDS.get(str(sound), ANEW["audio"])
    picture = codec_of(clip.picture)
    if clip.picture.codec_context.pix_fmt not in _SHOWN_PIXELS:
        return ANEW["video"]
    if picture in {"h264", "av1"} and sound in {None, "aac", "mp3"}:
        return Plan("mp4", "video/mp4", picture=True, sound=True)
    # Only MP4 keeps the direction; and of Vorbis a WebM would keep the comments.
    if picture in {"vp8", "vp9", "av1"} and not rotation:
        return Plan("webm", "video/webm", picture=True, sound=sound == "opus")
    return ANEW["video"]


class _Bounded(io.BytesIO):
    """A file in memory that may not grow without end."""

    name = "copy"

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most
        self.full = False

    def write(self, data: Any) -> int:
        self.full = self.full or self.tell() + len(data) > self._most
        if self.full:
            raise OSError(errno.ENOSPC, "the copy is larger than it may be")
        return super().write(data)


class _Track(Protocol):
    """Takes in the packets of one track and writes those of the copy."""

    def feed(self, packet: Any) -> None: ...


def _write(clip: Clip, plan: Plan, limits: ClipLimits, rotation: int) -> bytes:
    file = _Bounded(limits.bytes)
    try:
        with _container(file, plan.muxer, begins=clip.origin) as container:
            tracks: Mapping[int, _Track] = _tracks(clip, plan, container, rotation)
            for packet in clip.container.demux(*clip.tracks):
                if packet.pts is not None and packet.pts * packet.time_base - clip.origin > limits.seconds:
                    raise too_long(float(packet.pts * packet.time_base - clip.origin), limits)
                tracks[packet.stream.index].feed(packet)
    except (OSError, av.error.FFmpegError) as error:
        if file.full:
            raise ClipError(f"a copy without metadata would have more than {limits.bytes:,} bytes") from error
        raise
    return file.getvalue()


def _container(file: _Bounded, muxer: str, *, begins: float) -> OutputContainer:
    # Wherever the file's time begins, the copy's begins at 0.
    options = {"fflags": "+bitexact", "output_ts_offset": f"{-begins:f}", **_OPTIONS.get(muxer, {})}
    # To put the index in front, FFmpeg reads what it has written a second time.
    return av.open(file, "w", format=muxer, options=options, io_open=lambda *_: io.BytesIO(file.getbuffer()))


def _tracks(clip: Clip, plan: Plan, container: OutputContainer, rotation: int) -> dict[int, _Track]:
    tracks: dict[int, _Track] = {}
    if picture := clip.picture:
        copied = plan.picture
        tracks[picture.index] = _Copied(picture, container) if copied else _Pictures(picture, container, rotation)
    if sound := clip.sound:
        tracks[sound.index] = _Copied(sound, container) if plan.sound else _Sound(container)
    return tracks


class _Copied:
    """A track as it is."""

    def __init__(self, track: Any, container: OutputContainer) -> None:
        self._container = container
        self._to = container.add_stream_from_template(track, opaque=True)
        units = _SHOWN_UNITS.get(codec_of(track))
        self._filter = BitStreamFilterContext(units, track, self._to) if units else None

    def feed(self, packet: Any) -> None:
        ending = packet.dts is None
        packets = self._filter.filter(None if ending else packet) if self._filter else [packet] * (not ending)
        for one in packets:
            self._container.mux(self._alone(one))

    def _alone(self, packet: Any) -> Any:
        """The coded frame without what a container may put beside it, such as a second picture as its transparency."""
        alone = packet
        if any(beside.data_type not in _NEEDED_BESIDE for beside in packet.iter_sidedata()):
            alone = av.Packet(bytes(packet))
            alone.time_base, alone.is_keyframe = packet.time_base, packet.is_keyframe
            alone.pts, alone.dts, alone.duration = packet.pts, packet.dts, packet.duration
            for beside in packet.iter_sidedata():
                if beside.data_type in _NEEDED_BESIDE:
                    alone.set_sidedata(beside)
        alone.stream = self._to
        return alone


class _Pictures:
    """A track of pictures encoded anew, upright."""

    def __init__(self, track: Any, container: OutputContainer, rotation: int) -> None:
        self._container = container
        self._rotation = rotation
        width, height = fitted(track.codec_context.width, track.codec_context.height, LONG_SIDE)
        if (short := min(width, height)) > SHORT_SIDE:
            width, height = fitted(width, height, max(width, height) * SHORT_SIDE // short)
        self._small = (width, height)
        self._to: Any = container.add_stream("libvpx", rate=MOST_FRAMES_PER_SECOND, options=_SPEED)
        self._to.width, self._to.height = (height, width) if rotation % 180 else (width, height)
        self._to.pix_fmt = "yuv420p"
        self._to.bit_rate, self._to.gop_size = _PICTURE_BITS, 2 * MOST_FRAMES_PER_SECOND
        self._to.codec_context.time_base = _MILLISECONDS
        self._to.codec_context.thread_count = 1
        self._due = -1.0
        self._last = -1

    def feed(self, packet: Any) -> None:
        for frame in decoded(packet):
            self._add(frame)
        if packet.dts is None:
            self._container.mux(self._to.encode(None))

    def _add(self, frame: Any) -> None:
        seconds = max(0.0, self._due if frame.time is None else frame.time)
        if seconds < self._due:
            return
        self._due = max(self._due, seconds - 0.5 / MOST_FRAMES_PER_SECOND) + 1 / MOST_FRAMES_PER_SECOND
        small = frame.reformat(*self._small, "rgb24" if self._rotation else "yuv420p")
        if self._rotation:
            pixels = turned(small.to_ndarray(), self._rotation)
            small = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="yuv420p")
        self._last = max(self._last + 1, round(seconds * 1000))
        small.pts, small.time_base = self._last, _MILLISECONDS
        self._container.mux(self._to.encode(small))


class _Sound:
    """A track of sound encoded anew."""

    def __init__(self, container: OutputContainer) -> None:
        self._container = container
        self._to: Any = container.add_stream("libopus", rate=_SOUND_RATE, layout="stereo")
        self._to.bit_rate = _SOUND_BITS
        self._even = Even(layout="stereo", rate=_SOUND_RATE)

    def feed(self, packet: Any) -> None:
        for frame in decoded(packet):
            for even in self._even(frame):
                self._container.mux(self._to.encode(even))
        if packet.dts is None:
            self._container.mux(self._to.encode(None))
