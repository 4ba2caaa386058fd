"""User names in a text, however somebody writes them, and whether a word that is one names anybody there. Pure."""

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Literal

Naming = Literal["named", "doubtful", "word"]

_TITLE = re.compile(
    r"(?:\b(?:mr|mrs|ms|miss|mx|dr|herrn?|frau|mme|mlle|sra?|srta|don|doña)\.?|(?<![\w.])m\.)\s+$",
    re.IGNORECASE,
)
_DATE = (re.compile(r"\d[.,]?\s{1,2}$"), re.compile(r"\s{1,2}\d"))
# “Kind regards, May”, “— May”, “Signed: May”: little stands before the name on its line, and nothing after it.
_BEFORE_SIGNATURE = re.compile(r"(?:[^\W\d_]+\s){0,4}[^\W\d_]*\s?[,:–—-]+\s*|\W*")
_SIGNS = " \t\r\n.,;!)*_"


def name_pattern(name: str) -> re.Pattern[str]:
    """Where a name stands; robin.meyer is also found as Robin Meyer, robin_meyer and @robin.meyer."""
    written = r"[\s._-]{1,2}".join(map(re.escape, _parts(name))) or re.escape(name)
    return re.compile(rf"(?<!\w){written}(?!\w)", re.IGNORECASE)


def naming(text: str, name: str, start: int, end: int) -> Naming:
    """What this place of a text, where a user name stands, is: `named`, a `doubtful` one that a person decides on, or a `word`.

    Full names and names with digits always name. A name of one word names as a handle, after a title, where a letter is
    signed, and with a capital letter. Words of everyday language are doubtful with one, and just words without, or in a date.
    """
    written = text[start:end]
    parts = _parts(name)
    everyday = all(one.casefold() in everyday_words() for one in parts)
    if len(parts) > 1:
        return "doubtful" if everyday and written.islower() and any(one.isspace() for one in written) else "named"
    if not name.isalpha() or _is_handle(text, start, end) or _TITLE.search(text[max(0, start - 12) : start]):
        return "named"
    if _ends_its_line(text, start, end):
        # In small letters it signs where the text ends; a word that stands alone elsewhere is odd, and may be one.
        if not everyday or not written.islower() or not text[end:].strip(_SIGNS):
            return "named"
        return "doubtful" if _is_alone(text, start) else "word"
    if everyday:
        dated = _DATE[0].search(text[max(0, start - 5) : start]) or _DATE[1].match(text[end : end + 3])
        return "word" if written.islower() or dated else "doubtful"
    return "doubtful" if written.islower() else "named"


@cache
def everyday_words() -> frozenset[str]:
    """Words of any of the languages that replies come in."""
    with (Path(__file__).parent / "everyday.toml").open("rb") as file:
        return frozenset(word.casefold() for words in tomllib.load(file).values() for word in words.split())


def _parts(name: str) -> list[str]:
    return [one for one in re.split(r"[._-]+", name) if one]


def _is_handle(text: str, start: int, end: int) -> bool:
    return "@" in (text[start - 1 : start], text[end : end + 1])


def _ends_its_line(text: str, start: int, end: int) -> bool:
    """Whether it ends a line with little before it, as names do under a letter."""
    rest = text[end:].partition("\n")[0]
    return not rest.strip(_SIGNS) and _BEFORE_SIGNATURE.fullmatch(_line_before(text, start)) is not None


def _is_alone(text: str, start: int) -> bool:
    return not any(one.isalnum() for one in _line_before(text, start))


def _line_before(text: str, start: int) -> str:
    return text[text.rfind("\n", 0, start) + 1 : start]
