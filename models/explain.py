"""Which words the model reacted to: hints for a person who reads the text anyway, never reasons.

Two shares by word, both in log-odds of the area's probability: what the n-gram table adds (exact, where the graph tells
it), and by how much the encoder's part falls when the word is left out (occlusion; Zeiler & Fergus 2014, "Visualizing and
Understanding Convolutional Networks"). Explaining changes no score.
"""

import math
import re
import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.alignment import Aligned, align
from models.inference import OnnxScorer, Scorer, Window
from models.preprocess import clean_text

# Forward passes over one window, beside one over the whole text: each leaves another part out.
MOST_VARIANTS = 24
# A text with more words is first searched in so many passages, then the ones that matter in smaller parts.
PASSAGES = 12
PARTS = 6

# Shares that are shown: the odds of the area halve without such a word, or fall by a sixth.
STRONG = math.log(2)
SLIGHT = math.log(1.2)
# Of the largest share; less is lost beside it.
LEAST_PART = 0.15

Strength = Literal[0, 1, 2]

# Scripts that put no spaces between words: their words are as the tokenizer cuts them.
_UNSPACED = "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uf900-\ufaff\uff00-\uff9f\U00020000-\U0003ffff"
_CHUNK = re.compile(rf"(?P<unspaced>[{_UNSPACED}]+)|[^\s{_UNSPACED}]+")
_JOINERS = frozenset("\u200c\u200d")


class NotExplainableError(ValueError):
    """No hints can be given: the scorer has no network, or the area was not learned."""


@dataclass(frozen=True, slots=True)
class Hint:
    """A word, or a passage of some words of a long text: the characters from `start` up to `end`.

    `wide` is what the n-gram table adds for it, None where the graph does not tell; `deep` by how much the rest of the
    log-odds falls without it. `strength` is 0 where that is nothing worth showing, 1 slight, 2 strong.
    """

    start: int
    end: int
    wide: float | None
    deep: float
    strength: Strength = 0

    @property
    def share(self) -> float:
        """Both parts together."""
        return (self.wide or 0.0) + self.deep


@dataclass(frozen=True, slots=True)
class Explanation:
    """Hints on one area, in reading order, from the part between `start` and `end`; `whole` where that is all there is.

    All places count characters (code points) of the text that was given or, where `exact` is False, of `cleaned`,
    which is the text as the model reads it.
    """

    area: str
    bundle_hash: str
    start: int
    end: int
    whole: bool
    hints: tuple[Hint, ...]
    exact: bool
    cleaned: str


@dataclass(frozen=True, slots=True)
class _Word:
    """Characters of the cleaned text, and the places of its tokens in the window."""

    start: int
    end: int
    tokens: tuple[int, ...]


def explain(scorer: Scorer, text: str, area: str | None = None, language: str | None = None) -> Explanation:
    """Hints on `area`, else on the primary area or, for a text that none applies to, the likeliest one.

    Of a text of several windows only the one that counts is looked at: the one with the highest logit.
    Raises NotExplainableError.
    """
    if not isinstance(scorer, OnnxScorer):
        raise NotExplainableError(f"{type(scorer).__name__} has no network that could be asked")
    area = area or _likeliest(scorer, text, language)
    if area not in scorer.trained_areas:
        raise NotExplainableError(f"area {area!r} was not learned, so no word moves its score")
    aligned = align(text)
    cleaned = aligned.text if aligned else clean_text(text)
    occlusion = _Occlusion(scorer, cleaned, area, language)
    hints = _with_strengths([_hint(cleaned, one, occlusion) for one in occlusion.passages()])
    start, end = occlusion.start, occlusion.end
    shown = cleaned
    if aligned is not None:
        shown, hints = text, _in_original(hints, aligned)
        start, end = aligned.origin(start, end) if end > start else (0, 0)
    whole = not clean_text(shown[:start]) and not clean_text(shown[end:])
    return Explanation(area, scorer.bundle_hash, start, end, whole, tuple(hints), aligned is not None, cleaned)


def _likeliest(scorer: OnnxScorer, text: str, language: str | None) -> str:
    score = scorer.score([text], [language])[0]
    if score.primary_area in scorer.trained_areas:
        return score.primary_area
    return max(scorer.trained_areas, key=lambda area: score.areas[area], default="")


