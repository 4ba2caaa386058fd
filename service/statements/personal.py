"""Personal data in free text: what must never reach the Transparency Database, found in any script.

Detectors err on the side of finding: whoever is stopped rewrites a sentence, while what was published cannot be taken back. What is
found is named by its kind and never repeated.
"""

import ipaddress
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator
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

_EMAIL = re.compile(
    r"[^\s@<>()\[\],;:\"']+\s?(?:@|\((?:at|@)\)|\[(?:at|@)\])\s?[^\s@.<>()\[\],;:\"']+(?:\.[^\s@.<>()\[\],;:\"']+)+"
)
# Not after a letter, which would be an address, nor "@ 5 euros".
_HANDLE = re.compile(r"(?<![\w@.])@\w[\w.-]+")
_DATE = re.compile(r"\b\d{4}-\d{1,2}-\d{1,2}\b|\b\d{1,2}[./]\s?\d{1,2}[./]\s?\d{2,4}\b")
_DIGITS = re.compile(r"(?<![A-Za-z0-9_.])(\+|\()?\d(?:[ .()/\-]{0,3}\d)+(?![A-Za-z0-9_])")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}\b", re.IGNORECASE)
_V4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]*\w)")
_V6 = re.compile(r"(?<![\w:])[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7}(?![\w:])")
_USER_IN_LINK = re.compile(
    # A path that names a user, a user in the query, or in front of the host.
    r"(?:https?://|\b[\w-]+\.)\S*?(?:/(?:@|~)[\w.-]+|/(?:u|user|users|profile|profiles|people|in|channel|c|id)/[^\s/?#]+"
    r"|[?&](?:u|uid|user|username|user_?id|profile|author)=[^\s&#]+)"
    r"|https?://[^\s/?#]+@[^\s/]+"
    # Services where the first part of a path is somebody's name.
    r"|\b(?:t\.me|wa\.me|instagram\.com|facebook\.com|x\.com|twitter\.com|tiktok\.com|threads\.net|snapchat\.com/add|vk\.com|ok\.ru"
    r"|linktr\.ee|onlyfans\.com|paypal\.me)/[^\s/?#]+",
    re.IGNORECASE,
)


def personal_data(text: str, known: Collection[str] = ()) -> list[str]:
    """The kinds of personal data in a text, in words; `known` are ids and names of people that must not stand in it."""
    plain = _plain(text)
    found = [kind for kind, finds in _DETECTORS.items() if finds(plain)]
    if any(_names(plain, one) for one in known):
        found.append(NAME)
    return found


def _plain(text: str) -> str:
    """Full-width forms as usual ones, digits of every script as 0-9, and nothing invisible between characters."""
    normal = unicodedata.normalize("NFKC", text)
    return "".join(
        str(unicodedata.decimal(one)) if one.isdecimal() else one for one in normal if unicodedata.category(one) != "Cf"
    )


def _numbers(text: str) -> Iterator[tuple[str, bool]]:
    """Runs of digits that may be a number of somebody, each with whether it begins as a phone number does; dates are none."""
    for match in _DIGITS.finditer(_DATE.sub(" / ", text)):
        digits = re.sub(r"\D", "", match.group())
        yield digits, match.group().startswith("+") or digits.startswith("0")


def _phone(text: str) -> bool:
    least, most = _PHONE_DIGITS
    return any(
        least <= len(digits) <= most and (begins or len(digits) >= _BARE_DIGITS) for digits, begins in _numbers(text)
    )


def _card(text: str) -> bool:
    least, most = _CARD_DIGITS
    return any(least <= len(digits) <= most and _luhn(digits) for digits, _ in _numbers(text))


def _luhn(digits: str) -> bool:
    """The check digit of card numbers (ISO/IEC 7812-1)."""
    doubled = [int(one) * (2 if place % 2 else 1) for place, one in enumerate(reversed(digits))]
    return sum(one - 9 if one > 9 else one for one in doubled) % 10 == 0


def _iban(text: str) -> bool:
    return any(_mod_97(match.group()) for match in _IBAN.finditer(text))


def _mod_97(text: str) -> bool:
    """The check digits of an IBAN (ISO 13616), tried for every length: words may follow it."""
    plain = text.replace(" ", "").upper()
    for end in range(len(plain), 14, -1):
        moved = plain[4:end] + plain[:4]
        if int("".join(str(int(one, 36)) for one in moved)) % 97 == 1:
            return True
    return False


def _ip(text: str) -> bool:
    return any(_is_address(one.group()) for pattern in (_V4, _V6) for one in pattern.finditer(text))


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return text != "::"


_DETECTORS: dict[str, Callable[[str], object]] = {
    EMAIL: _EMAIL.search,
    PHONE: _phone,
    HANDLE: _HANDLE.search,
    IBAN: _iban,
    CARD: _card,
    ADDRESS: _ip,
    LINK: _USER_IN_LINK.search,
}


def _names(text: str, known: str) -> bool:
    name = _plain(known).casefold().strip()
    if not name or (len(name) < SHORTEST_WORD and not any(one.isdigit() for one in name) and name.isascii()):
        return False
    return _finder(name).search(text.casefold()) is not None


@lru_cache(maxsize=256)
def _finder(name: str) -> re.Pattern[str]:
    # Scripts without spaces, and those that join prefixes to a name, have no edge of a word to look for.
    escaped = re.escape(name)
    return re.compile(escaped if any(one > LAST_LATIN for one in name) else rf"(?<!\w){escaped}(?!\w)")
