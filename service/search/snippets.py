"""The part of a text in which words were found, with them marked and what is masked left out. Pure."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from service.masking import Segment
from service.search.schemas import Piece

DOT = "•"
# Characters shown around the first word that was found; a masked word is looked for so far beyond them.
BEFORE, LENGTH, MARGIN = 60, 260, 60
# An ending is at most so long; by it a word in another form than the one asked for is known.
ENDING = 5
LEAST_STEM = 3
MOST_MARKS = 20

_LEXEME = re.compile(r"'((?:[^']|'')*)'(:\*)?")
_WORD = re.compile(r"[^\W_]+(?:[̀-ͯ]+[^\W_]*)*")
# Looked for within a word: with what may stand around it, a text without spaces would take the square of its length.
_DISGUISED = re.compile(r"[^\W\d_][\d@$!|€._*~-]+[^\W\d_]|[\d@$!|€][^\W\d_]{2}|[^\W\d_][\d@$|€]")
_TOKEN = re.compile(r"\S+")
LONGEST_DISGUISE = 40
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060-\u2064\ufe00-\ufe0f\ufeff]")


@dataclass(frozen=True, slots=True)
class Sought:
    """The forms of the words that were asked for: whole ones, beginnings, and signs of scripts without spaces."""

    whole: frozenset[str]
    starts: tuple[str, ...]

    @classmethod
    def of(cls, query: str) -> "Sought":
        """The forms that a tsquery names."""
        found = _LEXEME.findall(query)
        return cls(frozenset(word for word, star in found if not star), tuple(word for word, star in found if star))

    def has(self, word: str) -> bool:
        """Whether a word, folded, is one of them or seems to be one in another form."""
        return (
            word in self.whole
            or word.startswith(self.starts)
            or any(word[:cut] in self.whole for cut in range(max(LEAST_STEM, len(word) - ENDING), len(word)))
        )


def disguised(texts: Iterable[str], *, most: int) -> list[str]:
    """Words that seem to be written past a filter."""
    return sorted({one[0] for text in texts for one in _disguises(text)})[:most]


def marks(text: str, sought: Sought, says: Mapping[str, Sequence[str]]) -> list[tuple[int, int]]:
    """Where in a text the words are, in order. `says` is what words say that are written past a filter."""
    if not sought.whole and not sought.starts:
        return []
    spans = [(one.start(), one.end()) for one in _WORD.finditer(text) if sought.has(_folded(one[0]))]
    if says:
        spans += [one.span() for one in _disguises(text) if sought.whole.intersection(says.get(one[0], ()))]
    for form in (*sought.whole, *sought.starts):
        if form and not _spaced(form):
            spans += [(one.start(), one.end()) for one in re.finditer(re.escape(form), text)]
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined[:MOST_MARKS]


def _disguises(text: str) -> Iterator[re.Match[str]]:
    return (
        one
        for one in _TOKEN.finditer(text)
        if one.end() - one.start() <= LONGEST_DISGUISE and _DISGUISED.search(one[0])
    )


def window(text: str, spans: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """The part of a text to show: around the first mark, between spaces where there are any near."""
    start = max(0, spans[0][0] - BEFORE) if spans else 0
    if start:
        space = text.find(" ", start, spans[0][0])
        start = space + 1 if space >= 0 else start
    end = min(len(text), start + LENGTH)
    if end < len(text):
        space = text.rfind(" ", end - BEFORE, end)
        end = space if space > start else end
    return start, end


def pieces(segments: Sequence[Segment], spans: Sequence[tuple[int, int]], shown: tuple[int, int]) -> list[Piece]:
    """The part `shown` of a text in pieces. A masked word that begins or ends outside of it is left out."""
    made: list[Piece] = []
    for one in segments:
        start, end = max(one.start, shown[0]), min(one.start + one.length, shown[1])
        if start >= end:
            continue
        if one.index is not None:
            if (start, end) == (one.start, one.start + one.length):
                found = any(first < end and start < last for first, last in spans)
                made.append(Piece(text=DOT * one.length, found=found, masked=True))
            continue
        made += _marked(one.text[start - one.start : end - one.start], start, spans)
    return made


def _marked(text: str, at: int, spans: Sequence[tuple[int, int]]) -> Iterable[Piece]:
    place = 0
    for first, last in spans:
        start, end = max(first - at, place), min(last - at, len(text))
        if start >= end:
            continue
        if start > place:
            yield Piece(text=text[place:start])
        yield Piece(text=text[start:end], found=True)
        place = end
    if place < len(text):
        yield Piece(text=text[place:])


def _spaced(form: str) -> bool:
    """Whether it is of a script with spaces between words, where it is found as a word."""
    return form[0] < "\u0e00" or "\u1e00" <= form[0] < "\u2600"


@lru_cache(maxsize=8192)
def _folded(word: str) -> str:
    """A word as search_fold of the database folds it, for marks alone."""
    plain = unicodedata.normalize("NFKD", _INVISIBLE.sub("", word)).lower()
    return unicodedata.normalize("NFC", re.sub(r"([a-zα-ω])[̀-ͯ]+", r"\1", plain))
