"""Placeholders of templates: plain substitution of a closed list of names, and gaps that a person fills. Nothing is ever run."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

FILL = "fill"
_HELD = re.compile(r"\{\{(?P<inside>[^{}]*)\}\}")
_BRACES = re.compile(r"\{\{|\}\}")
_ADJOINING = re.compile(r"(?<=\{)(?=\{)|(?<=\})(?=\})")
_INSIDE = re.compile(r"\s*(?:(?P<name>[a-z_]+)|fill\s*:\s*(?P<gap>[^\s:][^\n]*?))\s*")
_GAP_CHARACTERS = 120

# Every name there is: what it stands for and, as its type, what it looks like.
NAMES: Mapping[str, tuple[str, str]] = {
    "record_number": ("text", "Number of the record, such as E-1042"),
    "requester_name": ("text", "Name of whoever raised it, as they gave it"),
    "organisation": ("text", "Organisation of whoever raised it, as they gave it"),
    "requester_reference": ("text", "Their own reference, such as an order or ticket number"),
    "subject_reference": ("text", "What it is about, by the platform's own ids, separated by commas"),
    "received_on": ("date", "Day on which it was received, in their time zone"),
    "due": ("moment", "By when they hear from us again once this reply is sent, in their time zone"),
    "decision": ("text", "What was decided last about a linked case, in words"),
    "decided_on": ("date", "Day of that decision, in their time zone"),
    "policy_name": ("text", "Title of the policy in force for the area of the record"),
    "policy_link": ("link", "Public address of that policy (TRIAGE_REPLY_POLICY_LINK)"),
    "redress": ("paragraph", "How the decision can be contested, for the jurisdiction of the record"),
    "team": ("text", "Whom replies are signed by (TRIAGE_REPLY_TEAM): a team, never a person"),
}


@dataclass(frozen=True, slots=True)
class Open:
    """A placeholder that stands in a text: the line it is on (from 1) and the column, and what it says."""

    text: str
    line: int
    column: int
    # Of a gap what has to be written there, of any other its name.
    name: str
    gap: bool


def placeholders(text: str) -> list[Open]:
    """All that stand in a text, those that are not well formed as well (with the name that they try)."""
    found = []
    for match in _HELD.finditer(text):
        line, column = place_of(text, match.start())
        inside = _INSIDE.fullmatch(match["inside"])
        gap = inside is not None and inside["gap"] is not None
        name = (inside["gap"] or inside["name"]) if inside else match["inside"].strip()
        found.append(Open(match[0], line, column, name, gap))
    return found


def stray_braces(text: str) -> list[tuple[int, int]]:
    """Line and column of every "{{" or "}}" that belongs to no placeholder."""
    rest = _HELD.sub(lambda match: " " * len(match[0]), text)
    return [place_of(text, match.start()) for match in _BRACES.finditer(rest)]


def faults(text: str) -> list[str]:
    """What is wrong with the placeholders of a template, each with its place; nothing where all are known."""
    wrong = [
        f"line {line}, column {column}: a brace without its partner; write {{{{ name }}}}"
        for line, column in stray_braces(text)
    ]
    for one in placeholders(text):
        place = f"line {one.line}, column {one.column}"
        if one.gap and len(one.name) > _GAP_CHARACTERS:
            wrong.append(f"{place}: say in at most {_GAP_CHARACTERS} characters what has to be filled in")
        elif not one.gap and (one.name == FILL or one.name.startswith(f"{FILL}:")):
            wrong.append(f"{place}: say what has to be filled in, as {{{{ fill: reason }}}}")
        elif not one.gap and one.name not in NAMES:
            wrong.append(f"{place}: there is no placeholder {one.name!r}; there are {', '.join(NAMES)} and fill: words")
    return wrong


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with every value that is known; what has none stays for a person to fill in.

    A value is text: braces in it make no placeholder, so that nobody outside can plant one.
    """

    def value(match: re.Match[str]) -> str:
        inside = _INSIDE.fullmatch(match["inside"])
        known = values.get(inside["name"], "") if inside and inside["name"] else ""
        return _ADJOINING.sub(" ", known) if known else match[0]

    return _HELD.sub(value, text)


def place_of(text: str, offset: int) -> tuple[int, int]:
    """Line and column of an offset, both from 1."""
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def names_in(texts: Sequence[str]) -> set[str]:
    """Names of the placeholders in these texts, gaps left out."""
    return {one.name for text in texts for one in placeholders(text) if not one.gap}
