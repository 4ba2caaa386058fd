"""The picture of a sound: how loud it is when, so that a reviewer sees where to listen before hearing anything."""

from typing import Any

import av
import numpy as np
import pyvips
from numpy.typing import NDArray

from service.media.derivatives import PNG, Derivative

WIDTH, HEIGHT = 640, 96
_RATE = 8_000
# Samples that share one peak, a hundredth of a second.
_WINDOW = 80
_LOUDEST = 1 << 15
_GROUND, _WAVE = 255, 64


class Even:
    """Gives frames of sound one form and rate, also where theirs changes in the middle of a file."""

    def __init__(self, *, layout: str, rate: int) -> None:
        self._layout = layout
        self._rate = rate
        self._seen: tuple[str, str, int] | None = None
        self._resampler: Any = None

    def __call__(self, frame: Any) -> list[Any]:
        """The frame as 16-bit samples; often in other pieces, and what is left of the last one is not waited for."""
        form = (frame.format.name, frame.layout.name, frame.sample_rate)
        if form != self._seen:
            self._seen = form
            self._resampler = av.AudioResampler(format="s16", layout=self._layout, rate=self._rate)
        return list(self._resampler.resample(frame))


class Waveform:
    """Collects the peaks while the sound is decoded once."""

    def __init__(self) -> None:
        self._peaks: list[NDArray[np.float32]] = []
        # What does not fill a window yet: frames of most codecs end within one.
        self._rest = np.zeros(0, np.float32)
        self._even = Even(layout="mono", rate=_RATE)
        self._samples = 0

    @property
    def seconds(self) -> float:
        """How much sound there was."""
        return self._samples / _RATE

    def hear(self, frame: Any) -> None:
        """Take in a frame of sound."""
        # Where the sound starts does not matter, and time stamps that jump would only confuse the resampler.
        frame.pts = None
        for even in self._even(frame):
            self._samples += even.samples
            heard = np.concatenate([self._rest, np.abs(even.to_ndarray().reshape(-1).astype(np.float32))])
            whole = len(heard) // _WINDOW * _WINDOW
            self._peaks.append(heard[:whole].reshape(-1, _WINDOW).max(axis=1))
            self._rest = heard[whole:]

    def finish(self) -> tuple[Derivative, ...]:
        """The picture; none when nothing was heard."""
        if not self._samples:
            return ()
        peaks = np.concatenate([*self._peaks, self._rest.max(initial=0, keepdims=True)]) / _LOUDEST
        edges = np.linspace(0, len(peaks), WIDTH, endpoint=False).astype(int)
        columns = np.maximum.reduceat(peaks, edges)
        # Half the height on either side of the middle, and never less than one pixel, so that silence is a line.
        half = np.maximum(0.5, columns * HEIGHT / 2)
        rows = np.abs(np.arange(HEIGHT) + 0.5 - HEIGHT / 2)
        picture = np.where(rows[:, None] <= half[None, :], _WAVE, _GROUND).astype(np.uint8)
        data = pyvips.Image.new_from_array(picture).pngsave_buffer(compression=6, keep="none")
        return (Derivative("wave", 0, PNG, WIDTH, HEIGHT, data),)
