"""What a matcher can tell from a blurred derivative or a line drawing, with all the originals in hand.

Two sets of 100 drawn pictures. In `distinct` everything differs: a matcher with the originals needs only a handful of
pixels to tell them apart (`told_by_mosaic`), and no blur that leaves a reviewer any orientation prevents that. In `alike`
all pictures are the same but for details smaller than the blur of level 2: what blur is for.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray

from models.pdq import RADIUS, pdq
from service.media import blurring
from service.media.derivatives import Derivative
from tests.service.media.pictures import draw

ORIGINALS = 100
LEVELS = (2, 3, 4)
WIDTH, HEIGHT = 320, 240
_WORDS = ("House", "Mouse", "River", "Liver", "Light", "Night", "Stone", "Store", "Plain", "Train")


@dataclass(frozen=True, slots=True)
class Told:
    """Shares of derivatives at one level whose original was told.

    `correlated`: the best of a template search is the right one. `nearest`: the nearest by PDQ distance is.
    `within`: the right one is also within PDQ's operating threshold, RADIUS bits. `rendered`: the nearest is right for who
    has other copies of the originals (JPEG) and renders these in the same way.
    """

    correlated: float
    nearest: float
    within: float
    rendered: float


def told(originals: Sequence[Any], level: int) -> Told:
    """How often matchers name the right one of grey originals from their gray derivatives of a level."""
    return _told(originals, lambda one: blurring.preview(one, level))


def told_by_lines(originals: Sequence[Any]) -> Told:
    """The same from their line drawings."""
    return _told(originals, blurring._lines)


def told_by_mosaic(originals: Sequence[Any], width: int, height: int, *, grays: int) -> float:
    """How often no more than so many pixels and shades name the right one, for who has other copies."""
    mosaics, copies = (
        [one.thumbnail_image(width, height=height, size="force") // (256 // grays) for one in side]
        for side in (originals, _copies(originals))
    )
    return _nearest(mosaics, copies)


def _told(originals: Sequence[Any], render: Callable[[Any], Derivative]) -> Told:
    blurred, rendered = (
        [pyvips.Image.new_from_buffer(render(one).data, "") for one in side] for side in (originals, _copies(originals))
    )
    truth = np.arange(len(originals))
    size = (blurred[0].width, blurred[0].height)
    templates = _normalised([one.thumbnail_image(size[0], height=size[1], size="force") for one in originals])
    best = (_normalised(blurred) @ templates.T).argmax(axis=1)
    # Both enlarged alike, since PDQ wants a picture larger than the smallest derivatives are.
    distances = _distances(
        [one.resize(WIDTH / one.width, vscale=HEIGHT / one.height, kernel="linear") for one in blurred], originals
    )
    nearest = distances.argmin(axis=1) == truth
    return Told(
        float((best == truth).mean()),
        float(nearest.mean()),
        float((nearest & (distances.min(axis=1) <= RADIUS)).mean()),
        _nearest(blurred, rendered),
    )


@cache
def distinct() -> list[Any]:
    """Grey pictures with different light, shapes, grain and words."""
    chance = np.random.default_rng(5)
    return [_grey(_shapes(chance) + _caption(chance), chance) for _ in range(ORIGINALS)]


@cache
def alike() -> list[Any]:
    """Grey pictures of one scene; only small words and marks, and the grain, differ."""
    ground = _shapes(np.random.default_rng(5))
    chance = np.random.default_rng(6)
    return [_grey(ground + _marks(chance), chance) for _ in range(ORIGINALS)]


def _shapes(chance: np.random.Generator) -> str:
    parts = []
    for _ in range(10):
        x, y, reach, tone = chance.integers([0, 0, 15, 20], [400, 300, 90, 235])
        parts.append(
            f'<ellipse cx="{x}" cy="{y}" rx="{reach}" ry="{reach // 2 + 8}" fill="rgb({tone},{tone},{tone})"/>'
        )
    return "".join(parts)


def _caption(chance: np.random.Generator) -> str:
    x, y, size = chance.integers([10, 60, 20], [200, 280, 60])
    return (
        f'<text x="{x}" y="{y}" font-size="{size}" fill="#111">{chance.choice(_WORDS)} {chance.integers(1, 99)}</text>'
    )


def _marks(chance: np.random.Generator) -> str:
    """One line of text three sigmas of level 1 high, and a mark as small, where they are in every picture."""
    word, number = chance.choice(_WORDS), chance.integers(10, 99)
    turn = chance.integers(0, 4) * 90
    return (
        f'<text x="180" y="150" font-size="7" fill="#666">{word} {number}</text>'
        f'<path d="M0 -3 L3 3 L-3 3 Z" transform="translate(90 220) rotate({turn})" fill="#666"/>'
    )


def _grey(inside: str, chance: np.random.Generator) -> Any:
    flat = draw(WIDTH, HEIGHT, inside=inside).colourspace("b-w").numpy()
    grain = chance.normal(0, 4, flat.shape[:2])
    pixels = np.clip(flat.reshape(flat.shape[:2]) + grain, 0, 255).astype(np.uint8)
    return pyvips.Image.new_from_array(pixels).copy(interpretation="b-w")


def _copies(originals: Sequence[Any]) -> list[Any]:
    return [pyvips.Image.new_from_buffer(one.jpegsave_buffer(Q=75), "").copy_memory() for one in originals]


def _nearest(pictures: Sequence[Any], copies: Sequence[Any]) -> float:
    """How often the copy that differs least is the right one; where several do, it is drawn among them."""
    ones, others = (np.stack([one.numpy().astype(np.float64).ravel() for one in side]) for side in (pictures, copies))
    # Squared distances, exact: pixels are whole numbers.
    apart = np.square(ones).sum(axis=1)[:, None] - 2 * ones @ others.T + np.square(others).sum(axis=1)
    least = apart == apart.min(axis=1, keepdims=True)
    return float((least.diagonal() / least.sum(axis=1)).mean())


def _normalised(pictures: Sequence[Any]) -> NDArray[np.float64]:
    """One row a picture, with mean 0 and length 1: a product of two rows is their normalised cross-correlation."""
    rows = np.stack([one.numpy().astype(np.float64).ravel() for one in pictures])
    rows -= rows.mean(axis=1, keepdims=True)
    normal: NDArray[np.float64] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return normal


def _distances(ones: Sequence[Any], others: Sequence[Any]) -> NDArray[np.int64]:
    prints = [[_print(bytes(one.write_to_memory()), one.width) for one in side] for side in (ones, others)]
    return np.array([[(one ^ other).bit_count() for other in prints[1]] for one in prints[0]])


@cache
def _print(gray: bytes, width: int) -> int:
    return pdq(np.frombuffer(gray, np.uint8).reshape(-1, width)).bits


if __name__ == "__main__":
    for name, originals in (("distinct", distinct()), ("alike", alike())):
        for level in LEVELS:
            print(name, level, told(originals, level))
        print(name, "lines", told_by_lines(originals))
    for width, height in ((4, 3), (3, 2), (2, 2)):
        print(f"distinct, {width} x {height} pixels in 8 grays", told_by_mosaic(distinct(), width, height, grays=8))
