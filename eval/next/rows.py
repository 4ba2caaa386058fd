"""Texts that wait for a label, and what is labelled already."""

import gzip
import json
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from labeling.records import LabelledText, RecordError, parse_json, parse_labelled_text, read_labelled_texts
from models.preprocess import clean_text

MOST_ROWS = 200_000
# What a line need not say while nobody labelled it.
_BLANK: dict[str, Any] = {
    "policy_areas": [],
    "annotated_areas": [],
    "severity": None,
    "source": "unlabelled",
    "lang": "und",
}


def read_unlabelled(path: Path) -> list[LabelledText]:
    """Lines with `id` and `text`, or whole labelled rows. Raises RecordError, OSError.

    Labels that a row carries are somebody's first opinion: they are kept, and chosen by only where that is asked for.
    """
    found: dict[str, LabelledText] = {}
    number = 0
    try:
        with _open(path) as lines:
            for number, line in enumerate(lines, start=1):
                if not line.strip():
                    continue
                row = _parse(line, where=f"{path}:{number}")
                if row.id in found:
                    raise RecordError(f"{path}:{number}: row id {row.id!r} comes twice; a row is labelled once")
                found[row.id] = row
                if len(found) > MOST_ROWS:
                    raise RecordError(f"{path}: more than {MOST_ROWS:,} rows; choose from a part of them")
    except (EOFError, UnicodeDecodeError, gzip.BadGzipFile, zlib.error) as error:
        raise RecordError(f"{path}: damaged after line {number} ({error}); fetch or export it anew") from error
    if not found:
        raise RecordError(f"{path}: holds no rows")
    return list(found.values())


def read_labelled(path: Path | None) -> list[LabelledText]:
    """What is labelled already. Raises RecordError, OSError."""
    rows = [] if path is None else list(read_labelled_texts(path))
    if len(rows) > MOST_ROWS:
        raise RecordError(f"{path}: more than {MOST_ROWS:,} rows; give a part of them")
    return rows


def waiting(unlabelled: Sequence[LabelledText], labelled: Sequence[LabelledText]) -> list[LabelledText]:
    """Those of `unlabelled` that no labelled row has the id or the very text of; of equal texts the first."""
    ids = {row.id for row in labelled}
    seen = {clean_text(row.text) for row in labelled}
    found: list[LabelledText] = []
    for row in unlabelled:
        text = clean_text(row.text)
        if row.id not in ids and text and text not in seen:
            found.append(row)
            seen.add(text)
    return found


def _parse(line: str, *, where: str) -> LabelledText:
    try:
        values: Any = parse_json(line)
    except json.JSONDecodeError as error:
        raise RecordError(f"{where}: not a JSON object ({error.msg})") from error
    if not isinstance(values, dict):
        raise RecordError(f"{where}: not a JSON object")
    return parse_labelled_text(json.dumps({**_BLANK, **values}), where=where)


def _open(path: Path) -> TextIO:
    return gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8")


def write_rows(path: Path, values: Iterator[dict[str, Any]]) -> int:
    """Write JSON lines; returns how many. Raises OSError."""
    count = 0
    with path.open("w", encoding="utf-8") as out:
        for one in values:
            out.write(json.dumps(one) + "\n")
            count += 1
    return count
