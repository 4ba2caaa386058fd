"""Video and sound: which files are opened, which of their tracks count, and what is refused before decoding.

Everything that meets such a file is called in a process of its own (clip_renderer.py) and imports nothing more of the
service than this folder's pure functions.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, NoReturn

import av
from av.container import InputContainer
from av.stream import Disposition, Stream

from service.media.containers import CLIP_FORMATS, HEAD_BYTES, WEBM, ClipFormat, ClipKind, clip_format

# FFmpeg has decoders for hundreds of things; those that phones, cameras and browsers write are enough.
PICTURE_CODECS = frozenset({"av1", "h264", "hevc", "mjpeg", "mpeg4", "vp8", "vp9"})
SOUND_CODECS = frozenset({"aac", "alac", "flac", "mp3", "opus", "vorbis"})
_UNCOMPRESSED = "pcm_"
# A phone writes up to about six: picture, two of sound, and tracks of measurements.
MOST_TRACKS = 32


class ClipError(Exception):
    """A file that cannot be shown. The message says why, for those who would have seen it."""


@dataclass(frozen=True, slots=True)
class ClipLimits:
    """What a file may be and cost: seconds of playing time, pixels of a frame, bytes of all that is made of it.

    `cpu_seconds` bounds the time of the processor for all of it.
    """

    seconds: int
    pixels: int
    bytes: int
    cpu_seconds: int


@dataclass(frozen=True, slots=True)
class Clip:
    """An open file. `seconds` is what the header says, None where it says nothing; `origin` the time stamp of its start."""

    container: InputContainer
    format: ClipFormat
    # PyAV's streams; their codecs are known to be among the accepted ones.
    picture: Any
    sound: Any
    seconds: float | None
    origin: float

    @property
    def kind(self) -> ClipKind:
        """By the tracks that there are, whatever the header promised."""
        return "video" if self.picture else "audio"

    @property
    def tracks(self) -> list[Any]:
        """The tracks that count."""
        return [one for one in (self.picture, self.sound) if one]

    def at(self, frame: Any) -> float | None:
        """Seconds from the start at which a frame is shown; None when the file does not say."""
        return None if frame.time is None else max(0.0, frame.time - self.origin)


@contextmanager
def opened(file: BinaryIO, limits: ClipLimits) -> Iterator[Clip]:
    """The file from its start, with its header checked. Raises ClipError.

    Only the demuxer that the first bytes ask for is tried, and it cannot open another file or address.
    """
    file.seek(0)
    found = clip_format(file.read(HEAD_BYTES))
    if found is None:
        raise ClipError(f"the file is none of the accepted kinds of video and sound: {', '.join(CLIP_FORMATS)}")
    file.seek(0)
    options = {"protocol_whitelist": "none", "max_streams": str(MOST_TRACKS)}
    try:
        # Titles in any encoding are no reason to refuse a file: they are read, and kept nowhere.
        with av.open(
            file, "r", format=found.demuxer, options=options, io_open=_alone, metadata_errors="replace"
        ) as container:
            yield _clip(container, found, limits)
    except (av.error.FFmpegError, MemoryError) as error:
        raise ClipError(f"the file starts like {found.mime} but is damaged or cut off") from error


def codec_of(track: Any) -> str:
    """The name of what a track is coded in, whichever decoder reads it; empty when there is none."""
    return track.codec_context.codec.canonical_name if track.codec_context else ""


def decoded(packet: Any) -> list[Any]:
    """Frames of a packet; of a damaged one none, as players do it."""
    try:
        return list(packet.decode())
    except av.error.InvalidDataError:
        return []


def _alone(*_: object) -> NoReturn:
    raise ClipError("the file refers to others, which are never opened")


def _clip(container: InputContainer, found: ClipFormat, limits: ClipLimits) -> Clip:
    picture, sound = _picture(container), _sound(container)
    if not picture and not sound:
        raise ClipError("there is neither picture nor sound in the file")
    origin = _origin(container)
    # A WebM says when it ends, the others how long they play.
    seconds = _seconds(container, picture, sound, begins=origin if found is WEBM else 0.0)
    clip = Clip(container, found, picture, sound, seconds, origin)
    if clip.seconds and clip.seconds > limits.seconds:
        raise too_long(clip.seconds, limits)
    if picture:
        check_pixels(picture.codec_context.width, picture.codec_context.height, limits)
        picture.codec_context.options = {"max_pixels": str(limits.pixels)}
    for track in clip.tracks:
        # Threads would need more memory and save no work.
        track.codec_context.thread_count = 1
    return clip


def too_long(seconds: float, limits: ClipLimits) -> ClipError:
    """The one wording of a clip beyond the limit."""
    return ClipError(f"the file plays for {seconds:,.0f} seconds; at most {limits.seconds:,} are accepted")


def check_pixels(width: int, height: int, limits: ClipLimits) -> None:
    """Raises ClipError for a frame larger than the limit."""
    if width * height > limits.pixels:
        raise ClipError(f"{width:,} x {height:,} pixels; a frame may have at most {limits.pixels:,}")


def _picture(container: InputContainer) -> Any:
    """The track of pictures; a cover is none."""
    tracks = [one for one in container.streams.video if not one.disposition & Disposition.attached_pic]
    if len(tracks) > 1:
        # Players differ in which they show, so a reviewer might not see what the platform shows.
        raise ClipError("there is more than one track of pictures in the file; send one file for each")
    for track in tracks:
        if codec_of(track) not in PICTURE_CODECS:
            raise ClipError(f"its pictures are coded as {_name(track)}, which is not accepted")
    return tracks[0] if tracks else None


def _sound(container: InputContainer) -> Any:
    """The first track of sound that can be decoded: phones add a second one that few players know."""
    tracks = container.streams.audio
    for track in tracks:
        if codec_of(track) in SOUND_CODECS or codec_of(track).startswith(_UNCOMPRESSED):
            return track
    if tracks:
        raise ClipError(f"its sound is coded as {_name(tracks[0])}, which is not accepted")
    return None


def _name(track: Stream) -> str:
    return codec_of(track) or "something unknown"


def _seconds(container: InputContainer, *tracks: Any, begins: float) -> float | None:
    # Some headers say less than nothing.
    known = [one.duration * one.time_base for one in tracks if one and (one.duration or 0) > 0]
    if (whole := container.duration or 0) > 0:
        known.append(max(0.0, whole / av.time_base - begins))
    return float(max(known)) if known else None


def _origin(container: InputContainer) -> float:
    return container.start_time / av.time_base if container.start_time else 0.0
