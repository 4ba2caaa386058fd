"""`python -m eval suspects`: labels that look wrong, for somebody to look at again."""

import argparse
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from eval.metrics import Values
from eval.next.judges import by_bundle
from eval.next.learner import features_of
from eval.next.rows import read_labelled, write_rows
from eval.next.stacked import stacked
from eval.next.suspects import cross_probabilities, find_suspects
from eval.scores import read_scores
from eval.truth import Truth, make_truth
from labeling.records import LabelledText, RecordError
from labeling.snapshot.clusters import clusters
from labeling.taxonomy import Taxonomy, load_taxonomy
from models.bundle import load_bundle

MOST_SUSPECTS = 1_000


def add_suspects_command(commands: Any) -> None:
    """Add `suspects` to the subcommands."""
    command = commands.add_parser("suspects", help="find labels that look wrong")
    command.set_defaults(run_command=_suspects)
    command.add_argument("--labels", type=Path, required=True, help="labelled rows, plain or .gz")
    judge = command.add_mutually_exclusive_group()
    judge.add_argument("--bundle", type=Path, help="bundle that never saw these labels; scores the rows now")
    judge.add_argument("--scores", type=Path, help="score file of a model that never saw these labels")
    command.add_argument("--out", type=Path, required=True, help="file to write the suspects to, worst first")
    command.add_argument(
        "--count", type=int, default=MOST_SUSPECTS, help=f"suspects to write at most (default {MOST_SUSPECTS})"
    )
    command.add_argument("--seed", type=int, default=1, help="seed of the folds (default 1)")
    command.add_argument("--taxonomy", type=Path, help="taxonomy file (default: the one that ships with the product)")


def _suspects(options: argparse.Namespace) -> None:
    if options.count < 1:
        raise ValueError("--count must be 1 or more")
    taxonomy = load_taxonomy(options.taxonomy)
    rows = read_labelled(options.labels)
    if not rows:
        raise RecordError(f"{options.labels}: holds no rows")
    if len({row.id for row in rows}) < len(rows):
        raise RecordError(f"{options.labels}: a row id comes twice; a label is judged once")
    truth = make_truth(rows, taxonomy.area_ids)
    probabilities = _probabilities(options, rows, truth, taxonomy)
    found = find_suspects(rows, truth, probabilities, taxonomy.area_ids, benign=taxonomy.benign_id)
    issues = [one for one in found if one.issue][: options.count]
    write_rows(options.out, (one.to_json() for one in issues))
    counted = sum(one.issue for one in found)
    print(
        f"{len(rows)} rows, {len(found)} with a judged label, {counted} suspects, {len(issues)} written",
        file=sys.stderr,
    )
    if not found:
        print("no area has enough labels of both kinds to be judged", file=sys.stderr)


def _probabilities(
    options: argparse.Namespace, rows: Sequence[LabelledText], truth: Truth, taxonomy: Taxonomy
) -> Values:
    if options.bundle is not None:
        _refuse_what_it_learned(options.bundle, options.labels)
        scores = by_bundle(options.bundle, rows, taxonomy.area_ids, threads=1).probabilities
    elif options.scores is not None:
        scores = read_scores(options.scores, rows, taxonomy.area_ids).areas
    else:
        return cross_probabilities(features_of([row.text for row in rows]), rows, truth, seed=options.seed)
    return stacked(scores, truth, np.array(clusters(rows)), seed=options.seed)


def _refuse_what_it_learned(bundle: Path, labels: Path) -> None:
    """A model repeats the wrong labels that it was taught. Only the very file is noticed. Raises BundleError, RecordError."""
    with labels.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    trained: Any = load_bundle(bundle).manifest.get("training")
    while trained:
        data = trained.get("data") or {}
        if any(one.get("sha256") == digest for one in data.get("files", [])):
            raise RecordError(
                f"{labels}: {bundle} learned from these labels and would believe them; leave --bundle out, or name another"
            )
        trained = data.get("started_from")
