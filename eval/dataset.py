"""The rows that figures are measured on: from several files, in several formats, filtered by field."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.formats import Vocabulary, read_rows
from eval.run import sha256_of
from labeling.records import LabelledText, RecordError

_FIELDS = ("id", "text", "severity", "source", "lang", "licence", "label_quality", "policy_areas", "annotated_areas")


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file as it was measured: its name, the sha256 of its bytes, and how many of its rows passed the filters."""

    name: str
    sha256: str
    rows: int


@dataclass(frozen=True, slots=True)
class Dataset:
    """Rows of all files, one after the other; `file_of` holds the index into `files` for each row."""

    files: tuple[DataFile, ...]
    rows: tuple[LabelledText, ...]
    file_of: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Filters:
    """Conditions `FIELD=VALUE` on rows. Of conditions on one field any must hold, of different fields all of them."""

    wanted: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises RecordError for a condition that is none."""
        for condition in (*self.wanted, *self.unwanted):
            if not condition.partition("=")[0] or "=" not in condition:
                raise RecordError(f"{condition!r}: a filter must be FIELD=VALUE, such as source=forum")

    def admit(self, row: LabelledText) -> bool:
        """Whether `row` is to be measured."""
        by_field: dict[str, set[str]] = {}
        for condition in self.wanted:
            name, _, value = condition.partition("=")
            by_field.setdefault(name, set()).add(value)
        return all(values & field_values(row, name) for name, values in by_field.items()) and not any(
            value in field_values(row, name) for name, _, value in (one.partition("=") for one in self.unwanted)
        )


def field_values(row: LabelledText, name: str) -> set[str]:
    """What a field of `row`, its own or an additional one, holds as texts: several for a list, none where missing."""
    value = getattr(row, name) if name in _FIELDS else row.extra.get(name)
    if value is None:
        return set()
    return {str(one) for one in value} if isinstance(value, list | tuple) else {str(value)}


def read_dataset(paths: Sequence[Path], *, form: str, vocabulary: Vocabulary, filters: Filters) -> Dataset:
    """Read all `paths`. Raises RecordError where nothing is left or an id comes twice, OSError."""
    files: list[DataFile] = []
    rows: list[LabelledText] = []
    file_of: list[int] = []
    home: dict[str, Path] = {}
    for index, path in enumerate(paths):
        chosen = [row for row in read_rows(path, form, vocabulary) if filters.admit(row)]
        for row in chosen:
            if row.id in home:
                raise RecordError(f"{path}: row id {row.id!r} stands in {home[row.id]} already; a row counts once")
            home[row.id] = path
        files.append(DataFile(path.name, sha256_of(path), len(chosen)))
        rows += chosen
        file_of += [index] * len(chosen)
    if not rows:
        raise RecordError(f"{', '.join(map(str, paths))}: holds no rows, or the filters leave none")
    return Dataset(tuple(files), tuple(rows), tuple(file_of))
