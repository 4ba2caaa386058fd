"""Sides: train or validation by hash, near-duplicates together, and nothing in train that an evaluation file holds."""

import hashlib
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from labeling.records import LabelledText
from training.sources.near import near_any, near_groups, signatures
from training.sources.rows import Draft, text_key


@dataclass(frozen=True, slots=True)
class Split:
    """The rows of both sides, and what deciding them found."""

    train: list[LabelledText]
    validation: list[LabelledText]
    groups: int
    """Groups of near-duplicates with more than one row."""
    grouped_rows: int
    largest_group: int
    kept_out_exact: Counter[str]
    """Rows taken from train, by source, because an evaluation file holds the same text."""
    kept_out_near: Counter[str]
    validation_in_evaluation: int
    """Validation rows whose text, or a near-duplicate, an evaluation file holds. They stay: nothing is fitted to them
    but thresholds and calibration, and the card says how many there are."""


def split_rows(
    drafts: Sequence[Draft],
    *,
    share: float,
    validation_only: Collection[str],
    keep_out: Sequence[str],
    train_only: Sequence[Draft] = (),
) -> Split:
    """Decide the side of every row.

    A group of near-duplicates goes where the hash of the smallest key among its texts points to: about `share` of all groups to
    validation, and every group that holds a text of a `validation_only` source. `keep_out` are texts of evaluation
    files. `train_only` drafts join train where no other row and no evaluation file holds their text, and decide no side.
    """
    signed = signatures(draft.row.text for draft in drafts)
    numbers = near_groups(signed, [draft.links for draft in drafts])
    in_validation = _validation_groups(drafts, numbers, share=share, validation_only=validation_only)
    keys = {text_key(text) for text in keep_out}
    near = near_any(signed, signatures(keep_out))
    train: list[LabelledText] = []
    validation: list[LabelledText] = []
    exact_count: Counter[str] = Counter()
    near_count: Counter[str] = Counter()
    touched = 0
    for draft, number, is_near in zip(drafts, numbers, near, strict=True):
        exact = draft.key in keys
        if int(number) in in_validation:
            validation.append(draft.row)
            touched += bool(exact or is_near)
        elif exact or is_near:
            (exact_count if exact else near_count)[draft.row.source] += 1
        else:
            train.append(draft.row)
    exact_count.update(draft.row.source for draft in train_only if draft.key in keys)
    held = keys | {draft.key for draft in drafts}
    train += [draft.row for draft in train_only if draft.key not in held]
    sizes = [size for size in Counter(numbers.tolist()).values() if size > 1]
    return Split(
        train=train,
        validation=validation,
        groups=len(sizes),
        grouped_rows=sum(sizes),
        largest_group=max(sizes, default=1),
        kept_out_exact=exact_count,
        kept_out_near=near_count,
        validation_in_evaluation=touched,
    )


def _validation_groups(
    drafts: Sequence[Draft], numbers: NDArray[Any], *, share: float, validation_only: Collection[str]
) -> set[int]:
    smallest: dict[int, str] = {}
    forced: set[int] = set()
    for draft, number in zip(drafts, numbers.tolist(), strict=True):
        smallest[number] = min(draft.key, smallest.get(number, draft.key))
        if {draft.row.source, *draft.row.extra.get("also_in", ())} & set(validation_only):
            forced.add(number)
    return forced | {number for number, key in smallest.items() if _position(key) < share}


def _position(key: str) -> float:
    """A place in [0, 1) by hash. The smallest key itself would send large groups to validation more often."""
    return int(hashlib.sha256(key.encode()).hexdigest()[:12], 16) / 16**12
