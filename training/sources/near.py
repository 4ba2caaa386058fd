"""Near-duplicates: texts that share most of their character sequences, found by MinHash signatures in bands.

The signatures are datasketch's. Its index keeps a set per band and row, gigabytes for some hundred thousand rows, so
the bands are sorted here instead, which finds the same candidates.
"""

import re
import unicodedata
import zlib
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from datasketch import MinHash  # type: ignore[import-untyped]  # publishes no types
from numpy.typing import NDArray

from labeling.corpus.near import GRAM, GRAM_CJK, is_cjk

Signatures = NDArray[np.uint32]

# At least this share of character sequences in common, as the signatures estimate it.
THRESHOLD = 0.7
PERMUTATIONS = 125
ROWS_PER_BAND = 5
SEED = 1

# Buckets up to this size are compared pair by pair; in larger ones (templates, greetings) only with leading members.
PAIRWISE = 500

_PLACEHOLDER = re.compile(r"\[url]|\[email]|@user")
_NO_WORD = re.compile(r"[\W_]+")


def signatures(texts: Iterable[str]) -> Signatures:
    """One row of PERMUTATIONS values per text."""
    hashes = MinHash.generator(
        (_sequences(text) for text in texts), num_perm=PERMUTATIONS, seed=SEED, hashfunc=zlib.crc32
    )
    rows = [one.hashvalues.astype(np.uint32) for one in hashes]
    return np.array(rows, np.uint32) if rows else np.empty((0, PERMUTATIONS), np.uint32)


def near_groups(signed: Signatures, links: Sequence[frozenset[str]]) -> NDArray[np.int64]:
    """A group number per row: rows of one group are near-duplicates, or share one of their `links`, through others too."""
    groups = _Groups(len(signed))
    owner: dict[str, int] = {}
    for row, names in enumerate(links):
        for name in names:
            groups.join(row, owner.setdefault(name, row))
    for members in _buckets(signed):
        _join_near(signed, members, groups)
    return groups.numbers()


def near_any(signed: Signatures, others: Signatures) -> NDArray[np.bool_]:
    """Which rows have a near-duplicate among `others`."""
    found = np.zeros(len(signed), bool)
    for members in _buckets(np.concatenate([signed, others])):
        mine, theirs = members[members < len(signed)], members[members >= len(signed)] - len(signed)
        for other in theirs:
            mine = mine[~found[mine]]
            if not len(mine):
                break
            found[mine[_similar(signed[mine], others[other])]] = True
    return found


def _sequences(text: str) -> list[bytes]:
    """The character sequences of a text without case, signs, emoji and placeholders."""
    words = _NO_WORD.sub(" ", _PLACEHOLDER.sub(" ", unicodedata.normalize("NFKC", text).casefold())).strip()
    plain = words or text
    # By the whole text and not by each letter, as `labeling.corpus.near` does: that would change the groups (of 28 of 33,776 public
    # rows with such letters), and with them the sides of the rows that the shipped bundle learned from and was judged on.
    length = GRAM_CJK if 2 * sum(map(is_cjk, plain)) > len(plain) else GRAM
    # A short text is one sequence: it is near to itself only.
    return [one.encode() for one in sorted({plain[at : at + length] for at in range(max(1, len(plain) - length + 1))})]


def _buckets(signed: Signatures) -> Iterator[NDArray[np.int64]]:
    """Rows that agree in all of a band, two or more at a time."""
    for start in range(0, PERMUTATIONS, ROWS_PER_BAND):
        band = np.ascontiguousarray(signed[:, start : start + ROWS_PER_BAND])
        order = np.lexsort(band.T)
        ordered = band[order]
        ends = np.flatnonzero((ordered[1:] != ordered[:-1]).any(1)) + 1
        yield from (members for members in np.split(order, ends) if len(members) > 1)


def _similar(rows: Signatures, one: Signatures) -> NDArray[np.bool_]:
    near: NDArray[np.bool_] = (rows == one).mean(1) >= THRESHOLD
    return near


def _join_near(signed: Signatures, members: NDArray[np.int64], groups: "_Groups") -> None:
    few = len(members) <= PAIRWISE
    while len(members) > 1 and not groups.all_one(members):
        first, members = members[0], members[1:]
        near = _similar(signed[members], signed[first])
        for member in members[near]:
            groups.join(int(first), int(member))
        members = members if few else members[~near]


class _Groups:
    """Rows joined pair by pair; a group is known by its lowest row."""

    def __init__(self, count: int) -> None:
        self._above = list(range(count))

    def root(self, row: int) -> int:
        while self._above[row] != row:
            self._above[row] = self._above[self._above[row]]
            row = self._above[row]
        return row

    def join(self, one: int, other: int) -> None:
        low, high = sorted((self.root(one), self.root(other)))
        self._above[high] = low

    def all_one(self, members: NDArray[np.int64]) -> bool:
        first = self.root(int(members[0]))
        return all(self.root(int(member)) == first for member in members[1:])

    def numbers(self) -> NDArray[np.int64]:
        return np.array([self.root(row) for row in range(len(self._above))], np.int64)
