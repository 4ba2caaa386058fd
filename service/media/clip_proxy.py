"""A muted, gray, blurred stand-in for a video: small enough that what the blur took is gone, not hidden."""

import io
from fractions import Fraction
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from service.media.blurring import LEVELS, LONG_SIDE, PIXELS_PER_SIGMA, SIGMA_SHARE, working_size
from service.media.clip_shots import direction, turned
from service.media.derivatives import WEBM, Derivative

# A proxy below this level would show what moves in too much detail.
PROXY_LEVELS = tuple(level for level in LEVELS if level >= 2)
FRAMES_PER_SECOND = 8
_MILLISECONDS = Fraction(1, 1000)
# One whole frame in two seconds of playing, to which a player can jump.
_KEY_EVERY = 2 * FRAMES_PER_SECOND
_BITS_PER_SECOND = 150_000
_SPEED = {"deadline": "realtime", "cpu-used": "8", "auto-alt-ref": "0"}


class Proxy:
    """Proxies at all their levels, made while the video is decoded once."""

    def __init__(self) -> None:
        self._tapes: list[_Tape] = []
        self._size = (0, 0)
        self._rotation = 0
        self._due = 0.0

    def see(self, seconds: float, frame: Any) -> None:
        """Take the frame in when it is time for one: about eight a second, fewer where the video has fewer."""
        if seconds < self._due:
            return
        self._due = max(self._due, seconds - 0.5 / FRAMES_PER_SECOND) + 1 / FRAMES_PER_SECOND
        if not self._tapes:
            # A video whose frames change their size is squeezed into that of the first.
            self._size = working_size(frame.width, frame.height, PROXY_LEVELS[0])
            self._rotation = direction(frame)
        small = frame.reformat(*self._size, "gray", interpolation="AREA")
        gray = turned(small.to_ndarray(), self._rotation)
        if not self._tapes:
            self._tapes = [_Tape(level, *gray.shape) for level in PROXY_LEVELS]
        for tape in self._tapes:
            tape.add(round(seconds * 1000), gray)

    def finish(self) -> tuple[Derivative, ...]:
        """The proxies; none when no frame was seen."""
        return tuple(tape.finish() for tape in self._tapes)


class _Tape:
    """One level."""

    def __init__(self, level: int, rows: int, columns: int) -> None:
        self._level = level
        sigma = SIGMA_SHARE[level] * min(rows, columns)
        self._down, self._across = (blurring(side, sigma) for side in (rows, columns))
        self._file = io.BytesIO()
        self._container = av.open(self._file, "w", format="webm", options={"fflags": "+bitexact"})
        self._track: Any = self._container.add_stream("libvpx", rate=FRAMES_PER_SECOND, options=_SPEED)
        self._track.height, self._track.width = len(self._down), len(self._across)
        self._track.pix_fmt = "yuv420p"
        self._track.bit_rate = _BITS_PER_SECOND
        self._track.gop_size = _KEY_EVERY
        self._track.codec_context.time_base = _MILLISECONDS
        self._track.codec_context.thread_count = 1
        self._last = -1

    def add(self, milliseconds: int, gray: NDArray[np.uint8]) -> None:
        """Blur and encode one frame. Its time is moved on where the file gives two frames the same."""
        blurred = self._down @ gray.astype(np.float32) @ self._across.T
        frame = av.VideoFrame.from_ndarray(np.clip(blurred.round(), 0, 255).astype(np.uint8), format="gray")
        self._last = max(milliseconds, self._last + 1)
        frame.pts, frame.time_base = self._last, _MILLISECONDS
        self._container.mux(self._track.encode(frame.reformat(format="yuv420p")))

    def finish(self) -> Derivative:
        self._container.mux(self._track.encode(None))
        width, height = self._track.width, self._track.height
        self._container.close()
        return Derivative("proxy", self._level, WEBM, width, height, self._file.getvalue())


def blurring(side: int, sigma: float) -> NDArray[np.float32]:
    """A matrix that blurs one side of a picture and at once keeps only as many pixels as the blur leaves something for.

    Rows are the pixels that are kept, an even number as VP8 wants it: each is the mean of all of the side's, weighed by
    a Gaussian around its own place.
    """
    kept = min(side, LONG_SIDE, PIXELS_PER_SIGMA * side / sigma)
    pixels = max(2, 2 * round(kept / 2))
    middles = (np.arange(pixels) + 0.5) * side / pixels
    distances = (np.arange(side) + 0.5)[None, :] - middles[:, None]
    weights = np.exp(-0.5 * (distances / max(sigma, 0.5)) ** 2)
    matrix: NDArray[np.float32] = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return matrix
