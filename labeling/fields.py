"""The fields that a labelled row may have beside the text and its label (docs/labels.md), and what each of them must be."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from labeling.records import LabelledText, RecordError, is_weight

DECIDED_AT = "decided_at"


def check_fields(row: LabelledText) -> None:
    """Whether every documented field that a row has is what it must be; null says nothing. Raises RecordError."""
    decided_at(row)
    for name, (wanted, holds) in _FIELDS.items():
        value = row.extra.get(name)
        if value is not None and not holds(value):
            raise RecordError(
                f"row {row.id}: {name} must be {wanted}, not {str(value)[:40]}; a field that means something else needs another name"
            )


def decided_at(row: LabelledText) -> datetime | None:
    """When the label was made, in UTC; None where the row does not say. Raises RecordError."""
    value = row.extra.get(DECIDED_AT)
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise RecordError(f"row {row.id}: {DECIDED_AT} must be a moment such as 2026-11-29T12:00:00+00:00") from error
    if at.tzinfo is None:
        raise RecordError(f"row {row.id}: {DECIDED_AT} needs an offset from UTC, such as +00:00")
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        raise RecordError(f"row {row.id}: {DECIDED_AT} is no moment in UTC: {value}") from error


def stale_areas(row: LabelledText) -> frozenset[str]:
    """The areas of a row whose label was made under a policy version that no longer holds; all, where it names none."""
    named = row.extra.get("stale_areas") or (row.annotated_areas if row.extra.get("stale") else ())
    return frozenset(named)


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _name(value: Any) -> bool:
    return type(value) in (str, int)


def _areas(value: Any) -> bool:
    return isinstance(value, list) and all(map(_text, value))


def _policy(value: Any) -> bool:
    return isinstance(value, dict) and _text(value.get("area")) and type(value.get("number")) is int


def _settled(value: Any) -> bool:
    return isinstance(value, dict) and (value.get("error") is None or _text(value["error"]))


def _checks(value: Any) -> bool:
    return isinstance(value, list) and all(
        _settled(one) and _text(one.get("plan")) and _text(one.get("state")) and _chance(one.get("chance"))
        for one in value
    )


def _chance(value: Any) -> bool:
    """Of anything smaller the inverse, which is the weight, would be infinite."""
    return is_weight(value) and sys.float_info.min <= value <= 1


_FIELDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "annotations": ("a list of answers", lambda value: isinstance(value, list)),
    "annotator": ("a text", _text),
    "basis": ("a text", _text),
    "checks": ('a list of checks, each with "plan", "state" and a "chance" above 0', _checks),
    "confidence": ("1, 2 or 3", lambda value: type(value) is int and 1 <= value <= 3),
    "correction": ("an object", lambda value: isinstance(value, dict)),
    "label_by": ("a text", _text),
    "lane": ("a text", _text),
    "pair": ("a text or a whole number", _name),
    "policy": ('an object with "area" and "number"', _policy),
    "propensity": ("a number from 0 to 1", lambda value: is_weight(value) and value <= 1),
    "qa": ('an object, with a text or null as "error"', _settled),
    "sampling_weight": ("a number from 0 on", is_weight),
    "stale": ("true or false", lambda value: isinstance(value, bool)),
    "stale_areas": ("a list of areas", _areas),
    "subject": ("a text or a whole number", _name),
    "taxonomy_version": ("a text", _text),
}
