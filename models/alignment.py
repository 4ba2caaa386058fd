"""Model text with the place of each of its characters in the original, so that what a model read can be shown there."""

import html
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from models.preprocess import IDENTITIES, MAX_CHARACTERS, NOTHING, SPACE, clean_text

# What `html.unescape` looks at; it leaves what is no entity as it is.
_ENTITY = re.compile(r"&(?:#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[^\t\n\f <&#;]{1,32};?)")


@dataclass(frozen=True, slots=True)
class Aligned:
    """A text whose character i stands for the characters from `starts[i]` up to `ends[i]` of an original."""

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """The part of the original that the characters from `start` up to `end`, at least one, stand for."""
        return self.starts[start], self.ends[end - 1]

    def cut(self, start: int, end: int) -> "Aligned":
        """The part from `start` up to `end`."""
        return Aligned(self.text[start:end], self.starts[start:end], self.ends[start:end])


def align(original: str) -> Aligned | None:
    """`clean_text(original)` with the place of each character; None should the two ever come out differently.

    The steps are those of `clean_text`, each with its changes written down.
    """
    part = _itself(original[: 4 * MAX_CHARACTERS])
    part = _replaced(part, _ENTITY, html.unescape)
    part = _composed(_replaced(part, NOTHING, _always("")))
    for pattern, placeholder in IDENTITIES:
        part = _replaced(part, pattern, _always(placeholder))
    part = _replaced(part, SPACE, _always(" "))
    begin = len(part.text) - len(part.text.lstrip())
    cleaned = part.text.strip()[:MAX_CHARACTERS].rstrip()
    part = part.cut(begin, begin + len(cleaned))
    return part if part.text == clean_text(original) else None


def _itself(text: str) -> Aligned:
    return Aligned(text, tuple(range(len(text))), tuple(range(1, len(text) + 1)))


def _always(put: str) -> Callable[[str], str]:
    return lambda _found: put


def _replaced(part: Aligned, pattern: re.Pattern[str], new: Callable[[str], str]) -> Aligned:
    """The same with every match replaced; characters at the end that a match keeps stay where they were."""
    text: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    done = 0
    for found in pattern.finditer(part.text):
        put = new(found.group())
        if put == found.group():
            continue
        kept = _common_end(found.group(), put)
        changed = found.end() - kept
        text += [part.text[done : found.start()], put]
        starts += part.starts[done : found.start()]
        ends += part.ends[done : found.start()]
        if len(put) > kept:
            starts += [part.starts[found.start()]] * (len(put) - kept)
            ends += [part.ends[max(changed, found.start() + 1) - 1]] * (len(put) - kept)
        starts += part.starts[changed : found.end()]
        ends += part.ends[changed : found.end()]
        done = found.end()
    if not done:
        return part
    return Aligned("".join([*text, part.text[done:]]), (*starts, *part.starts[done:]), (*ends, *part.ends[done:]))


def _common_end(one: str, other: str) -> int:
    count = 0
    while count < min(len(one), len(other)) and one[-1 - count] == other[-1 - count]:
        count += 1
    return count


def _composed(part: Aligned) -> Aligned:
    """The same in NFC; what is composed of several characters stands for all of them."""
    if unicodedata.is_normalized("NFC", part.text):
        return part
    text: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for begin, end in pairwise(_edges(part.text)):
        put = unicodedata.normalize("NFC", part.text[begin:end])
        text.append(put)
        if put == part.text[begin:end]:
            starts += part.starts[begin:end]
            ends += part.ends[begin:end]
        else:
            starts += [part.starts[begin]] * len(put)
            ends += [part.ends[end - 1]] * len(put)
    return Aligned("".join(text), tuple(starts), tuple(ends))


def _edges(text: str) -> list[int]:
    """Where a text can be cut without changing what its parts are composed to."""
    edges = [0]
    for place, character in enumerate(text[1:], start=1):
        if unicodedata.combining(character):
            continue
        before = unicodedata.normalize("NFC", text[edges[-1] : place])
        alone = unicodedata.normalize("NFC", character)
        if unicodedata.normalize("NFC", before + character) == before + alone:
            edges.append(place)
    return [*edges, len(text)]
