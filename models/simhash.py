"""A fingerprint of a text: 64 bits of which near-duplicates share nearly all (SimHash; Charikar 2002, Manku 2007).

Texts are compared by their letters and digits alone, in runs of a few characters, so that it works without spaces between
words. Case, punctuation, emoji, links, handles and mail addresses make no difference; a typo or a name added to it
changes few runs and so few bits. What counts as near was measured (docs/experiments.md).
"""

import re
import unicodedata

import numpy as np
from numpy.typing import NDArray

from models.preprocess import IDENTITIES, clean_text

BITS = 64
# Two texts are near-duplicates when their fingerprints differ in at most so many bits.
RADIUS = 10
# Within so few bits hardly any text says something else; beyond them, one word in six that turns a meaning goes unseen.
RADIUS_ALIKE = 3
# Characters of a run, and the fewest distinct runs that tell one text from another: with fewer, different short texts
# come near. In scripts with a sign for a word or a syllable two signs say what four letters say elsewhere.
RUN, FEWEST = 4, 20
DENSE_RUN, DENSE_FEWEST = 2, 12

_PLACEHOLDERS = re.compile("|".join(re.escape(placeholder) for _, placeholder in IDENTITIES))
_BETWEEN = re.compile(r"[\W_]+")
# Han, kana and hangul with what lies between them; Han again; Han of the higher planes.
_DENSE = ((0x2E80, 0xD7FF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))
_STEP = np.uint64(0x9E3779B97F4A7C15)


def simhash(text: str) -> int | None:
    """The fingerprint, a whole number below 2**64; None for a text with too few distinct runs to tell."""
    points = np.frombuffer(f" {_letters(text)} ".encode("utf-32-le"), dtype="<u4").astype(np.uint64)
    inside = points[1:-1]
    dense = sum(int(((inside >= first) & (inside <= last)).sum()) for first, last in _DENSE)
    run, fewest = (DENSE_RUN, DENSE_FEWEST) if 2 * dense > len(inside) else (RUN, FEWEST)
    if len(points) - run + 1 < fewest:
        return None
    runs = np.unique(_hashes(points, run))
    if len(runs) < fewest:
        return None
    # Each distinct run votes once for each bit, so that what a text repeats does not outvote what it says.
    votes = np.unpackbits(runs.astype(">u8").view(np.uint8).reshape(-1, 8), axis=1).sum(axis=0, dtype=np.int64)
    return int.from_bytes(np.packbits(2 * votes > len(runs)).tobytes(), "big")


def distance(one: int, other: int) -> int:
    """In how many bits two fingerprints differ."""
    return (one ^ other).bit_count()


def _letters(text: str) -> str:
    """What is compared: letters, digits and the marks that belong to letters, one space between words."""
    plain = unicodedata.normalize("NFKC", _PLACEHOLDERS.sub(" ", clean_text(text))).casefold()
    return _BETWEEN.sub(_marks, plain).strip()


def _marks(between: re.Match[str]) -> str:
    """Of what stands between letters the marks, which spell vowels and tones in many scripts; the rest is a space."""
    found = between.group()
    if found.isascii():
        return " "
    # Variation selectors are marks that say how an emoji is drawn.
    marks = "".join(
        one for one in found if unicodedata.category(one) in {"Mn", "Mc"} and not "\ufe00" <= one <= "\ufe0f"
    )
    return marks if len(marks) == len(found) else marks + " "


def _hashes(points: NDArray[np.uint64], run: int) -> NDArray[np.uint64]:
    """A hash of 64 well-mixed bits for each run of characters (the finalizer of splitmix64, Steele et al. 2014)."""
    count = len(points) - run + 1
    mixed = np.zeros(count, dtype=np.uint64)
    for place in range(run):
        mixed = mixed * _STEP + points[place : place + count]
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
