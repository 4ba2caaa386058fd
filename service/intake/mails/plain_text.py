"""Bytes and HTML as plain text that can be stored, whatever they are."""

import codecs
import re
from email.errors import MessageError
from html import unescape
from html.parser import HTMLParser

# What the standard library raises on mails that break the rules, in every place where it reads one lazily.
ODD = (ValueError, LookupError, AttributeError, TypeError, AssertionError, RecursionError, MessageError)
# Codecs that take far longer than reading, or that are no character sets of mails.
_NO_CHARSETS = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem"})
_BLOCKS = frozenset(
    "address article blockquote br dd div dt h1 h2 h3 h4 h5 h6 hr li ol p pre section table tr ul".split()  # noqa: SIM905
)
_UNSAID = frozenset({"script", "style", "head", "template"})
_EMPTY_LINES = re.compile(r"\n[ \t\n]*\n")


def cleaned(text: str) -> str:
    """A text without what cannot be stored: U+0000 and halves of surrogate pairs."""
    return text.replace("\x00", "").replace("\r\n", "\n").encode("utf-8", "replace").decode("utf-8")


def decoded(data: bytes, charset: str) -> str:
    """Bytes as text: in the character set that they claim, else as UTF-8, else as Windows-1252."""
    try:
        name = codecs.lookup(charset).name if charset else "utf-8"
        if name.replace("_", "-") not in _NO_CHARSETS:
            return data.decode(name, "strict" if not charset else "replace")
    except (LookupError, ValueError, TypeError):
        pass
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def from_html(markup: str) -> str:
    """The text of a page, with a line for each block and the address behind each link."""
    reader = _Reader()
    try:
        reader.feed(markup)
        reader.close()
    except ODD:
        return unescape(re.sub(r"<[^>]*>", " ", markup))
    return _EMPTY_LINES.sub("\n\n", "".join(reader.said)).strip()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.said: list[str] = []
        self._unsaid = 0
        self._link = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSAID:
            self._unsaid += 1
        if tag in _BLOCKS:
            self.said.append("\n")
        if tag == "a":
            self._link = dict(attrs).get("href") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSAID:
            self._unsaid = max(0, self._unsaid - 1)
        elif tag in _BLOCKS:
            self.said.append("\n")
        elif tag == "a":
            if self._link.startswith(("http://", "https://")) and self._link not in "".join(self.said[-3:]):
                self.said.append(f" <{self._link}>")
            self._link = ""

    def handle_data(self, data: str) -> None:
        if not self._unsaid:
            self.said.append(re.sub(r"\s+", " ", data))
