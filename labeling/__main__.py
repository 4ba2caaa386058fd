"""`python -m labeling`: the vocabulary, labelled rows, snapshots, exchange, the corpus, and how good labels are."""

import argparse
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

from labeling.corpus.describe import description
from labeling.corpus.near import near_duplicates
from labeling.corpus.reader import SPLITS, labelled_rows, read_corpus
from labeling.exchange.command import add_exchange_commands
from labeling.exchange.tasks import ExchangeError
from labeling.fields import check_fields
from labeling.guidelines.reading import INTRODUCTION, GuidelineError, guideline_problems, introduction, load_guidelines
from labeling.measure import add_measuring_commands
from labeling.records import (
    RecordError,
    numbered_lines,
    parse_labelled_text,
    read_labelled_texts,
    write_labelled_texts,
)
from labeling.snapshot.build import SnapshotError
from labeling.snapshot.clusters import clusters
from labeling.snapshot.command import add_snapshot_commands
from labeling.snapshot.split import SplitError, by_hash
from labeling.statistics.dawid_skene import NotConvergedError
from labeling.statistics.ratings import RatingsError
from labeling.taxonomy import Taxonomy, TaxonomyError, load_taxonomy

# A file that is wrong throughout should not print a line for each of its rows.
MAX_PROBLEMS = 20


