"""Originals whose rows lie in several files, in an archive or nested: the records that their mirror holds flat."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from training.sources.parsers import PARSERS, Record, parse_csv, parse_jsonl, parse_lines, plain_text
from training.sources.registry import SourceError, SourceFile


def parse_original(file: SourceFile, originals: Mapping[str, bytes]) -> Iterator[Record]:
    """Records of the originals of a file (name in the address to bytes), by its `original_shape`. Raises SourceError."""
    shape, _, member = file.original_shape.partition(":")
    if shape in JOINED:
        yield from JOINED[shape](originals, member)
    elif shape in PARSERS:
        for raw in originals.values():
            yield from PARSERS[shape](raw, file.columns)
    else:
        raise SourceError(f"unknown shape {file.original_shape!r}")


def _text_and_labels(originals: Mapping[str, bytes], _member: str) -> Iterator[Record]:
    """Two files of as many lines: a text each, and its label."""
    texts, labels = (plain_text(raw).rstrip("\n").split("\n") for raw in originals.values())
    if len(texts) != len(labels):
        raise SourceError(f"{len(texts)} texts, but {len(labels)} labels")
    for text, label in zip(texts, labels, strict=True):
        yield {"text": text, "label": label.strip()}


def _json_by_category(originals: Mapping[str, bytes], _member: str) -> Iterator[Record]:
    """`{category: {subcategory: [text]}}`."""
    for raw in originals.values():
        for category, subcategories in _mapping(raw).items():
            for subcategory, texts in _mapping(subcategories).items():
                for text in texts:
                    yield {"category": category, "subcategory": subcategory, "text": text}


def _json_by_split(originals: Mapping[str, bytes], _member: str) -> Iterator[Record]:
    """`{split: [[text, intent]]}`."""
    for raw in originals.values():
        for split, rows in _mapping(raw).items():
            for text, intent in rows:
                yield {"split": split, "intent": intent, "text": text}


def _zip_csv(originals: Mapping[str, bytes], member: str) -> Iterator[Record]:
    """One table of an archive, found by the end of its path."""
    (raw,) = originals.values()
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            found = [
                name
                for name in archive.namelist()
                if name.rpartition("/")[2] == member and not name.startswith("__MACOSX")
            ]
            if len(found) != 1:
                raise SourceError(f"{len(found)} files named {member} in the archive")
            yield from parse_csv(archive.read(found[0]), ())
    except zipfile.BadZipFile as error:
        raise SourceError(f"not a zip archive ({error})") from error


def _named_files(originals: Mapping[str, bytes], _member: str) -> Iterator[Record]:
    """Files whose name is their label: objects with a text per line, or texts."""
    for name, raw in originals.items():
        for record in (parse_jsonl if name.endswith(".jsonl") else parse_lines)(raw, ()):
            yield {**record, "file": name}


def _mapping(value: bytes | object) -> dict[str, Any]:
    try:
        loaded = json.loads(plain_text(value)) if isinstance(value, bytes) else value
    except json.JSONDecodeError as error:
        raise SourceError(f"not JSON ({error.msg} at character {error.pos})") from error
    if not isinstance(loaded, dict):
        raise SourceError("an object was expected")
    return loaded


JOINED: dict[str, Callable[[Mapping[str, bytes], str], Iterator[Record]]] = {
    "text_and_labels": _text_and_labels,
    "json_by_category": _json_by_category,
    "json_by_split": _json_by_split,
    "zip_csv": _zip_csv,
    "named_files": _named_files,
}
