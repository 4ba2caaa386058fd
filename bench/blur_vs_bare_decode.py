"""A blurred preview of a large photo against what cannot be spared: decoding it at the smallest scale that is enough."""

import statistics

import pyvips

from bench.blur_vs_pillow import LEVEL, photo_of
from bench.measure import Result, alternate, hardware, ratio, say, seconds, sides
from service.media.blurring import PREVIEW_MIME
from service.media.render import Limits, preview_bytes, render

NAME = "blur_vs_bare_decode"


def run(*, quick: bool) -> Result:
    """How many times as long the preview takes; both sides start from the JPEG, the bare one ends with its pixels."""
    size, rounds = ((800, 600), 2) if quick else ((4_000, 3_000), 25)
    photo = photo_of(*size)
    small = pyvips.Image.new_from_buffer(preview_bytes(photo, LEVEL), "")
    out = (small.width, small.height)
    _bare(photo, out)
    say(f"{NAME}: {rounds} rounds, {size[0]} x {size[1]} pixels, {len(photo):,} bytes")
    pairs = alternate(
        lambda: 1000 * seconds(lambda: preview_bytes(photo, LEVEL)),
        lambda: 1000 * seconds(lambda: _bare(photo, out)),
        rounds=rounds,
    )
    limits = Limits(len(photo), size[0] * size[1], 1)
    everything = statistics.median(1000 * seconds(lambda: render(photo, limits)) for _ in range(max(2, rounds // 5)))
    detail = sides(pairs, first="preview", second="bare", unit="ms")
    detail |= {"pixels": size[0] * size[1], "level": LEVEL, "preview_size": list(out), "preview": PREVIEW_MIME}
    # What an upload costs: the clean copy, all levels in gray and colour, the line drawing and the fingerprint.
    detail["whole_upload_ms"] = round(everything, 1)
    return Result(NAME, ratio(pairs), "ratio", detail | hardware())


def _bare(photo: bytes, out: tuple[int, int]) -> None:
    pyvips.Image.thumbnail_buffer(photo, out[0], height=out[1], size="force").copy_memory()
