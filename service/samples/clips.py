"""A drawn video and a made-up voice, so that a sample queue can show contact sheet, blurred proxy and waveform."""

import io
from fractions import Fraction
from importlib import resources
from string import Template
from typing import Any

import av
import numpy as np
import pyvips

SECONDS = 8
_FRAMES_PER_SECOND = 8
_SIZE = (320, 240)
_SPEED = {"deadline": "realtime", "cpu-used": "8"}
_RATE = 48_000
# Without it the containers draw numbers at random, and the file would be another one each time.
_ALWAYS_THE_SAME = {"fflags": "+bitexact"}


def draw_video() -> bytes:
    """A WebM without sound: a car stands across a bridge and blinks, and a van passes. The same bytes at every call."""
    scene = Template(resources.files("service.samples").joinpath("clips", "bridge-accident.svg").read_text("utf-8"))
    file = io.BytesIO()
    with av.open(file, "w", format="webm", options=_ALWAYS_THE_SAME) as container:
        track: Any = container.add_stream("libvpx", rate=_FRAMES_PER_SECOND, options=_SPEED)
        track.width, track.height = _SIZE
        track.pix_fmt = "yuv420p"
        track.codec_context.thread_count = 1
        for number in range(SECONDS * _FRAMES_PER_SECOND):
            drawn = scene.substitute(passing=number * 9 - 120, lamp=int(number % _FRAMES_PER_SECOND < 4))
            pixels = pyvips.Image.svgload_buffer(drawn.encode()).flatten().numpy()
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, _FRAMES_PER_SECOND)
            container.mux(track.encode(frame))
        container.mux(track.encode(None))
    return file.getvalue()


def make_call() -> bytes:
    """An Ogg of two humming voices that take turns and say nothing. The same bytes at every call."""
    at = np.arange(SECONDS * _RATE) / _RATE
    first = (at % 4 < 2.2).astype(np.float64)
    pitch = np.where(first > 0, 118.0, 190.0) * (1 + 0.06 * np.sin(at * 5))
    phase = np.cumsum(pitch) * 2 * np.pi / _RATE
    hum = sum(np.sin(phase * overtone) / overtone for overtone in (1, 2, 3, 5))
    # About four syllables a second, a pause for breath between the turns.
    loudness = np.abs(np.sin(at * np.pi * 3.7)) ** 1.5 * (0.25 + 0.75 * first) * (at % 4 > 0.3)
    samples = (hum * loudness * 9_000).astype(np.int16)
    file = io.BytesIO()
    with av.open(file, "w", format="ogg", options=_ALWAYS_THE_SAME) as container:
        track: Any = container.add_stream("libopus", rate=_RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None, :], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = _RATE, 0, Fraction(1, _RATE)
        container.mux(track.encode(frame))
        container.mux(track.encode(None))
    return file.getvalue()


CLIPS = {"bridge-accident.webm": draw_video, "recorded-call.ogg": make_call}
