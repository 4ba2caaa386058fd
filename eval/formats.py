"""Read test files in the shapes in which they are published, as labelled rows. The files themselves are the user's.

| format | what is read |
|---|---|
| `rows` | the product's own JSON lines (`labeling.records`) |
| `openai` | JSON lines with `prompt` and the keys S S3 H H2 V V2 HR SH; a missing key is an unknown label |
| `hatecheck` | CSV with `functionality`, `test_case`, `label_gold`, `target_ident` |
| `tweeteval` | `NAME_text.txt` with one text a line, and `NAME_labels.txt` with 0 or 1 beside it |
| `xstest` | CSV with `prompt`, `type`, `label` (safe or unsafe); which area is violated is not said |
| `jsonl` | JSON lines with `text` and either `label` or `policy_areas` |
"""

import csv
import gzip
import json
import tomllib
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from itertools import zip_longest
from pathlib import Path
from typing import Any, TextIO

from labeling.records import LabelledText, RecordError, read_labelled_texts

# So many categories of a row must be known before "none applies" means severity 0.
CATEGORIES_FOR_NONE = 6
# `extra` key of a row whose harm is known although its area may not be.
ANY_HARM = "any_harm"

YES = frozenset({"1", "true", "yes", "hateful", "unsafe"})
NO = frozenset({"0", "false", "no", "non-hateful", "safe", "benign", "none", ""})


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The areas that labels may name, and the one that a plain yes-or-no label is about (None: the format's own)."""

    areas: tuple[str, ...]
    area: str | None = None

    def __post_init__(self) -> None:
        """Raises RecordError for an area that does not exist."""
        if self.area is not None and self.area not in self.areas:
            raise RecordError(f"no policy area {self.area!r}; known: {', '.join(self.areas)}")


def read_rows(path: Path, form: str, vocabulary: Vocabulary) -> list[LabelledText]:
    """The rows of `path`, which is in the format `form`. Raises RecordError, OSError."""
    try:
        return list(FORMATS[form](path, vocabulary))
    except (EOFError, UnicodeDecodeError, gzip.BadGzipFile, zlib.error, csv.Error) as error:
        raise RecordError(f"{path}: cannot be read as {form} ({error}); is it that format, and whole?") from error


def _rows(path: Path, _: Vocabulary) -> Iterator[LabelledText]:
    return read_labelled_texts(path)


def _openai(path: Path, vocabulary: Vocabulary) -> Iterator[LabelledText]:
    mapping = _mappings()["openai"]
    for where, values in _objects(path):
        marks = {key: _mark(values[key], where) for key in mapping["severity"] if values.get(key) is not None}
        positive = [area for area, keys in mapping["areas"].items() if any(marks.get(key) for key in keys)]
        known = [area for area, keys in mapping["areas"].items() if area in positive or keys[0] in marks]
        levels = [level for key, level in mapping["severity"].items() if marks.get(key)]
        unharmed = 0 if len(marks) >= CATEGORIES_FOR_NONE else None
        yield _row(
            where,
            _field(values, "prompt", where),
            positive=_named(positive, vocabulary),
            known=_named(known, vocabulary),
            severity=max(levels) if levels else unharmed,
            severity_basis="mapped",
        )


def _hatecheck(path: Path, vocabulary: Vocabulary) -> Iterator[LabelledText]:
    area = vocabulary.area or _mappings()["hatecheck"]["area"]
    for where, values in _table(path):
        hit = _mark(_field(values, "label_gold", where), where)
        target = values.get("target_ident") or "none"
        yield _row(
            where,
            _field(values, "test_case", where),
            positive=(area,) if hit else (),
            known=(area,),
            kind=_field(values, "functionality", where),
            group=f"target:{target}",
        )


def _tweeteval(path: Path, vocabulary: Vocabulary) -> Iterator[LabelledText]:
    area = vocabulary.area or _mappings()["tweeteval"]["area"]
    labels = path.with_name(path.name.replace("_text", "_labels"))
    if labels == path:
        raise RecordError(f"{path}: name the text file, NAME_text.txt, with NAME_labels.txt beside it")
    with _lines(path) as texts, _lines(labels) as marks:
        pairs = list(zip_longest(texts, marks))
    if any(None in pair for pair in pairs):
        raise RecordError(f"{path}: has another number of lines than {labels.name}; both must be whole")
    for number, (text, mark) in enumerate(pairs, start=1):
        where = f"{path}:{number}"
        yield _row(where, text.rstrip("\r\n"), positive=(area,) if _mark(mark, where) else (), known=(area,))


def _xstest(path: Path, vocabulary: Vocabulary) -> Iterator[LabelledText]:
    for where, values in _table(path):
        unsafe = _mark(_field(values, "label", where), where)
        yield _row(
            where,
            _field(values, "prompt", where),
            positive=(),
            known=() if unsafe else vocabulary.areas,
            kind=_field(values, "type", where),
            any_harm=unsafe,
        )


def _jsonl(path: Path, vocabulary: Vocabulary) -> Iterator[LabelledText]:
    read = [(where, values, _positives(values, vocabulary, where)) for where, values in _objects(path)]
    # Without its own word on what was looked for, a file speaks of the areas that it names anywhere, and of no other.
    spoken = {area for _, _, positive in read for area in positive} | ({vocabulary.area} if vocabulary.area else set())
    for where, values, positive in read:
        known = values.get("annotated_areas")
        kept = {key: values[key] for key in ("kind", "format", "group", "pair", "tags") if key in values}
        yield _row(
            where,
            _field(values, "text", where),
            positive=positive,
            known=_named(known, vocabulary) if known is not None else _named(sorted(spoken), vocabulary),
            severity=values.get("severity"),
            lang=str(values.get("lang", "und")),
            **kept,
        )


FORMATS: Mapping[str, Callable[[Path, Vocabulary], Iterator[LabelledText]]] = {
    "rows": _rows,
    "openai": _openai,
    "hatecheck": _hatecheck,
    "tweeteval": _tweeteval,
    "xstest": _xstest,
    "jsonl": _jsonl,
}


def _positives(values: Mapping[str, Any], vocabulary: Vocabulary, where: str) -> tuple[str, ...]:
    label = values.get("policy_areas", values.get("label"))
    if label is None:
        raise RecordError(f"{where}: neither label nor policy_areas is given")
    if isinstance(label, list):
        return _named(label, vocabulary, where=where)
    if isinstance(label, str) and label in vocabulary.areas:
        return (label,)
    if not _mark(label, where):
        return ()
    if vocabulary.area is None:
        raise RecordError(f"{where}: label {label!r} names no policy area; say which one it is about with --area")
    return (vocabulary.area,)


def _named(areas: Sequence[str], vocabulary: Vocabulary, *, where: str = "") -> tuple[str, ...]:
    """`areas` that the bundle knows. A file's own word for an unknown area is an error where it says `where`."""
    unknown = [area for area in areas if area not in vocabulary.areas]
    if unknown and where:
        raise RecordError(f"{where}: no policy area {unknown[0]!r}; known: {', '.join(vocabulary.areas)}")
    return tuple(area for area in areas if area in vocabulary.areas)


def _row(
    where: str,
    text: str,
    *,
    positive: tuple[str, ...],
    known: tuple[str, ...],
    severity: int | None = None,
    lang: str = "en",
    **extra: Any,
) -> LabelledText:
    path, _, number = where.rpartition(":")
    name = Path(path).name.partition(".")[0]
    if severity is not None and severity not in range(5):
        raise RecordError(f"{where}: severity must be 0-4 or null, not {severity!r}")
    if not set(positive) <= set(known):
        raise RecordError(f"{where}: every policy area must be among annotated_areas")
    return LabelledText(f"{name}:{number}", text, positive, known, severity, name, lang, extra=extra)


def _objects(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    with _lines(path) as lines:
        for number, line in enumerate(lines, start=1):
            where = f"{path}:{number}"
            if not line.strip():
                continue
            try:
                values = json.loads(line)
            except json.JSONDecodeError as error:
                raise RecordError(f"{where}: not a JSON object ({error.msg})") from error
            if not isinstance(values, dict):
                raise RecordError(f"{where}: not a JSON object")
            yield where, values


def _table(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    with _lines(path, newline="") as lines:
        for number, values in enumerate(csv.DictReader(lines, strict=True), start=1):
            yield f"{path}:{number}", values


def _lines(path: Path, *, newline: str = "\n") -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline=newline)
    return path.open(encoding="utf-8-sig", newline=newline)


def _field(values: Mapping[str, Any], key: str, where: str) -> str:
    value = values.get(key)
    if not isinstance(value, str):
        raise RecordError(f"{where}: field {key} is missing; is this the right --format?")
    return value


def _mark(value: object, where: str) -> bool:
    word = str(value).strip().casefold()
    if word not in YES | NO:
        raise RecordError(f"{where}: a label of yes or no (1, 0, true, false …) is needed, not {value!r}")
    return word in YES


@lru_cache(maxsize=1)
def _mappings() -> dict[str, Any]:
    return tomllib.loads(resources.files("eval").joinpath("formats.toml").read_text(encoding="utf-8"))
