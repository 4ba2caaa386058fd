"""Keys of exact search by Hamming distance with plain indexes: multi-index hashing (Norouzi, Punjani, Fleet 2012).

A fingerprint is cut into blocks of 16 bits, each with an index of its own. Two fingerprints that differ in few bits
differ in at most a bit or two in some block, so whoever looks up all blocks that near finds every one of them.
"""

from functools import cache
from itertools import combinations

BLOCK = 16


def bits(value: int, width: int) -> str:
    """A fingerprint as zeros and ones, the form in which the database takes it."""
    return format(value, f"0{width}b")


def probes(value: int, *, width: int, radius: int) -> list[list[int]]:
    """For each block from the first, the values to look up; every fingerprint within the radius has one of them.

    With m blocks and radius q * m + a, either one of the first a + 1 blocks differs in at most q bits or one of the
    others in at most q - 1: were it not so, they would differ in more than the radius together.
    """
    if width % BLOCK or not 0 <= radius <= width:
        raise ValueError(f"blocks are of {BLOCK} bits and the radius at most the width; got {width} and {radius}")
    count = width // BLOCK
    quotient, rest = divmod(radius, count)
    mask = (1 << BLOCK) - 1
    return [
        [block ^ change for change in _changes(quotient if place <= rest else quotient - 1)]
        for place in range(count)
        for block in [(value >> (width - BLOCK * (place + 1))) & mask]
    ]


@cache
def _changes(most: int) -> tuple[int, ...]:
    """Every block with at most so many bits set; none for a negative number."""
    return tuple(
        sum(1 << place for place in places)
        for number in range(most + 1)
        for places in combinations(range(BLOCK), number)
    )
