"""Everything that is made of a video or a sound, in the order in which it is of use."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import av

from models.pdq import Fingerprint
from service.media.blurring import SHEET_FRAMES
from service.media.clip_copy import clean_copy
from service.media.clip_proxy import Proxy
from service.media.clip_shots import Sampler, direction, key_shots, poster, poster_of, sheet
from service.media.clip_sound import Waveform
from service.media.clips import Clip, ClipError, ClipLimits, check_pixels, decoded, opened, too_long
from service.media.containers import ClipKind
from service.media.derivatives import Derivative

# From so many frames a second on, those that no other frame is built on are not decoded: there are enough without.
_MANY = 20


@dataclass(frozen=True, slots=True)
class RenderedClip:
    """The clean copy and what is known about it. Width and height, of the upright picture, are None for sound alone.

    `prints` are fingerprints of frames with the milliseconds at which they are shown.
    """

    kind: ClipKind
    mime: str
    width: int | None
    height: int | None
    duration_ms: int
    sound: bool
    prints: tuple[tuple[int, Fingerprint], ...]
    clean: bytes


def render_clip(file: BinaryIO, limits: ClipLimits) -> Iterator[tuple[Derivative, ...] | RenderedClip]:
    """Derivatives in groups, each as soon as it is made, and the clean copy as the last.

    Poster and contact sheet come before the whole file has been decoded, where it can be searched. Raises ClipError.
    """
    with opened(file, limits) as clip:
        shots = key_shots(clip) if clip.picture else []
    sheeted = len(shots) == SHEET_FRAMES
    if shots:
        yield (*poster(poster_of(shots)), *(sheet(shots) if sheeted else ()))
    seen = watch(file, limits)
    later = [*seen.proxy.finish(), *seen.wave.finish()]
    if seen.sampler.poster and not shots:
        later += poster(seen.sampler.poster)
    if seen.sampler.poster and not sheeted:
        later += sheet(seen.sampler.spread())
    yield tuple(later)
    copy = clean_copy(file, limits, rotation=seen.rotation)
    width, height = seen.size or (None, None)
    prints = tuple(seen.sampler.prints())
    duration = round(seen.seconds * 1000)
    yield RenderedClip(seen.kind, copy.mime, width, height, duration, seen.sound, prints, copy.data)


@dataclass(slots=True)
class Seen:
    """What one decoding of a whole file has come to."""

    kind: ClipKind
    sound: bool
    seconds: float
    size: tuple[int, int] | None = None
    rotation: int = 0
    sampler: Sampler = field(default_factory=Sampler)
    proxy: Proxy = field(default_factory=Proxy)
    wave: Waveform = field(default_factory=Waveform)

    def picture(self, at: float | None, frame: Any) -> None:
        """Take in a frame of pictures."""
        if self.size is None:
            self.rotation = direction(frame)
            self.size = (frame.height, frame.width) if self.rotation % 180 else (frame.width, frame.height)
        # Without a time stamp it is shown when the one before it was.
        self.seconds = max(self.seconds, at or 0.0)
        self.sampler.see(self.seconds, frame)
        self.proxy.see(self.seconds, frame)


def watch(file: BinaryIO, limits: ClipLimits) -> Seen:
    """Decode all of it once. Raises ClipError, also when not a single frame can be decoded."""
    with opened(file, limits) as clip:
        seen = Seen(clip.kind, sound=bool(clip.sound), seconds=0.0)
        if clip.picture and clip.picture.average_rate and clip.picture.average_rate >= _MANY:
            clip.picture.codec_context.skip_frame = "NONREF"
        for track, frame in _frames(clip):
            if track is clip.sound:
                seen.wave.hear(frame)
            else:
                check_pixels(frame.width, frame.height, limits)
                seen.picture(clip.at(frame), frame)
            if max(seen.seconds, seen.wave.seconds) > limits.seconds:
                raise too_long(max(seen.seconds, seen.wave.seconds), limits)
        # The head knows how long the last frame is shown; what was seen counts where it says less.
        seen.seconds = max(clip.seconds or 0.0, seen.seconds, seen.wave.seconds)
    if seen.size is None and seen.kind == "video":
        raise ClipError("none of its pictures can be decoded")
    if not seen.wave.seconds and seen.kind == "audio":
        raise ClipError("nothing of its sound can be decoded")
    return seen


def _frames(clip: Clip) -> Iterator[tuple[Any, Any]]:
    """Tracks and their frames; a file that is cut off ends where it is cut, as it does in players."""
    try:
        for packet in clip.container.demux(*clip.tracks):
            for frame in decoded(packet):
                yield packet.stream, frame
    except av.error.InvalidDataError:
        return