class _Occlusion:
    """One window of a text, and what the network says of it with parts left out."""

    def __init__(self, scorer: OnnxScorer, cleaned: str, area: str, language: str | None) -> None:
        self._model = scorer.model
        self._column = scorer.areas.index(area)
        self._slope = scorer.odds_slope(area, language)
        windows = self._model.windows(cleaned)
        logits, shares = self._model.token_shares([one.ids for one in windows])
        best = int(logits[:, self._column].argmax())
        self._ids = windows[best].ids
        self._shares = None if shares is None else shares[best][:, self._column]
        self._whole = self._deep_parts(logits[best : best + 1], None if shares is None else shares[best : best + 1])[0]
        self._words = words_of(cleaned, windows[best])
        spans = [span for span in windows[best].spans if span[1] > span[0]]
        self.start = min((start for start, _ in spans), default=0)
        self.end = max((end for _, end in spans), default=0)

    def passages(self) -> list[tuple[list[_Word], float]]:
        """Words, or runs of words, that together are the window, with the share of the encoder."""
        if len(self._words) <= MOST_VARIANTS:
            return self._measured([[word] for word in self._words])
        first = self._measured(_parts(self._words, PASSAGES))
        first.sort(key=lambda one: self.wide(one[0]) + one[1], reverse=True)
        smaller: list[list[_Word]] = []
        coarse: list[tuple[list[_Word], float]] = []
        for words, deep in first:
            parts = _parts(words, PARTS)
            if len(words) > 1 and PASSAGES + len(smaller) + len(parts) <= MOST_VARIANTS:
                smaller += parts
            else:
                coarse.append((words, deep))
        return sorted([*coarse, *self._measured(smaller)], key=lambda one: one[0][0].start)

    def wide(self, words: Sequence[_Word]) -> float:
        """What the n-gram table adds for these words, 0 where the graph does not tell."""
        if self._shares is None:
            return 0.0
        return self._slope * float(self._shares[[token for word in words for token in word.tokens]].sum())

    @property
    def knows_wide(self) -> bool:
        """Whether the graph tells what the n-gram table adds."""
        return self._shares is not None

    def _measured(self, passages: list[list[_Word]]) -> list[tuple[list[_Word], float]]:
        """Each passage with the fall of the encoder's part when it is left out."""
        if not passages:
            return []
        left = [np.delete(self._ids, [token for word in words for token in word.tokens]) for words in passages]
        rest = self._deep_parts(*self._model.token_shares(left))
        return [(words, float(fall)) for words, fall in zip(passages, self._whole - rest, strict=True)]

    def _deep_parts(
        self, logits: NDArray[np.float32], shares: Sequence[NDArray[np.float32]] | None
    ) -> NDArray[np.float64]:
        """The log-odds of rows without the share of the n-gram table, where the graph tells it."""
        totals = logits[:, self._column].astype(np.float64)
        if shares is not None:
            totals -= np.array([float(row[:, self._column].sum()) for row in shares])
        return self._slope * totals


def words_of(cleaned: str, window: Window) -> list[_Word]:
    """The words of a window of a cleaned text that have tokens, in order."""
    spans = [(place, span) for place, span in enumerate(window.spans) if span[1] > span[0]]
    if not spans:
        return []
    cuts = sorted({end for _, (_, end) in spans})
    chunks: list[tuple[int, int]] = []
    for found in _CHUNK.finditer(cleaned, min(start for _, (start, _) in spans), cuts[-1]):
        inside = [cut for cut in cuts if found.start() < cut < found.end() and _divides(cleaned, cut)]
        edges = [found.start(), *(inside if found["unspaced"] else []), found.end()]
        chunks += pairwise(edges)
    tokens: list[list[int]] = [[] for _ in chunks]
    ends = [end for _, end in chunks]
    for place, (_, end) in spans:
        # A token may begin with the space before its word, so its end tells where it belongs.
        tokens[bisect_left(ends, end)].append(place)
    return [_Word(start, end, tuple(mine)) for (start, end), mine in zip(chunks, tokens, strict=True) if mine]


def _divides(text: str, cut: int) -> bool:
    """Whether a cut leaves every character its marks."""
    joined = text[cut] in _JOINERS or text[cut - 1] in _JOINERS
    return not joined and not unicodedata.category(text[cut]).startswith("M")


def _parts(words: list[_Word], count: int) -> list[list[_Word]]:
    """Words in at most `count` runs of like length."""
    count = min(count, len(words))
    edges = [round(part * len(words) / count) for part in range(count + 1)]
    return [words[start:end] for start, end in pairwise(edges)]


def _hint(cleaned: str, passage: tuple[list[_Word], float], occlusion: _Occlusion) -> Hint:
    words, deep = passage
    start, end = _without_punctuation(cleaned, words[0].start, words[-1].end)
    return Hint(start, end, occlusion.wide(words) if occlusion.knows_wide else None, deep)


def _without_punctuation(text: str, start: int, end: int) -> tuple[int, int]:
    """The part without punctuation and spaces at its ends, unless there is nothing else."""
    kept = [place for place in range(start, end) if unicodedata.category(text[place])[0] not in "PZ"]
    return (kept[0], kept[-1] + 1) if kept else (start, end)


def _with_strengths(hints: list[Hint]) -> list[Hint]:
    largest = max((hint.share for hint in hints), default=0.0)
    return [replace(one, strength=_strength(one.share, largest)) for one in hints]


def _strength(share: float, largest: float) -> Strength:
    if share < LEAST_PART * largest or share < SLIGHT:
        return 0
    return 2 if share >= STRONG else 1


def _in_original(hints: list[Hint], aligned: Aligned) -> list[Hint]:
    """The same in places of the original; parts of one entity that became several words count once."""
    placed: list[Hint] = []
    done = 0
    for one in hints:
        start, end = aligned.origin(one.start, one.end)
        if max(start, done) < end:
            placed.append(replace(one, start=max(start, done), end=end))
            done = end
    return placed
