"""What root causes are filed under: five codes, each with a list of its own, read from codes.toml."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("codes.toml")


@dataclass(frozen=True, slots=True)
class Code:
    """One of the five: what it means, and what it is divided into, names by id."""

    name: str
    description: str
    subcodes: Mapping[str, str]


@cache
def codes() -> Mapping[str, Code]:
    """All of them by id, in the order of the file."""
    read = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return {one: Code(**fields) for one, fields in read.items()}


def words() -> Iterator[str]:
    """Every name, for the languages of the pages."""
    for code in codes().values():
        yield from (code.name, *code.subcodes.values())
