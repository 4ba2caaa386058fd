"""What is shown instead of a picture: its blurred renderings, a plain small one for cleared content, a line drawing.

Everything here works on a small decoded picture, upright, in sRGB or grey and without transparency, whatever it was
decoded from: a picture or a frame of a video.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyvips

from service.media.derivatives import JPEG, Derivative, Variant

# Blur level → standard deviation of the Gaussian as a share of the picture's short side, so that the effect does not
# depend on resolution.
SIGMA_SHARE = {1: 0.008, 2: 0.017, 3: 0.033, 4: 0.08}
LEVELS = tuple(SIGMA_SHARE)
PLAIN = 0
# A preview keeps this many pixels per sigma. Finer ones would only carry what the blur left below one grey step, which
# is what an attempt to undo a blur feeds on; the browser scales the preview up and it looks the same.
PIXELS_PER_SIGMA = 1.25
# The blur itself runs on a picture this much larger than the preview, so that its kernel has enough taps.
OVERSAMPLING = 2
# Most pixels of the long side: of the plain rendering, of blurred ones, of the line drawing.
PLAIN_SIDE = 1280
LONG_SIDE = 640
LINES_SIDE = 480
# Frames on a contact sheet, in three columns with a gap between them.
SHEET_FRAMES = 9
SHEET_COLUMNS = 3
_SHEET_GAP = 2
PREVIEW_MIME = JPEG

# What an animation and a still picture are shown as, and in which order.
STILL: tuple[tuple[Variant, int], ...] = (
    *(("gray", level) for level in (PLAIN, *LEVELS)),
    *(("colour", level) for level in (PLAIN, *LEVELS)),
    ("lines", PLAIN),
)
SHEET: tuple[tuple[Variant, int], ...] = tuple(("sheet", level) for level in (PLAIN, *LEVELS))

# How far down the Gaussian's tails are followed; libvips by default cuts at 20 % of the peak, which lets detail through.
_TAIL = 0.01
_QUALITY = {PLAIN: 82} | dict.fromkeys(LEVELS, 90)
# Lines as wide as this share of the short side are drawn; finer strokes, such as most lettering, melt into one.
_LINE_SHARE = 0.004
_MEDIAN = 3
# The two Gaussians of the difference are this far apart: about what the eye does (Winnemöller, XDoG, 2012).
_LINE_RATIO = 1.6
# Steps in brightness, of 255, that are no line yet, and how fast a line turns black beyond them.
_LINE_LEAST, _LINE_SLOPE = 0.8, np.float32(1)


def derivatives(base: Any) -> tuple[Derivative, ...]:
    """All renderings of `STILL` from a picture of at most PLAIN_SIDE pixels a side."""
    grey = base.colourspace("b-w").copy_memory()
    return (*_blurs("gray", grey), *_blurs("colour", base.colourspace("srgb")), _lines(grey))


def contact_sheet(frames: Sequence[Any]) -> tuple[Derivative, ...]:
    """Contact sheets of 1 to SHEET_FRAMES equally large frames, in reading order: a plain one, and a grey one at each level.

    Each frame is blurred by itself, by its own size: one does not bleed into the next.
    """
    plain = [_shrunk_to(frame, PLAIN_SIDE // SHEET_COLUMNS).copy_memory() for frame in frames]
    cells = [_shrunk_to(frame, LONG_SIDE // SHEET_COLUMNS).colourspace("b-w").copy_memory() for frame in plain]
    return (_plain_sheet(plain), *(_sheet(cells, level) for level in LEVELS))


def preview(base: Any, level: int, *, variant: Variant = "gray") -> Derivative:
    """Blur, then keep only as many pixels as the blur left information for."""
    return _encoded(variant, level, _blurred(base, level))


def longest_side(variant: Variant, level: int) -> int:
    """Pixels that no side of such a rendering is longer than."""
    if variant == "lines":
        return LINES_SIDE
    if level == PLAIN:
        return PLAIN_SIDE
    return LONG_SIDE + (SHEET_COLUMNS - 1) * _SHEET_GAP if variant == "sheet" else LONG_SIDE


def working_size(width: int, height: int, level: int) -> tuple[int, int]:
    """Pixels of the picture that the blur runs on: never more than the source has."""
    wanted = OVERSAMPLING * PIXELS_PER_SIGMA / SIGMA_SHARE[level]
    scale = min(1.0, wanted / min(width, height), LONG_SIDE / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _blurs(variant: Variant, image: Any) -> list[Derivative]:
    """The plain rendering and then one for each blur level."""
    small = _shrunk(image, *working_size(image.width, image.height, LEVELS[0])).copy_memory()
    return [_encoded(variant, PLAIN, image), *(preview(small, level, variant=variant) for level in LEVELS)]


def _blurred(base: Any, level: int) -> Any:
    work = _shrunk(base, *working_size(base.width, base.height, level))
    sigma = SIGMA_SHARE[level] * min(work.width, work.height)
    blurred = work.gaussblur(sigma, min_ampl=_TAIL) if sigma > 0.2 else work
    kept = min(1.0, PIXELS_PER_SIGMA / sigma)
    width, height = (max(1, round(side * kept)) for side in (work.width, work.height))
    return blurred.resize(width / work.width, vscale=height / work.height)


def _shrunk(image: Any, width: int, height: int) -> Any:
    if (image.width, image.height) == (width, height):
        return image
    return image.thumbnail_image(width, height=height, size="force")


def _shrunk_to(image: Any, side: int) -> Any:
    return image.thumbnail_image(side, height=side, size="down")


def _encoded(variant: Variant, level: int, image: Any) -> Derivative:
    data = image.jpegsave_buffer(Q=_QUALITY[level], keep="none")
    return Derivative(variant, level, PREVIEW_MIME, image.width, image.height, data)


def _plain_sheet(cells: Sequence[Any]) -> Derivative:
    """What the image model looks at, never people: always SHEET_FRAMES cells without gaps, of fewer frames some again."""
    places = np.linspace(0, len(cells) - 1, SHEET_FRAMES).round().astype(int)
    sheet = pyvips.Image.arrayjoin([cells[place] for place in places], across=SHEET_COLUMNS)
    return _encoded("sheet", PLAIN, sheet.colourspace("srgb"))


def _sheet(cells: Sequence[Any], level: int) -> Derivative:
    blurred = [_blurred(cell, level) for cell in cells]
    across = min(SHEET_COLUMNS, len(cells))
    sheet = pyvips.Image.arrayjoin(blurred, across=across, shim=_SHEET_GAP, background=[0])
    return _encoded("sheet", level, sheet)


def _lines(grey: Any) -> Derivative:
    """Dark strokes where brightness has an edge: what is where, without surfaces, colours and fine detail.

    The median keeps edges and takes out grain before the difference of Gaussians would draw it.
    """
    work = _shrunk_to(grey, LINES_SIDE)
    if min(work.width, work.height) >= _MEDIAN:
        work = work.median(_MEDIAN).median(_MEDIAN)
    work = work.cast("float")
    sigma = max(0.7, _LINE_SHARE * min(work.width, work.height))
    fine, coarse = (work.gaussblur(one, min_ampl=_TAIL).numpy() for one in (sigma, _LINE_RATIO * sigma))
    # Only where it is darker than around: one stroke along an edge, not one on each side.
    beyond = np.maximum(coarse - fine - np.float32(_LINE_LEAST), 0)
    drawing = (255 / (1 + np.square(_LINE_SLOPE * beyond))).astype(np.uint8)
    return _encoded("lines", PLAIN, pyvips.Image.new_from_array(drawing).copy(interpretation="b-w"))
