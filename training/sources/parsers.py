"""Raw bytes to records: one small parser per shape of file. A record is column to value, both as text.

Shapes of single files: `csv`, `csv_semicolon`, `tsv` (no quoting), `json` (a list of objects), `jsonl`, `lines`. Shapes
that only originals have are in `parsers_joined.py`. A row that holds less than its table has columns is an empty
record. Compressed bytes (gzip) are taken everywhere.
"""

import csv
import gzip
import io
import json
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence

from training.sources.registry import SourceError

Record = dict[str, str]

GZIP_MAGIC = b"\x1f\x8b"


def plain_text(raw: bytes) -> str:
    """The text of a file, unpacked where it is gzip. Raises SourceError."""
    try:
        unpacked = gzip.decompress(raw) if raw.startswith(GZIP_MAGIC) else raw
    except (EOFError, OSError, zlib.error) as error:
        raise SourceError(f"damaged gzip file ({error})") from error
    try:
        text = unpacked.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Older sets hold bytes of an encoding that nobody noted; Latin-1 reads any byte.
        text = unpacked.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def parse_csv(raw: bytes, columns: Sequence[str]) -> Iterator[Record]:
    """Records of comma-separated values with quotes."""
    yield from _table(csv.reader(io.StringIO(plain_text(raw), newline="")), columns)


def parse_csv_semicolon(raw: bytes, columns: Sequence[str]) -> Iterator[Record]:
    """Records of semicolon-separated values with quotes."""
    yield from _table(csv.reader(io.StringIO(plain_text(raw), newline=""), delimiter=";"), columns)


def parse_tsv(raw: bytes, columns: Sequence[str]) -> Iterator[Record]:
    """Records of tab-separated lines; a quote is a character like any other."""
    yield from _table((line.split("\t") for line in plain_text(raw).split("\n") if line), columns)


def parse_json(raw: bytes, columns: Sequence[str]) -> Iterator[Record]:
    """Records of one list of objects."""
    del columns
    rows = _load(plain_text(raw))
    if not isinstance(rows, list):
        raise SourceError("a list of objects was expected")
    for row in rows:
        yield as_record(row)


def parse_jsonl(raw: bytes, columns: Sequence[str]) -> Iterator[Record]:
    """Records of one object per line."""
    del columns
    for line in plain_text(raw).split("\n"):
        if line.strip():
            yield as_record(_load(line))


def parse_lines(raw: bytes, columns: Sequence[str]) -> Iterator[Record]:
    """One record `{text}` per line that is not empty."""
    del columns
    for line in plain_text(raw).split("\n"):
        if line.strip():
            yield {"text": line}


def as_record(row: object) -> Record:
    """An object with its values as text: strings as they are, what is missing left out, anything else as JSON."""
    if not isinstance(row, dict):
        raise SourceError("a row is not an object")
    return {
        str(key): value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for key, value in row.items()
        if value is not None
    }


def _load(text: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise SourceError(f"not JSON ({error.msg} at character {error.pos})") from error


def _table(rows: Iterable[Sequence[str]], columns: Sequence[str]) -> Iterator[Record]:
    """Records of rows; the first row names the columns where `columns` does not. Cells beyond them are dropped.

    A row with fewer cells gives an empty record, so that whoever reads can count it as left out.
    """
    # The standard limit of 128 KiB per cell is below what some comments and mails need.
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    try:
        names = columns
        for row in rows:
            if not names:
                names = row
            elif row:
                yield dict(zip(names, row, strict=False)) if len(row) >= len(names) else {}
    except csv.Error as error:
        raise SourceError(f"not a table ({error})") from error


PARSERS: dict[str, Callable[[bytes, Sequence[str]], Iterator[Record]]] = {
    "csv": parse_csv,
    "csv_semicolon": parse_csv_semicolon,
    "tsv": parse_tsv,
    "json": parse_json,
    "jsonl": parse_jsonl,
    "lines": parse_lines,
}