# What a file can be the reason of; the message says which and why.
ERRORS = (
    EOFError,
    ExchangeError,
    GuidelineError,
    NotConvergedError,
    OSError,
    RatingsError,
    RecordError,
    SnapshotError,
    SplitError,
    TaxonomyError,
    UnicodeDecodeError,
    zlib.error,
)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns 1 when `check` found problems, 2 for input that cannot be read."""
    options = _parser().parse_args(arguments)
    try:
        if "run_command" in options:
            text, code = options.run_command(options)
            print(text)
            return int(code)
        if options.command == "corpus":
            # The corpus was labelled for the areas of the taxonomy that ships; of others it says nothing.
            return _corpus(options.out, load_taxonomy())
        if options.command == "split":
            return _split(options.file, options.out, share=options.share)
        taxonomy = load_taxonomy(options.taxonomy)
        if options.command == "taxonomy":
            print(_vocabulary(taxonomy))
            return 0
        if options.command == "guidelines":
            return _guidelines(options.area, taxonomy)
        return _check(options.file, taxonomy)
    except ERRORS as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def problems(path: Path, taxonomy: Taxonomy) -> Iterator[str | None]:
    """For each row of a .jsonl or .jsonl.gz file: None where it is sound, else what is wrong, with its line number."""
    seen: set[str] = set()
    for number, line in numbered_lines(path):
        yield _problem(line, f"{path}:{number}", taxonomy, seen)


def _problem(line: str, where: str, taxonomy: Taxonomy, seen: set[str]) -> str | None:
    try:
        row = parse_labelled_text(line, where=where)
    except RecordError as error:
        return str(error)
    try:
        check_fields(row)
    except RecordError as error:
        return f"{where}: {error}"
    unknown = sorted({*row.policy_areas, *row.annotated_areas} - set(taxonomy.area_ids))
    if unknown:
        return f"{where}: no such area in taxonomy {taxonomy.version}: {', '.join(unknown)}"
    if row.id in seen:
        return f"{where}: id {row.id!r} was used before"
    seen.add(row.id)
    return None


def _check(path: Path, taxonomy: Taxonomy) -> int:
    rows = found = 0
    for problem in problems(path, taxonomy):
        rows += 1
        if problem is not None:
            found += 1
            if found <= MAX_PROBLEMS:
                print(problem)
    print(f"{path}: {rows} rows, {found} with problems")
    return 1 if found else 0


def _guidelines(area: str | None, taxonomy: Taxonomy) -> int:
    """Print one guideline, or check all of them; returns 1 when something is wrong."""
    if area == INTRODUCTION:
        print(introduction())
        return 0
    if area is not None:
        known = {one.area: one for one in load_guidelines(taxonomy)}
        if area not in known:
            raise GuidelineError(f"{area}: no guideline; there are {INTRODUCTION}, {', '.join(known)}")
        print(f"# {known[area].title}\n\n{known[area].body}")
        return 0
    found = guideline_problems(taxonomy)
    for problem in found:
        print(problem)
    print(f"{len(taxonomy.areas)} areas, {len(found)} problems")
    return 1 if found else 0


def _corpus(out: Path | None, taxonomy: Taxonomy) -> int:
    """Describe the corpus, or write it to `out`; returns 1 when it holds near-duplicates."""
    texts = list(read_corpus())
    if out:
        out.mkdir(parents=True, exist_ok=True)
        for split in SPLITS:
            rows = write_labelled_texts(out / f"{split}.jsonl", labelled_rows(texts, taxonomy, split=split))
            print(f"{out / split}.jsonl: {rows} rows")
        return 0
    print(description(texts, taxonomy))
    pairs = ((texts[one], texts[other]) for one, other in near_duplicates([each.text for each in texts]))
    found = [(one, other) for one, other in pairs if one.pair is None or one.pair != other.pair]
    for one, other in found[:MAX_PROBLEMS]:
        print(f"nearly the same: {one.id} and {other.id}")
    print(f"{len(found)} pairs of near-duplicates")
    return 1 if found else 0


def _split(path: Path, out: Path, *, share: float) -> int:
    """Divide labelled rows; near-duplicates and the two of a minimal pair stay on one side. Raises SplitError."""
    if not 0 < share < 1:
        raise SplitError(f"--share must lie between 0 and 1, not {share}")
    rows = list(read_labelled_texts(path))
    held = by_hash(rows, clusters(rows), share)
    if all(held) or not any(held):
        raise SplitError(f"{path}: {len(rows)} rows cannot be divided so that {share:g} of them validate; bring more")
    out.mkdir(parents=True, exist_ok=True)
    for name, side in zip(SPLITS, (False, True), strict=True):
        chosen = (row for row, is_held in zip(rows, held, strict=True) if is_held == side)
        print(f"{out / name}.jsonl: {write_labelled_texts(out / f'{name}.jsonl', chosen)} rows")
    return 0


def _vocabulary(taxonomy: Taxonomy) -> str:
    lines = [f"taxonomy {taxonomy.version}", "", f"{'area':24}{'floor':>6}{'graphic':>8}{'minutes':>8}  name"]
    lines += [
        f"{area.id:24}{area.floor:>6}{area.graphic:>8}{area.handling_minutes:>8.1f}  {area.name}"
        for area in taxonomy.areas
    ]
    lines += [f"{taxonomy.benign_id:24}{'':22}  {taxonomy.benign_name}", "", "severity"]
    lines += [
        f"{step.level}  {step.name}: {step.anchor} (harm per view {step.weight_per_view:g})"
        for step in taxonomy.severities
    ]
    lines += ["", "actions"]
    lines += [f"{action.id:24}{action.name}" for action in taxonomy.actions]
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m labeling", description="The vocabulary and labelled rows.")
    commands = parser.add_subparsers(dest="command", required=True)
    vocabulary = commands.add_parser("taxonomy", help="print areas, severities and actions")
    check = commands.add_parser("check", help="check a file of labelled rows, line by line")
    check.add_argument("file", type=Path, metavar="FILE", help="labelled rows, .jsonl or .jsonl.gz")
    split = commands.add_parser("split", help="divide labelled rows into train.jsonl and validation.jsonl")
    split.add_argument("file", type=Path, metavar="FILE", help="labelled rows, .jsonl or .jsonl.gz")
    split.add_argument("--out", type=Path, required=True, help="folder to write to")
    split.add_argument("--share", type=float, default=0.2, help="share of the texts that validate (default 0.2)")
    corpus = commands.add_parser("corpus", help="describe the project's own corpus, or write it out as labelled rows")
    corpus.add_argument("--out", type=Path, help="folder to write train.jsonl and validation.jsonl to")
    add_measuring_commands(commands)
    add_snapshot_commands(commands)
    add_exchange_commands(commands)
    guidelines = commands.add_parser("guidelines", help="print the guideline of an area, or check all of them")
    guidelines.add_argument("area", nargs="?", metavar="AREA", help=f"an area, or {INTRODUCTION}; without: check them")
    for command in (vocabulary, check, guidelines):
        command.add_argument(
            "--taxonomy", type=Path, help="taxonomy file (default: the one that ships with the product)"
        )
    return parser


if __name__ == "__main__":
    sys.exit(main())
