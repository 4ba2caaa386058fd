"""Marks that collecting left on the texts of a source, taken off before the cleaning that serving does as well."""

import html
import re
from collections.abc import Callable

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_DEFANGED = re.compile(r"\bhxxp(?=s?://)", re.IGNORECASE)
# Some archives of mailing lists cut addresses off: `name@y...`
_CUT_ADDRESS = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]*\.\.\.")
_ADDRESS_WORD = re.compile(r"\bURL\b")
_USER_WORD = re.compile(r"\bUSER\b")
_BYTES = re.compile(r"(?:\\x[0-9a-f]{2})+")
_ESCAPED_BREAK = re.compile(r"\\[nrt]")


def repair(text: str, names: tuple[str, ...]) -> str:
    """The text without entities that were escaped twice, control characters, and what `names` of REPAIRS take off."""
    text = _CONTROL.sub(" ", html.unescape(text))
    for name in names:
        text = REPAIRS[name](text)
    return text


def _links(text: str) -> str:
    """Links made harmless to click, and addresses cut off: the cleaning shall know them."""
    return _CUT_ADDRESS.sub("[EMAIL]", _DEFANGED.sub("http", text))


def _placeholders(text: str) -> str:
    """The words URL and USER, where a source put them for links and handles."""
    return _USER_WORD.sub("@user", _ADDRESS_WORD.sub("[URL]", text))


def _byte_escapes(text: str) -> str:
    """Emoji and line breaks written out as escapes; bytes that are no character are dropped."""
    text = _BYTES.sub(lambda found: _decode(found.group()), text)
    return _ESCAPED_BREAK.sub(" ", text)


def _backslashes(text: str) -> str:
    return text.replace("\\", " ")


def _decode(escaped: str) -> str:
    return bytes.fromhex(escaped.replace("\\x", "")).decode("utf-8", "ignore")


REPAIRS: dict[str, Callable[[str], str]] = {
    "links": _links,
    "placeholders": _placeholders,
    "byte_escapes": _byte_escapes,
    "backslashes": _backslashes,
}
