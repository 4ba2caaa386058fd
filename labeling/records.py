"""Typed rows that travel between the service, labelling, training and evaluation, and their JSON-lines form."""

import gzip
import json
import math
import sys
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from labeling.taxonomy import SEVERITY_LEVELS

SCHEMA_VERSION = 1
# No row nests as deep as this, and what is nested much deeper can be read but not written again.
MAX_DEPTH = 100


class RecordError(ValueError):
    """A row that cannot be read; the message says where and what is wrong."""


@dataclass(frozen=True, slots=True)
class LabelledText:
    """One text with what is known about it.

    `annotated_areas` are the areas somebody looked for: an area outside it is *unknown*, not negative, and is masked
    in losses and metrics. `severity` is 0-4 or None where nobody rated it.
    """

    id: str
    text: str
    policy_areas: tuple[str, ...]
    annotated_areas: tuple[str, ...]
    severity: int | None
    source: str
    lang: str
    licence: str = ""
    label_quality: str = "silver"
    weight: float = 1.0
    extra: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The row as JSON values, with the schema version it was written by."""
        values = asdict(self)
        extra = values.pop("extra")
        return {"schema": SCHEMA_VERSION, **extra, **values}

    def to_line(self) -> str:
        """The row as one JSON line, its end included.

        Plain ASCII: many readers of lines also break them at U+2028, U+2029 and U+0085, which texts contain.
        """
        return json.dumps(self.to_json()) + "\n"


_FIELDS = ("id", "text", "policy_areas", "annotated_areas", "severity", "source", "lang", "licence", "label_quality")


def parse_labelled_text(line: str, *, where: str) -> LabelledText:
    """Read one JSON line; `where` (such as `file:12`) goes into the message. Raises RecordError."""
    try:
        row = parse_json(line)
    except json.JSONDecodeError as error:
        raise RecordError(f"{where}: not a JSON object ({error.msg})") from error
    if not isinstance(row, dict):
        raise RecordError(f"{where}: not a JSON object")
    try:
        if int(row.pop("schema", SCHEMA_VERSION)) > SCHEMA_VERSION:
            raise RecordError(f"{where}: written by a newer schema than {SCHEMA_VERSION}; update the product")
        record = LabelledText(
            id=_text(row, "id"),
            text=_text(row, "text"),
            policy_areas=_names(row, "policy_areas"),
            annotated_areas=_names(row, "annotated_areas"),
            severity=row.get("severity"),
            source=_text(row, "source"),
            lang=_text(row, "lang"),
            licence=str(row.get("licence", "")),
            label_quality=str(row.get("label_quality", "silver")),
            weight=_weight(row),
            extra={key: value for key, value in row.items() if key not in (*_FIELDS, "weight")},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RecordError(f"{where}: {error if isinstance(error, RecordError) else f'bad field {error}'}") from error
    if record.severity is not None and (
        type(record.severity) is not int or record.severity not in range(SEVERITY_LEVELS)
    ):
        raise RecordError(f"{where}: severity must be 0-{SEVERITY_LEVELS - 1} or null, not {record.severity!r}")
    if not set(record.policy_areas) <= set(record.annotated_areas):
        raise RecordError(f"{where}: every policy area must be among annotated_areas")
    return record


def parse_json(text: str) -> Any:
    """The value that a JSON text holds, if it can be written again. Raises json.JSONDecodeError.

    So not what is nested too deeply, and no number that is not finite (JSON has none, Python reads them) or endless.
    """
    try:
        value = json.loads(text)
    except RecursionError as error:
        raise json.JSONDecodeError("nested too deeply", text, 0) from error
    except json.JSONDecodeError:
        raise
    except ValueError as error:
        # Beyond some thousand digits Python makes no whole number of a text, for it would take too long.
        raise json.JSONDecodeError("holds a number of too many digits", text, 0) from error
    inside = [value]
    for _ in range(MAX_DEPTH):
        if any(type(one) is float and not math.isfinite(one) for one in inside):
            raise json.JSONDecodeError("holds a number that is not finite", text, 0)
        inside = [
            one
            for outer in inside
            if isinstance(outer, dict | list)
            for one in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not inside:
            return value
    raise json.JSONDecodeError("nested too deeply", text, 0)


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a text file, which may end in `.gz`, with their numbers. Raises RecordError, OSError.

    Blank ones are passed over, and so is what some programs begin a file with to say that it is UTF-8.
    """
    number = 0
    packed = path.suffix == ".gz"
    try:
        with gzip.open(path, "rt", encoding="utf-8-sig") if packed else path.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield number, line
    except (EOFError, UnicodeDecodeError, gzip.BadGzipFile, zlib.error) as error:
        raise RecordError(f"{path}: damaged after line {number} ({error}); fetch or export it anew") from error


def read_labelled_texts(path: Path) -> Iterator[LabelledText]:
    """Yield the rows of a `.jsonl` or `.jsonl.gz` file; blank lines are passed over. Raises RecordError, OSError."""
    for number, line in numbered_lines(path):
        yield parse_labelled_text(line, where=f"{path}:{number}")


def write_labelled_texts(path: Path, records: Iterable[LabelledText]) -> int:
    """Write rows as JSON lines and return how many."""
    count = 0
    with path.open("w", encoding="utf-8") as out:
        for record in records:
            out.write(record.to_line())
            count += 1
    return count


def is_weight(value: Any) -> bool:
    """Whether something can be weighed by it: a finite number from 0 on."""
    return type(value) in (int, float) and 0 <= value <= sys.float_info.max


def _weight(row: dict[str, Any]) -> float:
    value = row.get("weight", 1.0)
    if not is_weight(value):
        raise TypeError(f"weight: a number from 0 on is needed, not {str(value)[:20]}")
    return float(value)


def _names(row: dict[str, Any], key: str) -> tuple[str, ...]:
    value = row[key]
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise TypeError(f"{key}: a list of strings is needed")
    return tuple(value)


def _text(row: dict[str, Any], key: str) -> str:
    value = row[key]
    if not isinstance(value, str):
        raise TypeError(f"{key}: a string is needed, not {type(value).__name__}")
    return value
