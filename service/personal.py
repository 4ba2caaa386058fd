"""Personal data in a text that leaves the system, found in any script: addresses, numbers, handles, links that name a user. Pure.

Detectors err on the side of finding: whoever is stopped rewrites a sentence, while what went out cannot be taken back.
"""

import ipaddress
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache

EMAIL, PHONE, HANDLE = "an e-mail address", "a phone number", "a handle"
IBAN, CARD, ADDRESS = "an account number (IBAN)", "a card number", "an IP address"
LINK, NAME = "a link that names a user", "a name or id of somebody in this case"

# Shorter ids without a digit are everyday words too often.
SHORTEST_WORD = 3
# Of the block Latin Extended-B, whose languages put spaces between words.
LAST_LATIN = "\u024f"
_PHONE_DIGITS = (8, 15)
# With neither a plus nor a leading zero, a number of fewer digits is more often an amount or a reference.
_BARE_DIGITS = 9
_CARD_DIGITS = (13, 19)

# Parts that may be of any length have a limit: a text without spaces would be searched through from each of its letters.
_EMAIL = re.compile(
    r"[^\s@<>()\[\],;:\"']{1,64}(?:\s?[(\[](?:at|@)[)\]]\s?|\s@\s|@)[^\s@.<>()\[\],;:\"']+"
    r"(?:(?:\.|\s?[(\[]dot[)\]]\s?)[^\s@.<>()\[\],;:\"']+)+",
    re.IGNORECASE,
)
# Not after a letter, which would be an address, nor "@ 5 euros".
_HANDLE = re.compile(r"(?<![\w@.])@\w[\w.-]*\w(?:@\w[\w.-]*\w)?")
_DATE = re.compile(r"\b\d{4}-\d{1,2}-\d{1,2}\b|\b\d{1,2}[./]\s?\d{1,2}[./]\s?\d{2,4}\b")
_DIGITS = re.compile(r"(?<![A-Za-z0-9_.])(\+|\()?\d(?:[ .()/\-]{0,3}\d)+(?![A-Za-z0-9_])")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}\b", re.IGNORECASE)
_V4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]*\w)")
_V6 = re.compile(r"(?<![\w:])[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7}(?![\w:])")
_USER_IN_LINK = re.compile(
    # A path that names a user, a user in the query, or in front of the host.
    r"(?:https?://|\b[\w-]{1,63}\.)\S{0,300}?(?:/(?:@|~)[\w.-]+"
    r"|/(?:u|user|users|profile|profiles|people|in|channel|c|id)/[^\s/?#]+"
    r"|[?&](?:u|uid|user|username|user_?id|profile|author)=[^\s&#]+)"
    r"|https?://[^\s/?#]+@[^\s/]+"
    # Services where the first part of a path is somebody's name.
    r"|\b(?:t\.me|wa\.me|instagram\.com|facebook\.com|x\.com|twitter\.com|tiktok\.com|threads\.net|snapchat\.com/add|vk\.com|ok\.ru"
    r"|linktr\.ee|onlyfans\.com|paypal\.me)/[^\s/?#]+",
    re.IGNORECASE,
)

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Found:
    """A piece of personal data: the code points from `start` up to `end`."""

    kind: str
    start: int
    end: int
    text: str


def personal_data(text: str, *, allowed: Collection[str] = ()) -> list[Found]:
    """What is found, in order; `allowed` are pieces that may stand there, such as the reader's own address."""
    plain, places = _plain(text)
    may = {_bare(one) for one in allowed}
    taken: list[Found] = []
    for kind, (first, end) in _spans(plain):
        start, stop = places[first][0], places[end - 1][1]
        if not any(start < one.end and one.start < stop for one in taken):
            taken.append(Found(kind, start, stop, text[start:stop]))
    return sorted((one for one in taken if _bare(one.text) not in may), key=lambda one: one.start)


def kinds_of(text: str, named: Collection[str] = ()) -> list[str]:
    """The kinds of personal data in a text, in words; `named` are ids and names of people that must not stand in it."""
    plain, _ = _plain(unicodedata.normalize("NFC", text))
    found = list(dict.fromkeys(kind for kind, _ in _spans(plain)))
    if any(_names(plain, one) for one in named):
        found.append(NAME)
    return found


