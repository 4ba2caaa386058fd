"""Finds personal data in a text: mail addresses, telephone numbers and handles. Pure.

Made for texts that go to people whom the data of a third party are none of the business of. It would rather find too much: what it
finds is shown to whoever writes, who rewrites it.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["e-mail address", "telephone number", "handle"]

# "name [at] host [dot] example" is an address as well.
_EMAIL = re.compile(
    r"[\w.!#$%&'*+/=?^`{|}~-]+(?:[@＠]|\s?[(\[]at[)\]]\s?)[\w-]+(?:(?:\.|\s?[(\[]dot[)\]]\s?)[\w-]+)+", re.IGNORECASE
)
# Digits with what people put between them. Dates, times, record numbers and amounts are none: see `_is_telephone`.
_TELEPHONE = re.compile(r"(?<![\w.,/:-])(?:\+|00|\()?\d[\d\s().\-/\u2010-\u2013\u00a0\u202f]{5,24}\d(?![\w/:-])")
_HANDLE = re.compile(r"(?<![\w@.])[@＠][A-Za-z0-9_][\w.-]{1,63}(?:@[\w.-]+)?")
_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}")
_LEAST_DIGITS, _MOST_DIGITS = 7, 15


@dataclass(frozen=True, slots=True)
class Found:
    """A piece of personal data: the code points from `start` up to `end`."""

    kind: Kind
    start: int
    end: int
    text: str


def personal_data(text: str, *, known: Collection[str] = ()) -> list[Found]:
    """What is found, in order; `known` are pieces that may stand there, such as the reader's own address."""
    allowed = {_plain(one) for one in known}
    found: list[Found] = []
    for one in _all(text):
        if _plain(one.text) not in allowed and not any(
            one.start < other.end and other.start < one.end for other in found
        ):
            found.append(one)
    return sorted(found, key=lambda one: one.start)


def _all(text: str) -> Iterator[Found]:
    for match in _EMAIL.finditer(text):
        yield Found("e-mail address", match.start(), match.end(), match[0])
    for match in _HANDLE.finditer(text):
        yield Found("handle", match.start(), match.end(), match[0].rstrip(".-"))
    for match in _TELEPHONE.finditer(text):
        if _is_telephone(match[0]):
            yield Found("telephone number", match.start(), match.end(), match[0])


def _is_telephone(text: str) -> bool:
    digits = sum(character.isdigit() for character in text)
    if not _LEAST_DIGITS <= digits <= _MOST_DIGITS or _DATE.fullmatch(text.strip()):
        return False
    # A plain run of digits without a country code is an id as often as a number; one of a telephone's length counts.
    return digits >= 9 or not text.isdigit()


def _plain(text: str) -> str:
    return re.sub(r"[\s().\-/]", "", text).casefold()
