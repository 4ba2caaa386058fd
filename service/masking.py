"""Which parts of a text pages mask until somebody uncovers them. Pure: the same text and words give the same spans."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from labeling.masked_words import WORD_KINDS, WordKind, WordList, WordListError, load_words
from models.preprocess import NOTHING
from service.errors.requests import NotFoundError
from service.settings import Settings, SettingsError

# Letters of other alphabets that look like Latin ones: both the words and the texts are read so.
_ALIKE = str.maketrans("асеорхуіѕјԁɡһкмтοαινρκτυ", "aceopxyisjdghkmtoaivpktu")
# What stands for a letter in words that are to pass a filter.
_LEET = {"a": "a4@", "b": "b8", "e": "e3", "g": "g9", "i": "i1!|", "l": "l1|", "o": "o0", "s": "s5$", "t": "t7"}
_JOINERS = frozenset("\u200c\u200d")
# Scripts that put no spaces between words: Thai, Lao, Burmese, Khmer, kana and Han.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
# Korean, whose particles are written onto a word.
_HANGUL = re.compile("[\u1100-\u11ff]")
# A letter that is drawn out counts as so many, which bounds what a search can cost.
_RUN = 3
# Words of so many letters are found with dots in them; shorter ones only when all letters stand apart.
_LONG = 4

# A word once it is folded: letters and marks of letters, and single spaces between words.
_WRITTEN = re.compile("[a-z\u0080-\U0010ffff]+(?: [a-z\u0080-\U0010ffff]+)*")

_BEFORE, _AFTER = r"(?<![^\W_])", r"(?![^\W_])"
_POINTS, _APART, _ANYTHING = r"(?:[^\w\s]|_){0,2}", r"[\W_]{1,3}", r"[\W_]{0,2}"


@dataclass(frozen=True, slots=True)
class Span:
    """A masked part: the code points from `start` up to `end`."""

    start: int
    end: int
    kind: WordKind


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a text in reading order. Of a masked one `text` is empty, `index` counts from 0 and `length` characters."""

    text: str
    start: int
    length: int
    index: int | None = None
    kind: WordKind | None = None


class Masking:
    """Finds the words of a list in texts."""

    def __init__(self, words: WordList) -> None:
        self._patterns = [(kind, _pattern(tuple(words.words[kind]))) for kind in WORD_KINDS if words.words.get(kind)]

    def spans(self, text: str) -> list[Span]:
        """The parts to mask, in order and apart from each other."""
        folded, places = _fold(text)
        found = [
            Span(places[one.start()], _end(text, places[one.end() - 1]), kind)
            for kind, pattern in self._patterns
            for one in pattern.finditer(folded)
            # Of digits and signs alone no word is made.
            if any(character.isalpha() for character in one[0])
        ]
        return list(_apart(found))

    def mask(self, text: str) -> list[Segment]:
        """The text in pieces, without what is masked."""
        pieces: list[Segment] = []
        done = 0
        for index, span in enumerate(self.spans(text)):
            if span.start > done:
                pieces.append(Segment(text[done : span.start], done, span.start - done))
            pieces.append(Segment("", span.start, span.end - span.start, index, span.kind))
            done = span.end
        if done < len(text):
            pieces.append(Segment(text[done:], done, len(text) - done))
        return pieces

    def blanked(self, text: str) -> str:
        """The text with a dot for every masked character, so that places in it stay where they are."""
        return "".join(one.text or "•" * one.length for one in self.mask(text))

    def uncover(self, text: str, index: int | None = None) -> list[str]:
        """One masked part of a text, without an index all of them. Raises NotFoundError."""
        found = [text[span.start : span.end] for span in self.spans(text)]
        if index is None:
            return found
        if not 0 <= index < len(found):
            raise no_such_part()
        return [found[index]]


def no_such_part() -> NotFoundError:
    """The one wording for a masked part that is not there, or no longer."""
    return NotFoundError("there is no such masked part; the list of words or the content may have changed: reload")


def whole(text: str) -> list[Segment]:
    """The text as one piece, for whoever wants nothing masked."""
    return [Segment(text, 0, len(text))] if text else []


