"""What the product says in several languages: one catalogue (`console.pot`), and a file for each language beside it.

`make words` writes the catalogue from the code and brings every language up to it (tests/architecture/words.py).
"""

import gettext
import importlib
import io
import json
import pkgutil
import re
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import get_decimal_symbol, get_group_symbol

from service import errors
from service.errors.base import TriageError

FOLDER = Path(__file__).resolve().parent / "pages" / "locales"
TEMPLATE = FOLDER / "console.pot"

# Plural rules travel to the browser as they stand in the file: nothing but what the rules of gettext are made of.
_PLURAL_RULE = re.compile(r"[n\d\s()!=<>&|?:%+-]{1,400}")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """One language: its code (BCP 47), its own name for itself, how numbers and dates are written, its messages."""

    code: str
    name: str
    locale: str
    messages: gettext.NullTranslations
    # A module for the browser with the messages of the scripts.
    module: str


@dataclass(frozen=True, slots=True)
class Voice:
    """Says messages in one language, for whatever is no page; `code` is one of `catalogues()`."""

    code: str

    def __call__(self, message: str, /, **values: Any) -> str:
        """The message with its values; in English where nobody translated it. The translation of nothing is nothing."""
        said = catalogues()[self.code].messages.gettext(message) if message else message
        return said % values if values else said

    def separated(self, number: str) -> str:
        """A number as English writes it, `1,234.5`, with the separators of the language."""
        return number.translate(separators(catalogues()[self.code].locale))


@cache
def separators(locale: str) -> dict[int, str]:
    """What stands for the comma and the point of an English number."""
    return {ord(","): get_group_symbol(locale), ord("."): get_decimal_symbol(locale)}


def N_(message: str) -> str:  # noqa: N802 - the name that extractors of messages know
    """Mark a message that is translated where it is shown."""
    return message


@lru_cache(maxsize=1)
def catalogues() -> MutableMapping[str, Catalogue]:
    """Every language by its code, English first, which needs no translation."""
    english = Catalogue("en", "English", "en", gettext.NullTranslations(), "")
    others = [_read(path) for path in sorted(FOLDER.glob("*/LC_MESSAGES/console.po"))]
    return {one.code: one for one in (english, *others)}


def _read(path: Path) -> Catalogue:
    locale = Locale.parse(path.parents[1].name)
    with path.open("rb") as file:
        catalog = read_po(file, locale=locale)
    name = (locale.get_display_name(locale) or str(locale)).capitalize()
    return catalogue(catalog, code=str(locale).replace("_", "-"), name=name, locale=str(locale))


def catalogue(catalog: Catalog, *, code: str, name: str, locale: str) -> Catalogue:
    """A catalogue ready for use. A message without a translation is shown in English."""
    compiled = io.BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return Catalogue(code, name, locale, gettext.GNUTranslations(compiled), _module(catalog))


def _module(catalog: Catalog) -> str:
    """The messages of scripts, and what each error code means, as JavaScript."""
    rule = str(catalog.plural_expr)
    if not _PLURAL_RULE.fullmatch(rule):
        raise ValueError(f"{catalog.locale}: the plural rule {rule!r} is none; see Plural-Forms in the file")
    messages = {_key(one): one.string for one in catalog if _of_scripts(one) and one.string}
    told = {code: text for code, meaning in meanings().items() if (text := _translation(catalog, meaning))}
    return (
        f"export const plural = (n) => Number({rule});\n"
        f"export const messages = {json.dumps(messages, sort_keys=True, ensure_ascii=False)};\n"
        f"export const errors = {json.dumps(told, sort_keys=True, ensure_ascii=False)};\n"
    )


def _key(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def _of_scripts(message: Message) -> bool:
    return bool(message.id) and any(name.endswith(".js") for name, _line in message.locations)


def _translation(catalog: Catalog, text: str) -> str:
    found = catalog.get(text)
    return str(found.string) if found is not None else ""


@lru_cache(maxsize=1)
def meanings() -> Mapping[str, str]:
    """What every error code means, in English; the detail of an error, which says more, is not translated."""
    for module in pkgutil.iter_modules(errors.__path__, f"{errors.__name__}."):
        importlib.import_module(module.name)
    return {error.code: " ".join((error.__doc__ or "").split()) for error in _errors((TriageError,))}


def _errors(found: Iterable[type[TriageError]]) -> Iterable[type[TriageError]]:
    for error in found:
        yield error
        yield from _errors(error.__subclasses__())
