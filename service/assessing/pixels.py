"""Pixels of our own derivatives, for the image model.

They are decoded in the worker itself: what is read here was encoded by our rendering process from pixels, never the
upload. Still only the decoder of the stated kind may touch them, and only at the size that their row states.
"""

import numpy as np
import pyvips

from models.image_input import Picture

MOST_BYTES = 20_000_000
MOST_SIDE = 2_048
# A contact sheet is so many frames wide and high.
SHEET_SIDE = 3

_LOADERS = {"image/jpeg": "jpegload_buffer", "image/png": "pngload_buffer", "image/webp": "webpload_buffer"}


class OddDerivativeError(ValueError):
    """A derivative that is not what its row says."""


def decoded(data: bytes, mime: str, *, width: int, height: int) -> Picture:
    """Rows x columns x RGB of a derivative of that kind and size. Raises OddDerivativeError."""
    if mime not in _LOADERS or len(data) > MOST_BYTES or max(width, height) > MOST_SIDE:
        raise OddDerivativeError(f"{mime} of {width} x {height} pixels and {len(data)} bytes is no small picture")
    try:
        image = getattr(pyvips.Image, _LOADERS[mime])(data, access="sequential", fail_on="error")
        if (image.width, image.height) != (width, height):
            raise OddDerivativeError(f"is {image.width} x {image.height} pixels, its row says {width} x {height}")
        if image.hasalpha():
            image = image.flatten(background=[128] * (image.bands - 1))
        pixels: Picture = np.ascontiguousarray(image.colourspace("srgb").numpy())
    except pyvips.Error as error:
        raise OddDerivativeError(f"cannot be decoded as {mime}") from error
    return pixels


def frames_of(sheet: Picture) -> list[Picture]:
    """The frames on a contact sheet, row by row."""
    rows, columns = (side // SHEET_SIDE for side in sheet.shape[:2])
    return [
        sheet[top * rows : (top + 1) * rows, left * columns : (left + 1) * columns]
        for top in range(SHEET_SIDE)
        for left in range(SHEET_SIDE)
        if rows and columns
    ]