def configured(settings: Settings) -> Masking:
    """Masking by the list that the settings name, else by the shipped one. Raises SettingsError."""
    try:
        return Masking(load_words(settings.masked_words))
    except WordListError as error:
        raise SettingsError(f"TRIAGE_MASKED_WORDS: {error}") from error


def _fold(text: str) -> tuple[str, list[int]]:
    """The text as words are compared, and for each of its characters the place in the text that it comes from."""
    folded: list[str] = []
    places: list[int] = []
    last, run = "", 0
    for place, character in enumerate(text):
        for one in _folded(character):
            run = run + 1 if one == last else 1
            last = one
            if run <= _RUN:
                folded.append(one)
                places.append(place)
    return "".join(folded), places


@lru_cache(maxsize=4096)
def _folded(character: str) -> str:
    """One character as words are compared; nothing where it is a mark or cannot be seen."""
    if NOTHING.match(character) or character in _JOINERS:
        return ""
    letters = unicodedata.normalize("NFKD", character).casefold().translate(_ALIKE)
    return "".join(one for one in letters if not unicodedata.combining(one))


def _end(text: str, last: int) -> int:
    """Behind the last character of a span with all that folding drops after it: drawn-out letters, marks, nothing."""
    end = last + 1
    while end < len(text) and (
        NOTHING.match(text[end])
        or text[end] in _JOINERS
        or unicodedata.combining(text[end])
        or (text[end].isalpha() and text[end].casefold() == text[last].casefold())
    ):
        end += 1
    return end


def _apart(spans: Iterable[Span]) -> Iterable[Span]:
    """Spans in order; of those that overlap one is made, of the kind that begins first."""
    last: Span | None = None
    for span in sorted(spans, key=lambda one: (one.start, -one.end)):
        if last is not None and span.start < last.end:
            last = Span(last.start, max(last.end, span.end), last.kind)
            continue
        if last is not None:
            yield last
        last = span
    if last is not None:
        yield last


@lru_cache(maxsize=8)
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    """One search for all words. Those with the same first letter stand together, so that a place is looked at once for each."""
    spaced: dict[str, list[str]] = defaultdict(list)
    unspaced: list[str] = []
    for word in words:
        folded = _folded_word(word)
        if _UNSPACED.search(folded):
            unspaced.append(_ANYTHING.join(_letters(folded)))
        else:
            spaced[folded[0]] += _variants(folded, any_ending=word.endswith("*") or bool(_HANGUL.match(folded)))
    groups = [f"{_of(first)}(?:{'|'.join(rests)})" for first, rests in spaced.items()]
    return re.compile("|".join([*unspaced, *([f"{_BEFORE}(?:{'|'.join(groups)})"] if groups else [])]))


def _folded_word(word: str) -> str:
    """A word of the list as it is searched for, without its star. Raises WordListError where too little of it is left."""
    folded = _fold(word.removesuffix("*"))[0]
    # Marks and invisible characters count for nothing here: one letter would hide half of a language, and a sign that
    # stands in a character of its own (as in full-width forms) would be read as part of a pattern.
    if sum(map(str.isalpha, folded)) < 2 or not _WRITTEN.fullmatch(folded):
        raise WordListError(
            f"{word!r}: without accents and marks no two letters are left, or there are signs among them"
        )
    return folded


def _variants(word: str, *, any_ending: bool) -> list[str]:
    """The word without its first letter: written whole, with points between its letters, or with all of them apart."""
    first, *rest = _letters(word)
    # The first letter itself stands in front of the group.
    first = re.sub(r"^.*\{(\d),", lambda found: f"{_of(word[0])}{{{int(found[1]) - 1},", first)
    ending = r"[^\W_]*" if any_ending else ""
    between = _POINTS if len(word) >= _LONG else ""
    forms = [between.join([first, *rest]) + ending + _AFTER]
    if len(rest) > 1 and " " not in word:
        forms.append(_APART.join([first, *rest]) + _AFTER)
    return forms


def _letters(word: str) -> list[str]:
    """A pattern for each letter, which may be drawn out; a space is any space."""
    return [r"\s+" if letter == " " else f"{_of(letter)}{{{len(list(run))},{_RUN}}}" for letter, run in groupby(word)]


def _of(letter: str) -> str:
    return f"[{_LEET.get(letter, letter)}]"
