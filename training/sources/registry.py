"""The register of public sources: what `sources.toml` says, checked and typed."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from labeling.records import RecordError
from labeling.taxonomy import SEVERITY_LEVELS, load_taxonomy
from training.sources.repairs import REPAIRS

# What permits commercial use of the data itself. GPL is not among them: what a software licence means for text and
# for a model trained on it is nobody's settled knowledge.
COMMERCIAL = ("MIT", "Apache-2.0", "BSD-", "CC0-", "PDDL-", "CC-BY-SA-", "CC-BY-")
NOT_COMMERCIAL = ("CC-BY-NC-", "CC-BY-ND-")

QUALITIES = ("gold", "silver", "weak", "construction")


class SourceError(RecordError):
    """A source that cannot be used; the message names the source, what is wrong and how to mend it."""


@dataclass(frozen=True, slots=True)
class Labels:
    """What one row says: `areas` apply, `clear` were looked for and do not, everything else is unknown."""

    areas: tuple[str, ...] = ()
    clear: tuple[str, ...] = ()
    severity: int | None = None
    quality: str = ""
    tags: tuple[str, ...] = ()
    rated_by_people: bool = False
    """Whether the severity is somebody's rating and not read off a category."""


@dataclass(frozen=True, slots=True)
class LabelRow:
    """One entry of `rows`: the labels of records that fit `when` (column to patterns); None leaves them out."""

    when: Mapping[str, tuple[str, ...]]
    labels: Labels | None


