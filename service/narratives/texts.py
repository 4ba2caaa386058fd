"""Texts of a narrative: cleaned of what no page shows, cut to the room there is, and freed of whoever must not be in it."""

import re
import unicodedata
from collections.abc import Iterable, Iterator

from service.catalogues import N_
from service.names import name_pattern, naming
from service.personal import personal_data

CUT = "…"
MASK = N_("[left out]")
MARKS_PER_COLUMN = 4
# A word longer than this gets places at which it may break.
LONGEST_WORD = 24
# Characters that turn the direction of whatever follows them, and signs that no renderer draws.
_DIRECTION = re.compile(r"[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]")


def clean(text: str) -> str:
    """One line without control characters."""
    kept = "".join(
        " " if unicodedata.category(letter) in {"Cc", "Zl", "Zp"} else letter for letter in _DIRECTION.sub("", text)
    )
    # Lone halves of a pair and what is no character at all cannot be written to a file.
    kept = "".join(letter for letter in kept if unicodedata.category(letter) != "Cs" and ord(letter) & 0xFFFE != 0xFFFE)
    return " ".join(kept.split())


def cut(text: str, room: int) -> str:
    """The text, or what of it fits into so many columns, with a mark; letters of East Asia take two.

    Emoji that are joined count each, as they stand beside each other where no font joins them.
    """
    used, kept = 0, 0
    # Of marks that take no room there are only as many as letters could have.
    most = room * MARKS_PER_COLUMN
    for cluster in _clusters(text):
        width = _width(cluster)
        if used + width > room or kept + len(cluster) > most:
            break
        used, kept = used + width, kept + len(cluster)
    else:
        return text
    short = list(_clusters(text[:kept]))
    while short and used > room - 1:
        used -= _width(short.pop())
    return "".join(short).rstrip() + CUT


def is_right_to_left(text: str) -> bool:
    """Whether the first letter with a direction is written from right to left."""
    for letter in text:
        direction = unicodedata.bidirectional(letter)
        if direction in {"L", "R", "AL"}:
            return direction != "L"
    return False


def has_long_word(text: str) -> bool:
    """Whether a word has to be broken somewhere, as no column would hold it."""
    return any(len(word) > LONGEST_WORD for word in text.split())


def revealing(text: str, names: Iterable[str]) -> list[str]:
    """What of a text points at a person: the names that are in it, e-mail addresses, telephone numbers, handles."""
    found = [name for name in names if any(_names(one, name) for one in name_pattern(name).finditer(text))]
    return [*found, *(one.text for one in personal_data(text))]


def masked(text: str, names: Iterable[str], *, mark: str = MASK) -> str:
    """The text with a mark in the place of names, e-mail addresses, telephone numbers and handles."""
    for name in sorted(names, key=len, reverse=True):
        text = name_pattern(name).sub(lambda one, name=name: mark if _names(one, name) else one[0], text)  # type: ignore[misc]
    # Of two that overlap one is found at a time.
    while found := personal_data(text):
        for one in reversed(found):
            text = text[: one.start] + mark + text[one.end :]
    return text


def _names(found: re.Match[str], name: str) -> bool:
    """Whether a name stands there, and no word of everyday language that is spelled like one."""
    return naming(found.string, name, *found.span()) != "word"


def _width(cluster: str) -> int:
    return sum(
        2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in cluster
        if unicodedata.category(letter) not in {"Mn", "Me", "Cf"}
    )


def _clusters(text: str) -> Iterator[str]:
    """Letters with the marks that belong to them, and emoji that are joined."""
    cluster = ""
    for letter in text:
        joins = unicodedata.category(letter) in {"Mn", "Me", "Mc"} or letter == "\u200d" or cluster.endswith("\u200d")
        if cluster and not joins:
            yield cluster
            cluster = ""
        cluster += letter
    if cluster:
        yield cluster
