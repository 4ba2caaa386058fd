"""Pictures taken out of a video: nine for its contact sheet, one as its poster, some dozens for their fingerprints."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import av
import numpy as np
import pyvips
from numpy.typing import NDArray

from models.pdq import LEAST_QUALITY, Fingerprint, pdq
from service.media.blurring import PLAIN_SIDE, SHEET_FRAMES, contact_sheet, derivatives
from service.media.clips import Clip
from service.media.derivatives import Derivative

# Long side of the pictures that only become cells of a sheet and fingerprints.
CELL_SIDE = 320
# How close samples lie at first; whenever there are too many, every other one is dropped and they lie twice as far apart.
FIRST_STEP = 0.125
MOST_SAMPLES = 64
# Packets that a search for a key frame may pass: what comes later is no longer where it was looked for.
_SEARCHED = 64


@dataclass(frozen=True, slots=True)
class Shot:
    """A frame, upright, as rows x columns x (red, green, blue), and when it is shown."""

    seconds: float
    pixels: NDArray[np.uint8]


def upright(frame: Any, side: int) -> NDArray[np.uint8]:
    """The frame in colour, turned as the file says, its long side at most `side` pixels."""
    width, height = fitted(frame.width, frame.height, side)
    small = frame.reformat(width, height, "rgb24", interpolation="AREA")
    return turned(small.to_ndarray(), direction(frame))


def direction(frame: Any) -> int:
    """By how many degrees against the clock a frame is turned to be shown: whole quarters, 0 for all else, as in browsers."""
    return 0 if frame.rotation % 90 else frame.rotation % 360


def turned(pixels: NDArray[np.uint8], rotation: int) -> NDArray[np.uint8]:
    """Pixels of a frame in the `direction` that it is shown in."""
    return np.ascontiguousarray(np.rot90(pixels, rotation // 90))


def fitted(width: int, height: int, side: int) -> tuple[int, int]:
    """The size with its long side at most `side`, never larger than it was."""
    scale = min(1.0, side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def key_shots(clip: Clip, *, side: int = PLAIN_SIDE) -> list[Shot]:
    """Frames about evenly through the video, of those that can be decoded by themselves: a few at most are decoded.

    Fewer than SHEET_FRAMES where the file has no more of them, and none where it cannot be searched.
    """
    if not clip.seconds:
        return []
    clip.picture.codec_context.skip_frame = "NONKEY"
    found: dict[int, Shot] = {}
    for place in range(SHEET_FRAMES):
        wanted = clip.origin + clip.seconds * (place + 0.5) / SHEET_FRAMES
        shot = _key_shot(clip, int(wanted / clip.picture.time_base), known=found, side=side)
        if shot:
            found[shot[0]] = shot[1]
    return [found[pts] for pts in sorted(found)]


def _key_shot(clip: Clip, wanted: int, *, known: Iterable[int], side: int) -> tuple[int, Shot] | None:
    """The last frame of that kind before the time stamp, with its own; None when there is none or it is known."""
    try:
        clip.container.seek(wanted, stream=clip.picture)
        for _, packet in zip(range(_SEARCHED), clip.container.demux(clip.picture), strict=False):
            if packet.pts in known:
                return None
            if packet.is_keyframe and packet.pts is not None:
                # The decoder would wait for frames that may have to be shown earlier; there are none.
                for frame in (*packet.decode(), *clip.picture.codec_context.decode(None)):
                    return packet.pts, Shot(clip.at(frame) or 0.0, upright(frame, side))
    except av.error.FFmpegError:
        # A damaged place costs its cell; whether the file as a whole can be shown is found out where all is decoded.
        return None
    return None


class Sampler:
    """Frames evenly spread over a video of whatever length, chosen while it is decoded once."""

    def __init__(self) -> None:
        self.shots: list[Shot] = []
        self.poster: Shot | None = None
        self._step = FIRST_STEP
        self._due = 0.0
        self._told = False

    def see(self, seconds: float, frame: Any) -> None:
        """Take the frame in when it is time for one."""
        if seconds < self._due:
            return
        self.shots.append(Shot(seconds, upright(frame, CELL_SIDE)))
        self._consider(seconds, frame)
        if len(self.shots) > MOST_SAMPLES:
            self.shots = self.shots[::2]
            self._step *= 2
        self._due = (seconds // self._step + 1) * self._step

    def prints(self) -> list[tuple[int, Fingerprint]]:
        """Milliseconds and fingerprint of the samples; of several alike in a row the first."""
        found: list[tuple[int, Fingerprint]] = []
        for shot in self.shots:
            fingerprint = pdq(shot.pixels)
            if not found or found[-1][1] != fingerprint:
                found.append((round(shot.seconds * 1000), fingerprint))
        return found

    def spread(self) -> list[Shot]:
        """As many of the samples as go onto a contact sheet."""
        places = np.linspace(0, len(self.shots) - 1, min(SHEET_FRAMES, len(self.shots))).round().astype(int)
        return [self.shots[place] for place in places]

    def _consider(self, seconds: float, frame: Any) -> None:
        """The first frame with something on it is the poster: videos often begin in black."""
        if self.poster is None or not self._told:
            self._told = _tells(self.shots[-1])
            if self.poster is None or self._told:
                self.poster = Shot(seconds, upright(frame, PLAIN_SIDE))


def poster_of(shots: list[Shot]) -> Shot:
    """The first of at least one shot with something on it, or the first of all."""
    return next((shot for shot in shots if _tells(shot)), shots[0])


def poster(shot: Shot) -> tuple[Derivative, ...]:
    """All renderings of a picture, of the poster."""
    return derivatives(_image(shot))


def sheet(shots: list[Shot]) -> tuple[Derivative, ...]:
    """The contact sheet at all its levels."""
    return contact_sheet([_image(shot) for shot in shots])


def _tells(shot: Shot) -> bool:
    return pdq(shot.pixels).quality >= LEAST_QUALITY


def _image(shot: Shot) -> Any:
    return pyvips.Image.new_from_array(shot.pixels, interpretation="srgb")
