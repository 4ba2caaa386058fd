"""Rows that belong together: near-duplicates, the two of a minimal pair, and what was said of one subject."""

import unicodedata
from collections.abc import Sequence

from labeling.corpus.near import near_duplicates
from labeling.records import LabelledText

# Fields of a row whose equal values tie rows together.
TIES = ("pair", "subject")


def text_key(text: str) -> str:
    """What is left of a text without case, width, spacing and signs; texts with the same key are the same text."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(sign for sign in plain if sign.isalnum()) or "".join(plain.split())


def clusters(rows: Sequence[LabelledText]) -> list[int]:
    """For each row the place of the first row that it belongs to, through others too."""
    groups = Groups(len(rows))
    first: dict[tuple[str, str], int] = {}
    for place, row in enumerate(rows):
        tied = ((name, row.extra.get(name)) for name in TIES)
        ties = [("text", text_key(row.text)), *((name, str(value)) for name, value in tied if value not in (None, ""))]
        for tie in ties:
            groups.join(first.setdefault(tie, place), place)
    # One row for each text is enough to find what is near.
    places = [place for place, row in enumerate(rows) if first["text", text_key(row.text)] == place]
    for one, other in near_duplicates([rows[place].text for place in places]):
        groups.join(places[one], places[other])
    return groups.leaders()


def near_any(texts: Sequence[str], others: Sequence[str]) -> list[str | None]:
    """For each text what is wrong with it beside `others`: "exact", "near", or None."""
    keys = {text_key(other) for other in others}
    unlike = list(dict.fromkeys(text for text in texts if text_key(text) not in keys))
    found = near_duplicates([*others, *unlike])
    near = {unlike[two - len(others)] for one, two in found if one < len(others) <= two}
    return ["exact" if text_key(text) in keys else "near" if text in near else None for text in texts]


class Groups:
    """Places joined pair by pair; a group is known by its lowest place."""

    def __init__(self, count: int) -> None:
        self._above = list(range(count))

    def join(self, one: int, other: int) -> None:
        """Make one group of those of the two places."""
        low, high = sorted((self._root(one), self._root(other)))
        self._above[high] = low

    def leaders(self) -> list[int]:
        """The lowest place of the group of each place."""
        return [self._root(place) for place in range(len(self._above))]

    def _root(self, place: int) -> int:
        while self._above[place] != place:
            self._above[place] = self._above[self._above[place]]
            place = self._above[place]
        return place
