"""Keys of the exact search: nothing within the radius is missed, and as few values are looked up as that takes."""

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.hamming import BLOCK, bits, probes


def blocks(value: int, width: int) -> list[int]:
    return [int(bits(value, width)[start : start + BLOCK], 2) for start in range(0, width, BLOCK)]


@given(data=st.data(), width=st.sampled_from([64, 256]))
def test_every_value_within_the_radius_has_one_of_the_keys(data: st.DataObject, width: int) -> None:
    radius = data.draw(st.integers(0, 2 * width // BLOCK + 3))
    value = data.draw(st.integers(0, 2**width - 1))
    changed = data.draw(st.sets(st.integers(0, width - 1), max_size=radius))
    other = value ^ sum(1 << place for place in changed)
    looked_up = probes(value, width=width, radius=radius)
    assert any(block in keys for block, keys in zip(blocks(other, width), looked_up, strict=True))


@pytest.mark.parametrize(
    ("width", "radius", "counts"),
    [
        (64, 0, [1, 0, 0, 0]),
        (64, 3, [1] * 4),
        (64, 7, [17] * 4),
        (64, 10, [17 + comb(16, 2)] * 3 + [17]),
        (256, 31, [17] * 16),
    ],
)
def test_no_more_is_looked_up_than_the_radius_needs(width: int, radius: int, counts: list[int]) -> None:
    assert [len(set(keys)) for keys in probes(7, width=width, radius=radius)] == counts


@pytest.mark.parametrize(("width", "radius"), [(60, 3), (64, -1), (64, 65)])
def test_other_widths_and_radii_are_refused(width: int, radius: int) -> None:
    with pytest.raises(ValueError, match="blocks are of 16 bits"):
        probes(0, width=width, radius=radius)


def test_the_first_bits_are_the_highest() -> None:
    assert bits(1, 64) == "0" * 63 + "1"
    assert probes(1 << 63, width=64, radius=3)[0] == [1 << 15]