def _plain(text: str) -> tuple[str, list[Span]]:
    """Full-width forms as usual ones, digits of every script as 0-9, and nothing invisible between characters.

    With the place of each character in the text as it came.
    """
    if text.isascii():
        return text, [(at, at + 1) for at in range(len(text))]
    said: list[str] = []
    places: list[Span] = []
    start = 0
    for end in range(1, len(text) + 1):
        # A letter and the marks on it are one.
        if end < len(text) and unicodedata.combining(text[end]):
            continue
        for one in unicodedata.normalize("NFKC", text[start:end]):
            if unicodedata.category(one) != "Cf":
                said.append(str(unicodedata.decimal(one)) if one.isdecimal() else one)
                places.append((start, end))
        start = end
    return "".join(said), places


def _bare(text: str) -> str:
    return re.sub(r"[\s().\-/]", "", text).casefold()


def _spans(text: str) -> Iterator[tuple[str, Span]]:
    for kind, finder in _DETECTORS.items():
        yield from ((kind, span) for span in finder(text))


def _by(pattern: re.Pattern[str]) -> Callable[[str], Iterator[Span]]:
    return lambda text: (match.span() for match in pattern.finditer(text))


def _numbers(text: str) -> Iterator[tuple[str, bool, Span]]:
    """Runs of digits that may be a number of somebody, each with whether it begins as a phone number does; dates are none."""
    for match in _DIGITS.finditer(_DATE.sub(lambda day: "|" * len(day[0]), text)):
        digits = re.sub(r"\D", "", match.group())
        yield digits, match.group().startswith("+") or digits.startswith("0"), match.span()


def _phones(text: str) -> Iterator[Span]:
    least, most = _PHONE_DIGITS
    for digits, begins, span in _numbers(text):
        if least <= len(digits) <= most and (begins or len(digits) >= _BARE_DIGITS):
            yield span


def _cards(text: str) -> Iterator[Span]:
    least, most = _CARD_DIGITS
    return (span for digits, _, span in _numbers(text) if least <= len(digits) <= most and _luhn(digits))


def _luhn(digits: str) -> bool:
    """The check digit of card numbers (ISO/IEC 7812-1)."""
    doubled = [int(one) * (2 if place % 2 else 1) for place, one in enumerate(reversed(digits))]
    return sum(one - 9 if one > 9 else one for one in doubled) % 10 == 0


def _ibans(text: str) -> Iterator[Span]:
    return (match.span() for match in _IBAN.finditer(text) if _mod_97(match.group()))


def _mod_97(text: str) -> bool:
    """The check digits of an IBAN (ISO 13616), tried for every length: words may follow it."""
    plain = text.replace(" ", "").upper()
    for end in range(len(plain), 14, -1):
        moved = plain[4:end] + plain[:4]
        if int("".join(str(int(one, 36)) for one in moved)) % 97 == 1:
            return True
    return False


def _hosts(text: str) -> Iterator[Span]:
    return (one.span() for pattern in (_V4, _V6) for one in pattern.finditer(text) if _is_address(one.group()))


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return text != "::"


# Of what is two things at once, a text's reader is told the first.
_DETECTORS: dict[str, Callable[[str], Iterator[Span]]] = {
    EMAIL: _by(_EMAIL),
    PHONE: _phones,
    HANDLE: _by(_HANDLE),
    IBAN: _ibans,
    CARD: _cards,
    ADDRESS: _hosts,
    LINK: _by(_USER_IN_LINK),
}


def _names(text: str, named: str) -> bool:
    name = _plain(unicodedata.normalize("NFC", named))[0].casefold().strip()
    if not name or (len(name) < SHORTEST_WORD and not any(one.isdigit() for one in name) and name.isascii()):
        return False
    return _finder(name).search(text.casefold()) is not None


@lru_cache(maxsize=256)
def _finder(name: str) -> re.Pattern[str]:
    # Scripts without spaces, and those that join prefixes to a name, have no edge of a word to look for.
    escaped = re.escape(name)
    return re.compile(escaped if any(one > LAST_LATIN for one in name) else rf"(?<!\w){escaped}(?!\w)")
