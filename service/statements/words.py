"""The words of notices, in the languages that people are told in: content, not interface, so with languages of their own."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from models.languages import primary_language

LANGUAGES = ("en", "es", "de", "fr")
FALLBACK = "en"


@dataclass(frozen=True, slots=True)
class Words:
    """One language: sentences by name, names and prohibitions of areas, and what every code means."""

    language: str
    said: Mapping[str, str]
    headings: Mapping[str, str]
    redress: Mapping[str, str]
    codes: Mapping[str, str]
    kinds: Mapping[str, str]
    areas: Mapping[str, tuple[str, str]]

    def kind(self, kind: str) -> str:
        """Of what kind the content is, in brackets; nothing for a kind without a word in this language."""
        return self.said["kind"].format(kind=self.kinds[kind]) if kind in self.kinds else ""

    def area(self, area: str, name: str) -> tuple[str, str]:
        """What the rules are about, and what they do not allow; `name` stands in for an area of another taxonomy."""
        return self.areas.get(area, (name, self.said["other_rule"]))


@lru_cache(maxsize=1)
def read_words() -> Mapping[str, Words]:
    """By language."""
    return {language: _read(language) for language in LANGUAGES}


def _read(language: str) -> Words:
    file = resources.files("service.statements").joinpath("notices", f"{language}.toml")
    raw: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    return Words(
        language=language,
        headings=raw.pop("headings"),
        redress=raw.pop("redress"),
        codes=raw.pop("codes"),
        kinds=raw.pop("kinds"),
        areas={area: (name, rule) for area, (name, rule) in raw.pop("areas").items()},
        said=raw,
    )


def language_of(tag: str | None) -> str:
    """The language somebody is told in: that of their content where there are words in it, else English."""
    primary = primary_language(tag)
    return primary if primary in LANGUAGES else FALLBACK