@dataclass(frozen=True, slots=True)
class Original:
    """A file as its authors published it, pinned to a commit."""

    url: str
    sha256: str

    @property
    def name(self) -> str:
        """The last part of its path."""
        return urlsplit(self.url).path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of rows: its local copy below a mirror folder, and the originals it was made of."""

    mirror: str
    mirror_sha256: str
    shape: str
    originals: tuple[Original, ...] = ()
    original_shape: str = ""
    only_mirror: str = ""
    """Why this file cannot be fetched from its authors; empty where it can."""
    columns: tuple[str, ...] = ()
    """Names of the columns where the file has no header."""
    set: Mapping[str, str] = field(default_factory=dict)
    """Columns to add to every record of the file."""
    lang: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """One public data set."""

    name: str
    licence: str
    lang: str
    group: str
    text: tuple[str, ...]
    citation: str
    problems: str
    files: tuple[SourceFile, ...]
    quality: str = "silver"
    rows: tuple[LabelRow, ...] = ()
    rule: str = ""
    join: str = " "
    """What stands between the columns of `text`."""
    repairs: tuple[str, ...] = ()
    linked_by: tuple[str, ...] = ()
    """Columns that hold ids of the same text or of a variant of it, which must stay on one side of the split."""
    limit_per_file: int = 0
    validation_only: bool = False
    train_only: bool = False
    """Whether it is no text that anybody reports, such as a list of words: nothing is judged by it."""

    @property
    def permits_commercial_use(self) -> bool:
        """Whether the licence is one of COMMERCIAL."""
        return self.licence.startswith(COMMERCIAL) and not self.licence.startswith(NOT_COMMERCIAL)


def load_sources(path: Path | None = None) -> tuple[Source, ...]:
    """The sources of a register, or of the one that ships with the product, in its order. Raises SourceError."""
    where = str(path) if path else "sources.toml"
    try:
        shipped = resources.files("training.sources").joinpath("sources.toml")
        text = path.read_text(encoding="utf-8") if path else shipped.read_text(encoding="utf-8")
        return parse_sources(text, where=where)
    except OSError as error:
        raise SourceError(f"{where}: register of sources cannot be read ({error.strerror})") from error


def parse_sources(text: str, *, where: str) -> tuple[Source, ...]:
    """Sources from TOML text; `where` names it in messages. Raises SourceError."""
    try:
        raw = tomllib.loads(text)
        groups = {f"@{name}": tuple(areas) for name, areas in raw.get("groups", {}).items()}
        sources = tuple(_source(entry, groups) for entry in raw["sources"])
    except (tomllib.TOMLDecodeError, AttributeError, KeyError, TypeError) as error:
        raise SourceError(f"{where}: cannot be read as a register of sources ({error})") from error
    for source in sources:
        _check(source, where)
    names = [source.name for source in sources]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise SourceError(f"{where}: sources listed twice: {', '.join(repeated)}")
    return sources


def choose_sources(sources: tuple[Source, ...], *, policy: str, names: list[str] | None = None) -> tuple[Source, ...]:
    """The sources that a licence policy (`commercial` or `all`) allows, only `names` where given. Raises SourceError."""
    known = {source.name for source in sources}
    if unknown := sorted(set(names or ()) - known):
        raise SourceError(f"no source {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    named = [source for source in sources if not names or source.name in names]
    chosen = tuple(source for source in named if policy == "all" or source.permits_commercial_use)
    if names and len(chosen) < len(named):
        refused = [f"{source.name} ({source.licence})" for source in named if source not in chosen]
        raise SourceError(
            f"{', '.join(refused)}: no licence for commercial use; pass --licence-policy all to use it all the same"
        )
    return chosen


def _source(entry: dict[str, Any], groups: Mapping[str, tuple[str, ...]]) -> Source:
    entry = dict(entry)
    text = entry.pop("text")
    return Source(
        text=(text,) if isinstance(text, str) else tuple(text),
        files=tuple(_file(one) for one in entry.pop("files")),
        rows=tuple(_row(one, groups) for one in entry.pop("rows", [])),
        repairs=tuple(entry.pop("repairs", ())),
        linked_by=tuple(entry.pop("linked_by", ())),
        **entry,
    )


def _file(entry: dict[str, Any]) -> SourceFile:
    entry = dict(entry)
    originals = tuple(Original(**one) for one in entry.pop("originals", []))
    columns = tuple(entry.pop("columns", ()))
    original_shape = entry.pop("original_shape", entry["shape"])
    return SourceFile(originals=originals, columns=columns, original_shape=original_shape, **entry)


def _row(entry: dict[str, Any], groups: Mapping[str, tuple[str, ...]]) -> LabelRow:
    entry = dict(entry)
    when = {
        column: (patterns,) if isinstance(patterns, str) else tuple(patterns)
        for column, patterns in entry.pop("when", {}).items()
    }
    if entry.pop("drop", False):
        return LabelRow(when, None)
    for key in ("areas", "clear", "tags"):
        entry[key] = tuple(one for name in entry.get(key, ()) for one in groups.get(name, (name,)))
    return LabelRow(when, Labels(**entry))


def _check(source: Source, where: str) -> None:
    at = f"{where}: source {source.name}"
    if bool(source.rows) == bool(source.rule):
        raise SourceError(f"{at}: needs either rows or a rule")
    if source.train_only and source.validation_only:
        raise SourceError(f"{at}: cannot be both train_only and validation_only")
    if source.quality not in QUALITIES:
        raise SourceError(f"{at}: quality must be one of {', '.join(QUALITIES)}, not {source.quality!r}")
    if unknown := set(source.repairs) - set(REPAIRS):
        raise SourceError(f"{at}: no repair {', '.join(sorted(unknown))}; known: {', '.join(REPAIRS)}")
    areas = set(load_taxonomy().area_ids)
    for labels in (row.labels for row in source.rows if row.labels):
        if unknown := {*labels.areas, *labels.clear} - areas:
            raise SourceError(f"{at}: no area {', '.join(sorted(unknown))} in the taxonomy")
        if labels.severity is not None and labels.severity not in range(SEVERITY_LEVELS):
            raise SourceError(f"{at}: severity must be 0-{SEVERITY_LEVELS - 1}, not {labels.severity}")
    for file in source.files:
        if bool(file.originals) == bool(file.only_mirror):
            raise SourceError(f"{at}: {file.mirror}: needs either originals or only_mirror, the reason for having none")
