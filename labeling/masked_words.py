"""Words that pages mask until somebody uncovers them: slurs, and words that put the worst before the eye."""

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal, get_args

WordKind = Literal["slur", "graphic"]
WORD_KINDS: tuple[WordKind, ...] = get_args(WordKind)

MOST_WORDS = 5_000
MOST_CHARACTERS = 60
# Room for as many of the longest words, in scripts of three bytes a letter.
MOST_BYTES = 1_000_000
# Letters, with the marks that belong to letters of some scripts, and spaces between words. A character is one or the other,
# never both, or a long word that is none would be read for ever.
_WORD = re.compile(rf"[^\W\d_](?: ?[^\W\d_]|(?![^\W\d_])[^\x00-\x7f]){{1,{MOST_CHARACTERS - 1}}}\*?")


class WordListError(ValueError):
    """A list of words that cannot be used; the message names the entry and how to mend it."""


@dataclass(frozen=True, slots=True)
class WordList:
    """The words of each kind in all languages together; a star at the end stands for any ending."""

    version: str
    words: dict[WordKind, tuple[str, ...]]


def load_words(path: Path | None = None) -> WordList:
    """The list in `path`, or the one that ships with the product. Raises WordListError."""
    if path is None:
        return _shipped()
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise WordListError(f"{path}: more than {MOST_BYTES:,} bytes; a list holds at most {MOST_WORDS:,} words")
        text = data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WordListError(f"{path}: list of words cannot be read ({type(error).__name__})") from error
    return parse_words(text, where=str(path))


def parse_words(text: str, *, where: str) -> WordList:
    """The list that a TOML text holds. Raises WordListError."""
    try:
        found = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise WordListError(f"{where}: not TOML ({error})") from error
    version = found.pop("version", None)
    if not isinstance(version, str):
        raise WordListError(f"{where}: version is missing; it is a text such as a date")
    strange = sorted(set(found) - set(WORD_KINDS))
    if strange:
        raise WordListError(f"{where}: no kind {strange[0]!r}; there are {', '.join(WORD_KINDS)}")
    words = {kind: _words(found.get(kind, {}), f"{where}: {kind}") for kind in WORD_KINDS}
    if sum(map(len, words.values())) > MOST_WORDS:
        raise WordListError(f"{where}: more than {MOST_WORDS:,} words, which every page would be searched for")
    return WordList(version, words)


def _words(found: Any, where: str) -> tuple[str, ...]:
    if not isinstance(found, dict) or not all(isinstance(words, list) for words in found.values()):
        raise WordListError(f"{where}: give one list of words for each language")
    words = [(language, word) for language, listed in found.items() for word in listed]
    for language, word in words:
        # One letter with a star would hide half of a language.
        if not isinstance(word, str) or not _WORD.fullmatch(word):
            raise WordListError(f"{where}.{language}: a word has 2 to {MOST_CHARACTERS} letters, not {word!r}")
    return tuple(dict.fromkeys(word for _, word in words))


@lru_cache(maxsize=1)
def _shipped() -> WordList:
    text = resources.files("labeling").joinpath("masked_words.toml").read_text(encoding="utf-8")
    return parse_words(text, where="shipped list of words")
