"""What a question could go on with at the place of the cursor. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.search.fields import FIELDS

MOST = 8
_BEFORE = re.compile(r'(?:^|\s)-?([^\s"]*)$')


@dataclass(frozen=True, slots=True)
class Completion:
    """`insert` takes the place of the characters from `start` up to `end`."""

    start: int
    end: int
    insert: str


def complete(said: str, at: int, values: Mapping[str, Sequence[str]]) -> list[Completion]:
    """Filters whose name begins as the word before the cursor, or the values of the filter that stands there."""
    found = _BEFORE.search(said[:at])
    if found is None or not found[1]:
        return []
    begun, start = found[1].lower(), found.start(1)
    name, colon, rest = begun.partition(":")
    if not colon:
        names = [field for field in FIELDS.values() if field.name.startswith(name)]
        return [Completion(start, at, f"{one.name}:") for one in names[:MOST]]
    field = FIELDS.get(name)
    if field is None:
        return []
    *_, last = rest.split(",")
    known = field.values or tuple(values.get(name, ()))
    if name == "decided":
        known = ("me", "today", "7d")
    fitting = [one for one in known if one.startswith(last)] + [
        one for one in known if last and last in one and not one.startswith(last)
    ]
    return [Completion(at - len(last), at, one) for one in fitting[:MOST] if one != last]
