"""The commands `snapshot` and `verify`: arguments in, what to print and the exit code out."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labeling.snapshot.build import Recipe, build_snapshot, read_evaluation
from labeling.snapshot.verify import verify_snapshot
from labeling.taxonomy import load_taxonomy

Answer = tuple[str, int]


def add_snapshot_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register both with the parser of `python -m labeling`."""
    snapshot = commands.add_parser("snapshot", help="build an immutable data set of labelled rows, named by its hash")
    snapshot.set_defaults(run_command=_snapshot)
    snapshot.add_argument("file", type=Path, nargs="+", metavar="FILE", help="labelled rows, .jsonl or .jsonl.gz")
    snapshot.add_argument("--out", type=Path, required=True, help="folder in which that of the snapshot is made")
    snapshot.add_argument("--share", type=float, default=0.1, help="share of the rows that validate (default 0.1)")
    snapshot.add_argument(
        "--evaluation",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="evaluation sets whose texts must not be in the snapshot (JSON lines with a text, or .txt)",
    )
    snapshot.add_argument("--drop-leaks", action="store_true", help="leave out what evaluation sets hold, and count it")
    snapshot.add_argument("--drop-stale", action="store_true", help="make areas unknown that a later policy changed")
    snapshot.add_argument("--taxonomy", type=Path, help="taxonomy file (default: the one that ships with the product)")
    verify = commands.add_parser("verify", help="check that a snapshot is what its name says")
    verify.set_defaults(run_command=_verify)
    verify.add_argument("folder", type=Path, metavar="DIR", help="folder of one snapshot")


def _snapshot(options: argparse.Namespace) -> Answer:
    recipe = Recipe(
        share=options.share,
        drop_stale=options.drop_stale,
        evaluation=tuple(read_evaluation(path) for path in options.evaluation),
        drop_leaks=options.drop_leaks,
    )
    folder = build_snapshot(options.file, recipe, options.out, taxonomy=load_taxonomy(options.taxonomy))
    return f"{folder}: {_summary(verify_snapshot(folder))}", 0


def _verify(options: argparse.Namespace) -> Answer:
    return f"{options.folder}: whole; {_summary(verify_snapshot(options.folder))}", 0


def _summary(manifest: Mapping[str, Any]) -> str:
    split, left_out = manifest["split"], manifest["left_out"]
    gone = ", ".join(f"{reason} {count}" for reason, count in left_out.items())
    return f"{split['train']} rows train, {split['validation']} validate; left out: {gone or 'nothing'}"
