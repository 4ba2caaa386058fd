"""Pictures to the input of an image model: resize, crop and normalise, in numpy alone.

Resizing filters over all pixels that become one, and rounds to whole greys after each direction, as Pillow does: most
image models were trained on pictures that went through it. Pillow takes the directions the other way round where that
is quicker; single greys then differ by one.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Layout = Literal["NHWC", "NCHW"]
Channels = Literal["RGB", "BGR"]
Resize = Literal["stretch", "cover", "contain"]
Interpolation = Literal["bilinear", "bicubic"]

Picture = NDArray[np.uint8]

# Of a picture longer than so many times its short side, `cover` takes the middle before it resizes: the ends would be
# cut off afterwards anyway, and a line of pixels would become a picture of hundreds of megabytes first.
_MOST_ASPECT = 8


@dataclass(frozen=True, slots=True)
class InputRule:
    """How a picture becomes the input named `name`.

    It is resized by `resize` to `resize_to` (width, height): stretch changes its shape, cover keeps the shape and covers
    that size, contain keeps it within that size and fills the rest with black. Then `width` x `height` pixels are cut
    out of its middle. `mean` and `scale` are in the order of `channels`: value = (grey 0..255 - mean) * scale.
    """

    name: str
    width: int
    height: int
    layout: Layout
    channels: Channels
    resize: Resize
    resize_to: tuple[int, int]
    interpolation: Interpolation
    mean: tuple[float, float, float]
    scale: tuple[float, float, float]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of the input of one picture."""
        return (self.height, self.width, 3) if self.layout == "NHWC" else (3, self.height, self.width)

    def prepare(self, picture: Picture) -> NDArray[np.float32]:
        """The input of one picture, given as rows x columns x (red, green, blue). Raises ValueError for another shape."""
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or 0 in picture.shape:
            raise ValueError(f"rows x columns x 3 bytes are needed, not {picture.dtype} {picture.shape}")
        cut = self._cut(self._resized(picture))
        ordered = cut[:, :, ::-1] if self.channels == "BGR" else cut
        values = (ordered - np.array(self.mean, np.float32)) * np.array(self.scale, np.float32)
        return np.ascontiguousarray(values if self.layout == "NHWC" else values.transpose(2, 0, 1))

    def _resized(self, picture: Picture) -> Picture:
        width, height = self.resize_to
        if self.resize == "cover":
            picture = _middle(picture, _MOST_ASPECT * max(width, height) / min(width, height))
        rows, columns = picture.shape[:2]
        if self.resize != "stretch":
            choose = max if self.resize == "cover" else min
            share = choose(width / columns, height / rows)
            width, height = max(1, round(columns * share)), max(1, round(rows * share))
        return resize(picture, width, height, self.interpolation)

    def _cut(self, picture: Picture) -> Picture:
        rows, columns = picture.shape[:2]
        if rows < self.height or columns < self.width:
            # Only `contain` leaves a picture that is smaller than the input.
            top, left = max(0, (self.height - rows) // 2), max(0, (self.width - columns) // 2)
            frame = np.zeros((max(rows, self.height), max(columns, self.width), 3), np.uint8)
            frame[top : top + rows, left : left + columns] = picture
            picture, (rows, columns) = frame, frame.shape[:2]
        top, left = (rows - self.height) // 2, (columns - self.width) // 2
        return picture[top : top + self.height, left : left + self.width]


def _middle(picture: Picture, aspect: float) -> Picture:
    most = int(min(picture.shape[:2]) * aspect)
    top, left = (max(0, (side - most) // 2) for side in picture.shape[:2])
    return picture[top : picture.shape[0] - top, left : picture.shape[1] - left]


def resize(picture: Picture, width: int, height: int, interpolation: Interpolation) -> Picture:
    """The picture at another size."""
    rows, columns = picture.shape[:2]
    wide = picture.astype(np.float32)
    if columns != width:
        flat = _weights(columns, width, interpolation) @ wide.transpose(1, 0, 2).reshape(columns, -1)
        wide = _whole(flat).reshape(width, rows, 3).transpose(1, 0, 2)
    if rows != height:
        flat = _weights(rows, height, interpolation) @ wide.reshape(rows, -1)
        wide = _whole(flat).reshape(height, width, 3)
    return wide.astype(np.uint8)


def _whole(values: NDArray[np.float32]) -> NDArray[np.float32]:
    whole: NDArray[np.float32] = np.clip(np.floor(values + np.float32(0.5)), 0, 255)
    return whole


@lru_cache(maxsize=64)
def _weights(old: int, new: int, interpolation: Interpolation) -> NDArray[np.float32]:
    """How much of each of `old` pixels in a line goes into each of `new`: (new, old), rows sum to 1."""
    scale = old / new
    # A filter is as wide as what it has to mean over; enlarging keeps its own width.
    stretch = max(scale, 1.0)
    reach = (1.0 if interpolation == "bilinear" else 2.0) * stretch
    centres = (np.arange(new) + 0.5) * scale
    first = np.maximum((centres - reach + 0.5).astype(np.int64), 0)
    last = np.minimum((centres + reach + 0.5).astype(np.int64), old)
    places = np.arange(old)
    inside = (places >= first[:, None]) & (places < last[:, None])
    distance = np.abs(places + 0.5 - centres[:, None]) / stretch
    weights = np.where(inside, (_triangle if interpolation == "bilinear" else _cubic)(distance), 0.0)
    shares: NDArray[np.float32] = (weights / weights.sum(1, keepdims=True)).astype(np.float32)
    return shares


def _triangle(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.maximum(0.0, 1.0 - distance)


def _cubic(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keys 1981, "Cubic convolution interpolation for digital image processing", with a = -0.5."""
    near = (1.5 * distance - 2.5) * distance**2 + 1
    far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    return np.where(distance < 1, near, np.where(distance < 2, far, 0.0))
