"""The words of the pages in the language of whoever reads them.

The English text of a message is its key: templates write `{{ _("Open cases") }}` or `{% trans %}`, Python `_()`,
`ngettext()` and, for a constant that is spoken later, `N_()`; scripts have `t()` and `tn()` in static/words.js.
Values are named, `%(count)s`, and never put together from parts of sentences.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from babel import negotiate_locale
from fastapi import Request
from markupsafe import Markup

from service.catalogues import N_ as N_
from service.catalogues import Catalogue, catalogues, meanings, separators
from service.people.interface import COOKIE

DEFAULT = "en"
_LISTED = 20

_spoken: ContextVar[str] = ContextVar("language", default=DEFAULT)


def language() -> Catalogue:
    """The language of the page that is being made."""
    return catalogues()[_spoken.get()]


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Make pages in that language, one of `catalogues()`."""
    before = _spoken.set(code)
    try:
        yield
    finally:
        _spoken.reset(before)


def language_of(request: Request) -> str:
    """What was chosen in this browser, else what it asks for, else English."""
    chosen = request.cookies.get(COOKIE, "")
    if chosen in catalogues():
        return chosen
    asked = _by_preference(request.headers.get("accept-language", ""))
    return negotiate_locale(asked, list(catalogues()), sep="-") or DEFAULT


def _by_preference(header: str) -> list[str]:
    """The languages of an Accept-Language header (RFC 9110, 12.5.4), the most wanted first."""
    weighed = []
    for part in header.split(",", _LISTED)[:_LISTED]:
        tag, _semicolon, weight = part.strip().partition(";")
        try:
            wanted = float(weight.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        if wanted > 0:
            weighed.append((wanted, tag.strip()))
    return [tag for _wanted, tag in sorted(weighed, key=lambda one: -one[0])]


def gettext(message: str, /, **values: Any) -> str:
    """The message in the language of the page."""
    said = _translated(message)
    return said % values if values else said


def ngettext(one: str, many: str, count: float, /, **values: Any) -> str:
    """The form of the message for that count, which is the value `num`; whole numbers get their separators."""
    said = language().messages.ngettext(one, many, int(count) if count == int(count) else 2)
    return said % _with_numbers({"num": count, **values})


_ = gettext


def _translated(message: str) -> str:
    # The translation of nothing would be the head of the file.
    return language().messages.gettext(message) if message else message


def _with_numbers(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: separated(f"{one:,}") if type(one) is int else one for name, one in values.items()}


def template_gettext(message: str, /, **values: Any) -> Markup:
    """`_` of templates. It is given names from data too, so whatever it is given is text and no markup."""
    said = Markup.escape(_translated(message))
    return said % values if values else said


def trans(message: str, /, **values: Any) -> Markup:
    """`{% trans %}` of templates: written there or in a catalogue, so it may hold markup; its values may not."""
    # Jinja doubles the percent signs of every such block, whether it has values or not.
    return Markup(_translated(message)) % values  # noqa: S704


def trans_plural(one: str, many: str, count: float, /, **values: Any) -> Markup:
    """`{% trans %}` with `{% pluralize %}`."""
    said = language().messages.ngettext(one, many, int(count) if count == int(count) else 2)
    return Markup(said) % _with_numbers({"num": count, **values})  # noqa: S704


def separated(number: str) -> str:
    """A number as English writes it, `1,234.5`, with the separators of the language of the page."""
    return number.translate(separators(language().locale))


def meaning(code: str) -> str:
    """What an error code means in the language of the page; nothing in English, where the detail says it."""
    return _translated(meanings().get(code, "")) if _spoken.get() != DEFAULT else ""
