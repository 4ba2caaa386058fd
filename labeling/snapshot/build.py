"""Builds a snapshot: an immutable folder of labelled rows, named by the hash of its manifest, the same from the same rows."""

import gzip
import hashlib
import io
import json
import shutil
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from labeling.fields import check_fields, stale_areas
from labeling.records import LabelledText, RecordError, parse_json, read_labelled_texts
from labeling.snapshot.clusters import near_any
from labeling.snapshot.datasheet import datasheet
from labeling.snapshot.facts import facts
from labeling.snapshot.split import Sides, by_time
from labeling.taxonomy import Taxonomy

FORMAT = 1
MANIFEST = "manifest.json"
DATASHEET = "datasheet.md"
ROWS = "rows.jsonl.gz"
SIDES = ("train", "validation")
# Letter sequences of so many texts fill some gigabytes of memory.
MAX_ROWS = 300_000
MAX_NAMED = 20
# An evaluation set that is larger, unpacked, is no set to compare with.
MAX_EVALUATION_BYTES = 2**29


class SnapshotError(ValueError):
    """A snapshot that cannot be built or does not hold what it says; the message tells why."""


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """Texts that no snapshot may hold, and the file that they came from."""

    name: str
    sha256: str
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to build: `share` of the rows validates; stale labels and leaks are left out only where that is asked for."""

    share: float = 0.1
    drop_stale: bool = False
    evaluation: tuple[EvaluationSet, ...] = ()
    drop_leaks: bool = False


def build_snapshot(files: Sequence[Path], recipe: Recipe, out: Path, *, taxonomy: Taxonomy) -> Path:
    """Write the snapshot of all rows in `files` into `out` and return its folder.

    Raises SnapshotError, SplitError, RecordError, OSError.
    """
    if not 0 < recipe.share < 1:
        raise SnapshotError(f"--share must lie between 0 and 1, not {recipe.share}")
    if recipe.drop_leaks and not recipe.evaluation:
        raise SnapshotError("--drop-leaks needs the sets that nothing may leak from: --evaluation FILE...")
    left_out: Counter[str] = Counter()
    rows = _known(_stale_aside(_read(files, taxonomy), recipe, left_out), left_out)
    rows = _without_leaks(rows, recipe, left_out)
    sides = by_time(rows, recipe.share)
    if all(sides.validates) or not any(sides.validates):
        raise SnapshotError(
            f"{len(rows)} rows in {len(set(sides.leaders))} groups that belong together cannot be divided so that "
            f"{recipe.share:g} of them validate; bring more rows or another --share"
        )
    return _write(out, _contents(rows, sides, recipe, left_out, taxonomy))


def read_evaluation(path: Path) -> EvaluationSet:
    """The texts of an evaluation file: `text` of each JSON line, or the lines of a `.txt` file; `.gz` too. Raises RecordError."""
    raw, unpacked = _read_within(path, MAX_EVALUATION_BYTES)
    try:
        plain = unpacked.decode("utf-8-sig")
        lines = [line for line in plain.split("\n") if line.strip()]
        if not path.name.removesuffix(".gz").endswith(".txt"):
            lines = [_text_of(line, f"{path}:{number}") for number, line in enumerate(lines, start=1)]
    except UnicodeDecodeError as error:
        raise RecordError(f"{path}: cannot be read as texts ({error})") from error
    if not lines:
        raise RecordError(f"{path}: holds no text to compare with")
    return EvaluationSet(path.name, hashlib.sha256(raw).hexdigest(), tuple(lines))


def _read_within(path: Path, most: int) -> tuple[bytes, bytes]:
    """What the file holds, and the same unpacked; a small file can unpack to more than the memory."""
    with path.open("rb") as file:
        raw = file.read(most + 1)
    try:
        unpacked = gzip.GzipFile(fileobj=io.BytesIO(raw)).read(most + 1) if path.suffix == ".gz" else raw
    except (OSError, EOFError, zlib.error) as error:
        raise RecordError(f"{path}: cannot be read as texts ({error})") from error
    if max(len(raw), len(unpacked)) > most:
        raise RecordError(f"{path}: holds more than {most:,} bytes, unpacked; give a part of it")
    return raw, unpacked


def _text_of(line: str, where: str) -> str:
    try:
        row = parse_json(line)
    except json.JSONDecodeError as error:
        raise RecordError(f"{where}: not a JSON object ({error.msg})") from error
    if not isinstance(row, dict) or not isinstance(row.get("text"), str):
        raise RecordError(f'{where}: every line needs a "text"')
    return str(row["text"])


def _read(files: Sequence[Path], taxonomy: Taxonomy) -> list[LabelledText]:
    """All rows by id. A row may stand in several files, but only with the same content."""
    known: dict[str, LabelledText] = {}
    for path in files:
        for row in read_labelled_texts(path):
            try:
                check_fields(row)
            except RecordError as error:
                raise RecordError(f"{path}: {error}") from error
            strange = sorted({*row.policy_areas, *row.annotated_areas} - set(taxonomy.area_ids))
            if strange:
                raise SnapshotError(
                    f"{path}: row {row.id}: no such area in taxonomy {taxonomy.version}: {', '.join(strange)}; map it first"
                )
            other = known.setdefault(row.id, row)
            if other is not row and _line(other) != _line(row):
                raise SnapshotError(
                    f"{path}: row {row.id} was read before with other content; give the newest export only"
                )
            if len(known) > MAX_ROWS:
                raise SnapshotError(f"{path}: more than {MAX_ROWS} rows; build several snapshots")
    return [known[name] for name in sorted(known)]


def _stale_aside(rows: Iterable[LabelledText], recipe: Recipe, left_out: Counter[str]) -> Iterable[LabelledText]:
    """With `drop_stale`, areas that a later policy version has changed since become unknown again."""
    for row in rows:
        stale = stale_areas(row)
        if not stale or not recipe.drop_stale:
            yield row
            continue
        left_out["stale labels"] += 1
        yield replace(
            row,
            policy_areas=tuple(area for area in row.policy_areas if area not in stale),
            annotated_areas=tuple(area for area in row.annotated_areas if area not in stale),
            severity=None,
            # What is unknown is not stale any more.
            extra={**row.extra, "stale": False, "stale_areas": []},
        )


def _known(rows: Iterable[LabelledText], left_out: Counter[str]) -> list[LabelledText]:
    """The rows that have a text and say anything about it."""
    kept = []
    for row in rows:
        if not row.text.strip():
            left_out["no text"] += 1
        elif not row.annotated_areas and row.severity is None:
            left_out["nothing known"] += 1
        else:
            kept.append(row)
    return kept


def _without_leaks(rows: list[LabelledText], recipe: Recipe, left_out: Counter[str]) -> list[LabelledText]:
    """The rows that no evaluation set holds, in these words or nearly. Raises SnapshotError unless leaks are to be dropped."""
    texts = [text for one in recipe.evaluation for text in one.texts]
    if not texts:
        return rows
    leaks = near_any([row.text for row in rows], texts)
    found = [(row.id, leak) for row, leak in zip(rows, leaks, strict=True) if leak]
    if found and not recipe.drop_leaks:
        named = ", ".join(f"{name} ({leak})" for name, leak in found[:MAX_NAMED])
        more = f" and {len(found) - MAX_NAMED} more" if len(found) > MAX_NAMED else ""
        raise SnapshotError(
            f"{len(found)} rows are in an evaluation set: {named}{more}; leave them out, or say --drop-leaks"
        )
    left_out.update(f"{leak} leaks" for _, leak in found)
    return [row for row, leak in zip(rows, leaks, strict=True) if not leak]


def _contents(
    rows: Sequence[LabelledText], sides: Sides, recipe: Recipe, left_out: Counter[str], taxonomy: Taxonomy
) -> dict[str, bytes]:
    """Every file of the snapshot by its name, not yet packed; the manifest last."""
    lines: dict[str, list[str]] = {ROWS: [], **{f"{side}.jsonl.gz": [] for side in SIDES}}
    for row, validates, leader in zip(rows, sides.validates, sides.leaders, strict=True):
        side = SIDES[validates]
        # Which rows belong together is said by the first of them.
        placed = replace(row, extra={**row.extra, "split": side, "cluster": rows[leader].id})
        for name in (ROWS, f"{side}.jsonl.gz"):
            lines[name].append(_line(placed))
    contents = {name: "".join(of).encode() for name, of in lines.items()}
    about: dict[str, Any] = {
        "format": FORMAT,
        "taxonomy": taxonomy.version,
        "settings": {
            "share": recipe.share,
            "drop_stale": recipe.drop_stale,
            "drop_leaks": recipe.drop_leaks,
            "evaluation": sorted(
                ({"name": one.name, "sha256": one.sha256, "texts": len(one.texts)} for one in recipe.evaluation),
                key=lambda one: (one["sha256"], one["name"]),
            ),
        },
        "left_out": {reason: count for reason, count in sorted(left_out.items()) if count},
        "split": {
            "cut": sides.cut.isoformat() if sides.cut else None,
            "groups": len(set(sides.leaders)),
            "straddling": sides.straddling,
            **{side: len(lines[f"{side}.jsonl.gz"]) for side in SIDES},
        },
        "facts": facts(rows, sides, taxonomy),
    }
    # A lone surrogate can stand in JSON, but not in a file of text.
    contents[DATASHEET] = datasheet(about).encode(errors="backslashreplace")
    about["files"] = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(contents.items())}
    contents[MANIFEST] = (json.dumps(about, indent=2, sort_keys=True) + "\n").encode()
    return contents


def _line(row: LabelledText) -> str:
    """The row as a line that does not depend on the order of its fields where it came from."""
    return json.dumps(row.to_json(), sort_keys=True, allow_nan=False) + "\n"


def _write(out: Path, contents: dict[str, bytes]) -> Path:
    """The files as a folder that appears whole or not at all; they can only be read.

    The folder itself can be deleted by whoever owns it, or given other files, which `verify` finds.
    """
    folder = out / hashlib.sha256(contents[MANIFEST]).hexdigest()
    if folder.exists():
        raise SnapshotError(f"{folder}: this very snapshot is there already; nothing was written")
    out.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=".snapshot-", dir=out))
    try:
        part.chmod(0o755)
        for name, content in contents.items():
            path = part / name
            # Without name and time in the header the same rows are the same bytes.
            path.write_bytes(gzip.compress(content, 6, mtime=0) if path.suffix == ".gz" else content)
            path.chmod(0o444)
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder
