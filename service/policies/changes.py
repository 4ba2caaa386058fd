"""What changed between two texts, line by line."""

from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Literal

# The lines kept around a change; what lies between is left out, and says so.
AROUND = 2
LEFT_OUT = "…"

Line = tuple[Literal[" ", "-", "+"], str]


def changed_lines(before: str, after: str) -> list[Line]:
    """The lines that go and come, each change with a few lines around it; nothing for equal texts."""
    old, new = before.splitlines(), after.splitlines()
    lines: list[Line] = []
    for place, group in enumerate(SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(AROUND)):
        if place:
            lines.append((" ", LEFT_OUT))
        for kind, *where in group:
            lines += _of(kind, old[where[0] : where[1]], new[where[2] : where[3]])
    return lines


def _of(kind: str, old: list[str], new: list[str]) -> Iterator[Line]:
    if kind == "equal":
        yield from ((" ", line) for line in old)
        return
    yield from (("-", line) for line in old)
    yield from (("+", line) for line in new)
