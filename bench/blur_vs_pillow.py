"""A blurred preview of a large photo: the product's own way against decode, blur and resize in Pillow."""

import io
import statistics

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from bench.measure import Result, alternate, hardware, ratio, say, seconds, sides
from service.media.blurring import SIGMA_SHARE
from service.media.render import preview_bytes

NAME = "blur_vs_pillow"
LEVEL = 2


def run(*, quick: bool) -> Result:
    """How many times faster the preview is; both sides start from the JPEG and end with one."""
    size, rounds = ((800, 600), 2) if quick else ((4_000, 3_000), 15)
    photo = photo_of(*size)
    preview = preview_bytes(photo, LEVEL)
    out = Image.open(io.BytesIO(preview)).size
    _by_pillow(photo, out)
    say(f"{NAME}: {rounds} rounds, {size[0]} x {size[1]} pixels, {len(photo):,} bytes")
    pairs = alternate(
        lambda: 1000 * seconds(lambda: _by_pillow(photo, out)),
        lambda: 1000 * seconds(lambda: preview_bytes(photo, LEVEL)),
        rounds=rounds,
    )
    grey_first = statistics.median(
        1000 * seconds(lambda: _by_pillow(photo, out, grey_first=True)) for _ in range(rounds)
    )
    detail = sides(pairs, first="pillow", second="preview", unit="ms")
    detail |= {"pixels": size[0] * size[1], "photo_bytes": len(photo), "level": LEVEL, "preview_size": list(out)}
    # Who knows that the preview is grey blurs one channel instead of three; told beside, so that nobody has to guess.
    detail["pillow_grey_first_ms"] = round(grey_first, 1)
    return Result(NAME, ratio(pairs), "times", detail | hardware())


def _by_pillow(photo: bytes, out: tuple[int, int], *, grey_first: bool = False) -> bytes:
    """The obvious way: all pixels decoded, all of them blurred as much, then grey and small."""
    image: Image.Image = Image.open(io.BytesIO(photo))
    if grey_first:
        image = image.convert("L")
    blurred = image.filter(ImageFilter.GaussianBlur(SIGMA_SHARE[LEVEL] * min(image.size)))
    buffer = io.BytesIO()
    blurred.convert("L").resize(out, Image.Resampling.LANCZOS).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def photo_of(width: int, height: int) -> bytes:
    """A JPEG with the detail of a photo: soft light, shapes with edges, fine grain."""
    generator = np.random.default_rng(1)
    light = Image.fromarray(generator.integers(0, 255, (9, 12, 3), dtype=np.uint8)).resize((width, height))
    draw = ImageDraw.Draw(light)
    for _ in range(60):
        x, y = int(generator.integers(width)), int(generator.integers(height))
        reach = int(generator.integers(width // 40, width // 8))
        colour = tuple(int(part) for part in generator.integers(0, 255, 3))
        draw.ellipse((x - reach, y - reach, x + reach, y + reach // 2), fill=colour)
    grain = generator.normal(0, 8, (height, width, 3))
    image = Image.fromarray(np.clip(np.asarray(light) + grain, 0, 255).astype(np.uint8))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=88)
    return buffer.getvalue()
