"""Answers of several people about the same items, and their JSON-lines form."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from labeling.records import parse_json
from labeling.statistics.bootstrap import Codes

MAX_ANSWERS = 2_000_000
# Pairs of labels are counted, so many labels are more likely texts in the wrong field than labels.
MAX_LABELS = 64

Label = str | int
Answer = tuple[str, str, Label]


class RatingsError(ValueError):
    """Answers that cannot be read; the message says where, what is wrong and how to mend it."""


@dataclass(frozen=True, slots=True)
class Ratings:
    """Answers: `item`, `rater` and `label` are codes into the names, one place for each answer.

    `ordered` says whether the labels are steps in their order, as severities are.
    """

    items: tuple[str, ...]
    raters: tuple[str, ...]
    labels: tuple[Label, ...]
    item: Codes
    rater: Codes
    label: Codes
    ordered: bool = False

    def counts(self) -> Codes:
        """How many answers gave each item (row) each label (column)."""
        cells = np.bincount(self.item * len(self.labels) + self.label, minlength=len(self.items) * len(self.labels))
        return cells.reshape(len(self.items), len(self.labels))

    def codes_of(self, rater: str) -> Codes:
        """The code of the label that a rater gave each item, -1 where none. Raises RatingsError."""
        if rater not in self.raters:
            raise RatingsError(f"nobody is called {rater!r}; there are {_few(self.raters)}")
        own = self.rater == self.raters.index(rater)
        codes = np.full(len(self.items), -1, np.int64)
        codes[self.item[own]] = self.label[own]
        return codes

    def only(self, raters: Sequence[str]) -> "Ratings":
        """The answers of these raters alone, with all items and labels. Raises RatingsError."""
        if unknown := [one for one in raters if one not in self.raters]:
            raise RatingsError(f"nobody is called {_few(unknown)}; there are {_few(self.raters)}")
        if twice := sorted({one for one in raters if raters.count(one) > 1}):
            raise RatingsError(f"{_few(twice)} is named twice: nobody is compared with themselves")
        place = np.array([raters.index(one) if one in raters else -1 for one in self.raters], np.int64)
        kept = place[self.rater] >= 0
        return Ratings(
            items=self.items,
            raters=tuple(raters),
            labels=self.labels,
            item=self.item[kept],
            rater=place[self.rater[kept]],
            label=self.label[kept],
            ordered=self.ordered,
        )


def ratings_of(answers: Iterable[Answer], *, labels: Sequence[Label] = ()) -> Ratings:
    """Put answers (item, rater, label) together; names are sorted, `labels` gives all labels in their own order instead.

    Whole numbers are steps, from the lowest to the highest with those between that nobody used; what `labels` lists is in order,
    too. Somebody may answer an item more than once, for
    `dawid_skene` uses that; `read_ratings` refuses it. Raises RatingsError.
    """
    rows = list(answers)
    if not rows:
        raise RatingsError("there are no answers")
    if len(rows) > MAX_ANSWERS:
        raise RatingsError(f"more than {MAX_ANSWERS:,} answers: give a sample of the items")
    names = [tuple(sorted({row[place] for row in rows})) for place in (0, 1)]
    given = {label for _, _, label in rows}
    numbers = all(isinstance(label, int) for label in given)
    kinds: list[Label] = list(labels) or _found(given)
    _check_labels(kinds, given)
    codes: list[dict[Label, int]] = [{name: code for code, name in enumerate(each)} for each in (*names, kinds)]
    item, rater, label = (np.array([code[row[place]] for row in rows], np.int64) for place, code in enumerate(codes))
    items, raters = (tuple(str(name) for name in each) for each in names)
    return Ratings(items, raters, tuple(kinds), item, rater, label, ordered=numbers or bool(labels))


def _found(given: set[Label]) -> list[Label]:
    """The labels that were given, in their order; of whole numbers the steps between as well. Raises RatingsError."""
    numbers = [label for label in given if isinstance(label, int)]
    if len(numbers) < len(given):
        return sorted(given, key=lambda label: (isinstance(label, str), label))
    low, high = min(numbers), max(numbers)
    if high - low >= MAX_LABELS:
        raise RatingsError(
            f"whole numbers are steps, and {low} to {high} are more than {MAX_LABELS} steps: where they only name labels, "
            "write them as texts"
        )
    return list(range(low, high + 1))


def _check_labels(labels: Sequence[Label], given: set[Label]) -> None:
    if unknown := sorted(map(str, given - set(labels))):
        raise RatingsError(f"answers use labels that are not listed: {_few(unknown)}")
    if len(set(labels)) < len(labels):
        raise RatingsError("a label is listed twice")
    if len({isinstance(label, str) for label in labels}) > 1:
        raise RatingsError("some labels are texts and some are numbers: write all of them one way")
    if len(labels) < 2:
        raise RatingsError("all answers are the same label: list those that could have been given as well")
    if len(labels) > MAX_LABELS:
        raise RatingsError(f"{len(labels)} different labels, more than {MAX_LABELS}: is `label` the right field?")


def read_ratings(path: Path, *, labels: Sequence[str] = ()) -> Ratings:
    """Read rows {"item", "rater", "label"} of a .jsonl file. Raises RatingsError, OSError.

    `labels` lists all labels in their order; whole numbers are meant where the file holds whole numbers.
    """
    rows = list(_rows(path))
    listed: list[Label] = list(labels)
    if rows and all(isinstance(label, int) for _, _, label in rows):
        try:
            listed = [int(label) for label in labels]
        except ValueError as error:
            raise RatingsError(f"the labels of {path} are whole numbers, so must the listed ones be") from error
    try:
        return ratings_of(rows, labels=listed)
    except RatingsError as error:
        raise RatingsError(f"{path}: {error}") from error


def _rows(path: Path) -> Iterator[Answer]:
    seen: dict[tuple[str, str], int] = {}
    number = 0
    try:
        with path.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.strip():
                    continue
                if number > MAX_ANSWERS:
                    raise RatingsError(f"{path}: more than {MAX_ANSWERS:,} lines: give a sample of the items")
                item, rater, label = _parsed(line, f"{path}:{number}")
                before = seen.setdefault((item, rater), number)
                if before != number:
                    raise RatingsError(
                        f"{path}:{number}: rater {rater!r} answered item {item!r} before, on line {before}; keep one answer"
                    )
                yield item, rater, label
    except UnicodeDecodeError as error:
        raise RatingsError(f"{path}: not UTF-8 after line {number}") from error


def _parsed(line: str, where: str) -> Answer:
    try:
        row = parse_json(line)
    # Python reads no whole number of thousands of digits, which is a plain ValueError.
    except ValueError as error:
        raise RatingsError(f"{where}: not a JSON object") from error
    if not isinstance(row, dict):
        raise RatingsError(f"{where}: not a JSON object")
    for field in ("item", "rater", "label"):
        if field not in row:
            raise RatingsError(f'{where}: no "{field}"; a row is {{"item": "i1", "rater": "r1", "label": "spam"}}')
    item, rater, label = row["item"], row["rater"], row["label"]
    if not isinstance(item, str) or not isinstance(rater, str):
        raise RatingsError(f"{where}: item and rater must be texts")
    if type(label) not in {str, int}:
        raise RatingsError(f"{where}: label must be a text or a whole number, not {json.dumps(label)[:40]}")
    return item, rater, label


def _few(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
