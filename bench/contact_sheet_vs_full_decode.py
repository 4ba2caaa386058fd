"""The contact sheet of a minute of video: what decoding all of it would take against the product's own way."""

import io
import statistics
from fractions import Fraction
from typing import Any

import av
import numpy as np

from bench.measure import BenchError, Result, alternate, hardware, ratio, say, seconds, sides
from service.media.blurring import SHEET_FRAMES
from service.media.clip_render import render_clip
from service.media.clip_shots import key_shots, sheet
from service.media.clips import ClipLimits, opened

NAME = "contact_sheet_vs_full_decode"
FRAMES_PER_SECOND = 30
# Phones write a frame that stands alone every second, streaming services every two to five.
KEY_EVERY_SECONDS = 2
_SPEED = {"deadline": "realtime", "cpu-used": "8"}
LIMITS = ClipLimits(seconds=600, pixels=40_000_000, bytes=1 << 28, cpu_seconds=600)


def run(*, quick: bool) -> Result:
    """How many times longer the full decode takes. Both sides open the file anew, on one thread."""
    size, length, rounds = ((320, 180), 4, 2) if quick else ((1920, 1080), 60, 7)
    data = _video(*size, length=length)
    say(f"{NAME}: {rounds} rounds, {length} s, {size[0]} x {size[1]} pixels, {len(data):,} bytes")
    pairs = alternate(
        lambda: 1000 * seconds(lambda: _decode(data)), lambda: 1000 * seconds(lambda: _sheet(data)), rounds=rounds
    )
    detail = sides(pairs, first="full_decode", second="contact_sheet", unit="ms")
    detail |= {"pixels": size[0] * size[1], "video_seconds": length, "video_bytes": len(data), "codec": "vp8"}
    # All that a reviewer is shown of it, proxies included, and the clean copy: how long a video is pending.
    everything = [seconds(lambda: list(render_clip(io.BytesIO(data), LIMITS))) for _ in range(1 if quick else 3)]
    detail["everything_s"] = round(statistics.median(everything), 2)
    return Result(NAME, ratio(pairs), "times", detail | hardware())


def _decode(data: bytes) -> int:
    with av.open(io.BytesIO(data), "r") as container:
        track = container.streams.video[0]
        track.codec_context.thread_count = 1
        return len([frame.pts for frame in container.decode(track)])


def _sheet(data: bytes) -> None:
    with opened(io.BytesIO(data), LIMITS) as clip:
        shots = key_shots(clip)
    if len(shots) != min(SHEET_FRAMES, round(clip.seconds or 0) // KEY_EVERY_SECONDS):
        raise BenchError(f"{len(shots)} frames were found for the sheet, not {SHEET_FRAMES}")
    sheet(shots)


def _video(width: int, height: int, *, length: int) -> bytes:
    """A WebM of blocks that move over each other with some grain; two seconds of it, again and again."""
    file = io.BytesIO()
    with av.open(file, "w", format="webm") as container:
        track: Any = container.add_stream("libvpx", rate=FRAMES_PER_SECOND, options=_SPEED)
        track.width, track.height, track.pix_fmt = width, height, "yuv420p"
        track.bit_rate, track.gop_size = 8_000_000, KEY_EVERY_SECONDS * FRAMES_PER_SECOND
        packets = _packets(track, width, height)
        for again in range(length // KEY_EVERY_SECONDS):
            for place, data in enumerate(packets):
                packet = av.Packet(data)
                packet.pts = packet.dts = again * len(packets) + place
                packet.time_base, packet.is_keyframe, packet.stream = Fraction(1, FRAMES_PER_SECOND), not place, track
                container.mux(packet)
    return file.getvalue()


def _packets(track: Any, width: int, height: int) -> list[bytes]:
    generator = np.random.default_rng(1)
    blocks = generator.integers(0, 255, (height // 30 + 1, width // 30 + 20, 3), dtype=np.uint8)
    wide = blocks.repeat(30, axis=0).repeat(30, axis=1)[:height]
    packets = []
    for place in range(KEY_EVERY_SECONDS * FRAMES_PER_SECOND):
        pixels = wide[:, place * 6 : place * 6 + width].astype(np.int16)
        pixels = np.clip(pixels + generator.integers(-6, 7, pixels.shape, dtype=np.int16), 0, 255).astype(np.uint8)
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
        frame.pts, frame.time_base = place, Fraction(1, FRAMES_PER_SECOND)
        packets += [bytes(packet) for packet in track.encode(frame)]
    return packets + [bytes(packet) for packet in track.encode(None)]
