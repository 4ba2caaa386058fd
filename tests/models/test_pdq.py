"""Fingerprints of pictures: those of the reference implementation, and stable under what platforms do to pictures."""

import numpy as np
import pytest
from numpy.typing import NDArray

from models.pdq import BITS, LEAST_QUALITY, RADIUS, Fingerprint, pdq

# (width, height, seed) → bits and quality by the reference implementation in C++ (ThreatExchange, by pdqhash 0.2.8).
REFERENCE = {
    (512, 512, 1): ("30706db4369a6da524929925c8b7336d9b2566d9626ddc9a48cdb3925939b6d6", 85),
    (640, 360, 2): ("a723b4f61a23d02bc8dc49cfb58824d07fa9b00d8a5c5b6fd5365db249231cf6", 100),
    (300, 700, 3): ("9c12bc135a4b5d83b4654873c2d8af2ca7bc4294277eaffb40a4f0847beabcc2", 100),
    (64, 64, 4): ("b6a05aa858f8d8587154ec75ab2fab2f1f8f4717c5572352e2e899e8e0e0e0e4", 67),
    (127, 129, 5): ("dad4f33a9b819eeaf11bba80f66a3091b6cae61f24916cc2ed99e19a8cc32233", 96),
    (90, 40, 6): ("b5afe27bf4291012238a93d6ea725e7bd7565b8f51a0c061702d919e2a2db1f1", 100),
    (333, 64, 7): ("9c9c0b7242d662e35ac17ad10a6921f6ef4bb4c6bd0b343887698cada78f1b17", 100),
    (1000, 20, 8): ("968aeee890d6cb2c3155abaaef6911558baafed0b29ad6d52451b29a3cc90653", 100),
    (5, 5, 9): ("ce73318c318cce73ce73318cce73ce73318c318cce73318c318cce73ce73318c", 20),
}


def discs(width: int, height: int, seed: int) -> NDArray[np.uint8]:
    """Coloured discs over each other, drawn with whole numbers alone so that they are the same everywhere."""
    state = seed

    def below(most: int) -> int:
        nonlocal state
        state = (state * 1_103_515_245 + 12_345) % (1 << 31)
        return (state >> 8) % most

    rows, columns = np.mgrid[0:height, 0:width]
    picture = np.zeros((height, width, 3), dtype=np.uint8)
    for _ in range(14):
        x, y, reach = below(width), below(height), 2 + below(max(1, min(width, height) // 2))
        inside = (columns - x) ** 2 + (rows - y) ** 2 < reach**2
        picture[inside] = [below(256), below(256), below(256)]
    return picture


def apart(one: Fingerprint, other: Fingerprint) -> int:
    return (one.bits ^ other.bits).bit_count()


@pytest.mark.parametrize("size", REFERENCE)
def test_fingerprints_are_those_of_the_reference(size: tuple[int, int, int]) -> None:
    bits, quality = REFERENCE[size]
    found = pdq(discs(*size))
    assert apart(found, Fingerprint(int(bits, 16), quality)) <= 2
    assert found.quality == quality


def test_half_the_size_is_the_same_picture() -> None:
    picture = discs(640, 480, 5)
    assert apart(pdq(picture), pdq(picture[::2, ::2])) <= RADIUS // 2


def test_brighter_or_with_some_noise_is_the_same_picture() -> None:
    picture = discs(400, 300, 8)
    noise = np.random.default_rng(1).integers(-12, 13, picture.shape)
    noisy = np.clip(picture * 0.8 + 30 + noise, 0, 255).astype(np.uint8)
    assert apart(pdq(picture), pdq(noisy)) <= RADIUS // 2


def test_other_pictures_are_far_away() -> None:
    found = [pdq(discs(300, 200, seed)) for seed in range(12)]
    assert min(apart(one, other) for one in found for other in found if one is not other) > 2 * RADIUS


def test_greys_are_hashed_as_the_colours_that_look_so() -> None:
    grey = discs(200, 150, 3)[:, :, 0]
    assert apart(pdq(grey), pdq(np.stack([grey] * 3, axis=2))) <= 2


@pytest.mark.parametrize("side", [1, 4])
def test_too_small_a_picture_has_no_quality(side: int) -> None:
    assert pdq(np.zeros((side, 500), dtype=np.uint8)) == Fingerprint(0, 0)


def test_a_plain_picture_is_below_the_quality_that_counts() -> None:
    assert pdq(np.full((300, 400), 200, dtype=np.uint8)).quality < LEAST_QUALITY
    assert pdq(discs(400, 300, 1)).quality >= LEAST_QUALITY


def test_half_of_the_bits_are_set() -> None:
    assert pdq(discs(400, 300, 2)).bits.bit_count() == BITS // 2
