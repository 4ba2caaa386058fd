"""`python -m eval suspects`: labels that look wrong, for somebody to look at again."""

import argparse
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from eval.next.learner import features_of
from eval.next.rows import read_labelled, write_rows
from eval.next.suspects import Suspect, cross_probabilities, find_suspects, plant
from eval.scores import read_scores
from eval.truth import make_truth
from labeling.records import RecordError
from labeling.taxonomy import load_taxonomy

MOST_SUSPECTS = 1_000


def add_suspects_command(commands: Any) -> None:
    """Add `suspects` to the subcommands."""
    command = commands.add_parser("suspects", help="find labels that look wrong")
    command.set_defaults(run_command=_suspects)
    command.add_argument("--labels", type=Path, required=True, help="labelled rows, plain or .gz")
    command.add_argument("--scores", type=Path, help="score file of a model that never saw these labels")
    command.add_argument("--out", type=Path, required=True, help="file to write the suspects to, worst first")
    command.add_argument(
        "--count", type=int, default=MOST_SUSPECTS, help=f"suspects to write at most (default {MOST_SUSPECTS})"
    )
    command.add_argument(
        "--plant",
        type=int,
        metavar="N",
        help="make N labels wrong first, and say how many are found: a check of the method",
    )
    command.add_argument("--seed", type=int, default=1, help="seed of the folds (default 1)")
    command.add_argument("--taxonomy", type=Path, help="taxonomy file (default: the one that ships with the product)")


def _suspects(options: argparse.Namespace) -> None:
    if options.count < 1 or (options.plant is not None and options.plant < 2):
        raise ValueError("--count must be 1 or more, and --plant 2 or more")
    taxonomy = load_taxonomy(options.taxonomy)
    rows = read_labelled(options.labels)
    if not rows:
        raise RecordError(f"{options.labels}: holds no rows")
    if len({row.id for row in rows}) < len(rows):
        raise RecordError(f"{options.labels}: a row id comes twice; a label is judged once")
    planted: set[str] = set()
    if options.plant is not None:
        rows, planted = plant(rows, options.plant, seed=options.seed)
    truth = make_truth(rows, taxonomy.area_ids)
    if options.scores is None:
        features = features_of([row.text for row in rows])
        probabilities = cross_probabilities(features, rows, truth, seed=options.seed)
    else:
        probabilities = read_scores(options.scores, rows, taxonomy.area_ids).areas
    found = find_suspects(rows, truth, probabilities, taxonomy.area_ids, benign=taxonomy.benign_id)
    issues = [one for one in found if one.issue][: options.count]
    write_rows(options.out, (one.to_json() for one in issues))
    counted = sum(one.issue for one in found)
    print(
        f"{len(rows)} rows, {len(found)} with a judged label, {counted} suspects, {len(issues)} written",
        file=sys.stderr,
    )
    if planted:
        print(told(found, planted))
    if not found:
        print("no area has enough labels of both kinds to be judged", file=sys.stderr)


def told(found: Sequence[Suspect], planted: Collection[str]) -> str:
    """How many of the planted labels are among as many first suspects, and among all of them."""
    first = sum(one.id in planted for one in found[: len(planted)])
    issues = [one.id in planted for one in found if one.issue]
    return (
        f"{len(planted)} planted in {len(found)} judged rows, base rate {len(planted) / max(len(found), 1):.3f}; precision of the "
        f"first {len(planted)}: {first / len(planted):.3f}; of all {len(issues)} suspects: "
        f"{sum(issues) / max(len(issues), 1):.3f}, recall {sum(issues) / len(planted):.3f}"
    )
