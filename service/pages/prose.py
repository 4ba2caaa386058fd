"""Policy texts as parts that a template can escape: headings, paragraphs, lists, and words in bold or code.

A small part of Markdown on purpose: nothing in it can become markup of its own.
"""

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["heading", "paragraph", "list"]
_INLINE = re.compile(r"\*\*(?P<strong>[^*\n]+)\*\*|`(?P<code>[^`\n]+)`")


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a line; `style` is "", "strong" or "code"."""

    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """A heading of level 1 to 4, a paragraph (one line), or a list with a line for each entry."""

    kind: Kind
    lines: tuple[tuple[Span, ...], ...]
    level: int = 0


def blocks(text: str) -> list[Block]:
    """The parts of a text in order."""
    found: list[Block] = []
    for part in re.split(r"\n\s*\n", text.strip()):
        lines = [line.strip() for line in part.splitlines() if line.strip()]
        while lines and (heading := re.fullmatch(r"(#{1,4}) +(.+)", lines[0])):
            found.append(Block("heading", (spans(heading[2]),), len(heading[1])))
            lines = lines[1:]
        if lines:
            found += _body(lines)
    return found


def _body(lines: list[str]) -> list[Block]:
    """Lines before the first entry are a paragraph; a line after an entry that begins none goes on with it."""
    said: list[str] = []
    entries: list[str] = []
    for line in lines:
        if entry := re.fullmatch(r"[-*] +(.+)", line):
            entries.append(entry[1])
        elif entries:
            entries[-1] += f" {line}"
        else:
            said.append(line)
    found = [Block("paragraph", (spans(" ".join(said)),))] if said else []
    return found + ([Block("list", tuple(spans(entry) for entry in entries))] if entries else [])


def spans(line: str) -> tuple[Span, ...]:
    """A line cut where its style changes."""
    found: list[Span] = []
    end = 0
    for match in _INLINE.finditer(line):
        if match.start() > end:
            found.append(Span(line[end : match.start()]))
        style = match.lastgroup or ""
        found.append(Span(match[style], style))
        end = match.end()
    if end < len(line):
        found.append(Span(line[end:]))
    return tuple(found)
