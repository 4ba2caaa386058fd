"""Numbers and times the way the pages say them."""

import unicodedata
from datetime import date, datetime

MINUTE, HOUR, DAY = 60, 3600, 86_400

# Format characters that legitimate text needs: emoji and several scripts join with U+200D, U+200C.
JOINERS = frozenset("\u200c\u200d")


def duration(seconds: float) -> str:
    """A span of time in its two largest units: `45 s`, `12 min`, `3 h 20 min`, `2 d 4 h`."""
    seconds = max(0, round(seconds))
    if seconds < MINUTE:
        return f"{seconds} s"
    if seconds < HOUR:
        return f"{seconds // MINUTE} min"
    if seconds < DAY:
        hours, minutes = seconds // HOUR, seconds % HOUR // MINUTE
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = seconds // DAY, seconds % DAY // HOUR
    return f"{days} d {hours} h" if hours else f"{days} d"


def moment(when: datetime) -> str:
    """A point in time for reading, in UTC."""
    return f"{when:%d %b %Y, %H:%M} UTC".lstrip("0")


def day(when: date) -> str:
    """A day for reading."""
    return f"{when:%d %b %Y}".lstrip("0")


def amount(value: float) -> str:
    """A quantity to three significant digits or, from a thousand on, whole with separators."""
    size = abs(value)
    if size >= 1e12:
        return f"{value:.2e}"
    if round(size) >= 1000 or value == 0:
        return f"{value:,.0f}"
    if size >= 100:
        return f"{value:.0f}"
    if size >= 0.001:
        text = f"{value:.3g}"
        return text if "e" not in text else f"{value:.0f}"
    return f"{value:.1e}"


def chance(probability: float, decimals: int = 0) -> str:
    """A probability as a percentage; never `0 %` or `100 %` for something that is merely close."""
    percent, least = probability * 100, 10**-decimals
    if 0 < percent < least / 2:
        return f"< {least:g} %"
    if 100 - least / 2 <= percent < 100:
        return f"> {100 - least:g} %"
    return f"{percent:.{decimals}f} %"


def spoken(identifier: str) -> str:
    """An identifier as words: `violence_incitement` becomes `violence incitement`, `lease.lapsed` `lease lapsed`."""
    return identifier.replace("_", " ").replace(".", " ")


def sentence(text: str) -> str:
    """A text of the API, written to stand inside a line, as a sentence of its own."""
    capital = text[:1].upper() + text[1:]
    return capital if capital.endswith((".", "!", "?")) else f"{capital}."


def hidden_characters(text: str) -> int:
    """How many characters of a text cannot be seen: direction overrides, zero-width and control characters."""
    return sum(
        unicodedata.category(character) in {"Cc", "Cf"} and character not in "\n\r\t" and character not in JOINERS
        for character in text
    )


def doubt(quality: float) -> str:
    """How much a model doubts a label, of its quality from 0, surely wrong, to 1: no probability, so no number."""
    if quality < 0.1:
        return "The model hardly believes this label."
    if quality < 0.3:
        return "The model strongly doubts this label."
    if quality < 0.6:
        return "The model doubts this label."
    return "The model slightly doubts this label."
