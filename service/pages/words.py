"""Numbers and times the way the pages say them."""

import unicodedata
from datetime import UTC, date, datetime

from babel.dates import format_date, format_skeleton, format_time

from service.pages.language import _, language, separated

MINUTE, HOUR, DAY = 60, 3600, 86_400

# Format characters that legitimate text needs: emoji and several scripts join with U+200D, U+200C.
JOINERS = frozenset("\u200c\u200d")


def duration(seconds: float) -> str:
    """A span of time in its two largest units: `45 s`, `12 min`, `3 h 20 min`, `2 d 4 h`."""
    seconds = max(0, round(seconds))
    if seconds < MINUTE:
        return _("%(seconds)s s", seconds=seconds)
    if seconds < HOUR:
        return _("%(minutes)s min", minutes=seconds // MINUTE)
    if seconds < DAY:
        hours, minutes = seconds // HOUR, seconds % HOUR // MINUTE
        return (
            _("%(hours)s h %(minutes)s min", hours=hours, minutes=minutes) if minutes else _("%(hours)s h", hours=hours)
        )
    days, hours = seconds // DAY, seconds % DAY // HOUR
    return _("%(days)s d %(hours)s h", days=days, hours=hours) if hours else _("%(days)s d", days=days)


def moment(when: datetime) -> str:
    """A point in time for reading, in UTC."""
    when = when.astimezone(UTC) if when.tzinfo else when
    return _("%(day)s, %(time)s UTC", day=day(when), time=format_time(when, "HH:mm", locale=language().locale))


def day(when: date) -> str:
    """A day for reading."""
    locale = language().locale
    # In English the form of this product since its first page; elsewhere that of the language.
    return format_date(when, "d MMM y", locale) if locale == "en" else format_skeleton("yMMMd", when, locale=locale)


def weekday(when: date) -> str:
    """A day of these weeks, with its day of the week and without its year."""
    locale = language().locale
    return format_date(when, "EEE d MMM", locale) if locale == "en" else format_skeleton("MMMEd", when, locale=locale)


def short_day(when: date) -> str:
    """A day without its year."""
    locale = language().locale
    return format_date(when, "d MMM", locale) if locale == "en" else format_skeleton("MMMd", when, locale=locale)


def amount(value: float) -> str:
    """A quantity to three significant digits or, from a thousand on, whole with separators."""
    return separated(_amount(value))


def _amount(value: float) -> str:
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
        return separated(f"< {least:g} %")
    if 100 - least / 2 <= percent < 100:
        return separated(f"> {100 - least:g} %")
    return separated(f"{percent:.{decimals}f} %")


def spoken(identifier: str) -> str:
    """An identifier as words: `violence_incitement` becomes `violence incitement`, `lease.lapsed` `lease lapsed`."""
    return _(identifier.replace("_", " ").replace(".", " "))


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
        return _("The model hardly believes this label.")
    if quality < 0.3:
        return _("The model strongly doubts this label.")
    if quality < 0.6:
        return _("The model doubts this label.")
    return _("The model slightly doubts this label.")
