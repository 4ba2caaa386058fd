"""A fingerprint of a picture: the 256 bits of PDQ, which stay nearly the same when it is scaled or compressed anew.

The published algorithm (Meta, ThreatExchange, pdq/hashing.pdf) with numpy: a tent filter down to 64 x 64, the 16 x 16
lowest frequencies of its cosine transform without the first, and for each whether it is above their median. Fingerprints
are those of the reference implementation but for a bit or two that rounding decides, so they can be exchanged with
others who use PDQ. The package `pdqhash` is not used: it comes as source for Linux and would need a compiler to install.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BITS = 256
# Two pictures are near-duplicates when their fingerprints differ in at most so many bits: the authors' own value.
RADIUS = 31
# Below this quality a picture has too little in it to be told from others: the authors' own value.
LEAST_QUALITY = 50

_SIDE, _KEPT = 64, 16
_LEAST_PIXELS = 5
# Red, green and blue in the brightness that PDQ is defined on.
_LUMA = (np.float32(0.299), np.float32(0.587), np.float32(0.114))
_FREQUENCIES = np.arange(1, _KEPT + 1)[:, None] * (2 * np.arange(_SIDE) + 1)[None, :]
_COSINES = np.sqrt(2 / _SIDE) * np.cos(np.pi / 2 / _SIDE * _FREQUENCIES)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The bits as a whole number below 2**256, and how much there is in the picture, from 0 to 100."""

    bits: int
    quality: int


def pdq(pixels: NDArray[np.uint8]) -> Fingerprint:
    """The fingerprint of a picture: rows x columns of greys, or rows x columns x (red, green, blue)."""
    grey = _luma(pixels)
    if min(grey.shape) < _LEAST_PIXELS:
        return Fingerprint(0, 0)
    small = grey if grey.shape == (_SIDE, _SIDE) else _shrink(grey)
    waves = _COSINES @ small @ _COSINES.T
    # The lower of the two in the middle; the first frequency is the last bit.
    middle = np.partition(waves, BITS // 2 - 1, axis=None)[BITS // 2 - 1]
    packed = np.packbits((waves > middle).ravel()[::-1])
    return Fingerprint(int.from_bytes(packed.tobytes(), "big"), _quality(small))


def _luma(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    if pixels.ndim == 2:
        return pixels.astype(np.float64)
    red, green, blue = (pixels[:, :, place] * weight for place, weight in enumerate(_LUMA))
    grey: NDArray[np.float64] = (red + green + blue).astype(np.float64)
    return grey


def _shrink(grey: NDArray[np.float64]) -> NDArray[np.float64]:
    """Two passes of a moving mean along both sides, then the middle of each of 64 x 64 fields.

    One side after the other, and the second pass only where it is kept: the result is the same and is there sooner.
    """
    for _ in range(2):
        side = len(grey)
        window, middles = -(-side // (2 * _SIDE)), ((np.arange(_SIDE) + 0.5) * side / _SIDE).astype(np.int64)
        grey = _means(_means(grey, window, np.arange(side)), window, middles).T
    return grey


def _means(grey: NDArray[np.float64], window: int, at: NDArray[np.int64]) -> NDArray[np.float64]:
    """The mean of so many rows around each of the rows `at`; at the edges, of those that there are."""
    ahead = (window + 2) // 2
    sums = np.zeros((len(grey) + 1, grey.shape[1]))
    np.cumsum(grey, axis=0, out=sums[1:])
    last = np.minimum(at + ahead, len(grey))
    first = np.maximum(at + ahead - window, 0)
    means: NDArray[np.float64] = (sums[last] - sums[first]) / (last - first)[:, None]
    return means


def _quality(small: NDArray[np.float64]) -> int:
    """Steps between neighbours, in whole hundredths of the range: small ones count for nothing."""
    steps = sum(int(np.abs(np.trunc(np.diff(small, axis=axis) * 100 / 255)).sum()) for axis in (0, 1))
    return min(100, steps // 90)
