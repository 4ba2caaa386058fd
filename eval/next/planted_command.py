"""`python -m eval planted`: how well `suspects` finds wrong labels, shown on ones that were put there."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from eval.markdown import aligned, table_markdown
from eval.metrics import Values
from eval.next.figures import cell, mean_of
from eval.next.learner import MIN_OF_A_KIND, features_of
from eval.next.planting import KINDS, Planted, export_shaped, plant
from eval.next.rows import read_labelled
from eval.next.stacked import stacked
from eval.next.suspects import DOUBTS, cross_probabilities, find_suspects, fitting_doubt, judge_labels, surprises
from eval.scores import read_scores
from eval.sections import Table
from eval.truth import Truth, make_truth
from labeling.records import LabelledText, RecordError
from labeling.snapshot.clusters import clusters
from labeling.taxonomy import Taxonomy, load_taxonomy

DEPTHS = (20, 50, 110, 250)


def add_planted_command(commands: Any) -> None:
    """Add `planted` to the subcommands."""
    command = commands.add_parser("planted", help="measure how well `suspects` finds wrong labels, by planting some")
    command.set_defaults(run_command=_planted)
    command.add_argument("--labels", type=Path, required=True, help="labelled rows, plain or .gz")
    command.add_argument("--scores", type=Path, help="score file of a model that never saw these labels")
    command.add_argument("--share", type=float, default=0.05, help="share of rows to make wrong (default .05)")
    command.add_argument(
        "--export-shape",
        action="store_true",
        help="cut rows to what an exported decision says: one area and nothing of the others, or that none applies",
    )
    command.add_argument("--seeds", type=int, default=10, help="times to do so (default 10)")
    command.add_argument("--seed", type=int, default=1, help="the first seed (default 1)")
    command.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    command.add_argument("--taxonomy", type=Path, help="taxonomy file (default: the one that ships with the product)")


def _planted(options: argparse.Namespace) -> None:
    if options.seeds < 1 or not 0 < options.share < 0.5:
        raise ValueError("--seeds must be 1 or more, and --share between 0 and .5")
    taxonomy = load_taxonomy(options.taxonomy)
    rows = read_labelled(options.labels)
    count = round(options.share * len(rows))
    if count < len(KINDS):
        raise RecordError(f"{options.labels}: {len(rows)} rows are too few to make a share of {options.share:g} wrong")
    scores = None if options.scores is None else read_scores(options.scores, rows, taxonomy.area_ids).areas
    groups = np.array(clusters(rows))
    features = features_of([row.text for row in rows]) if scores is None else None
    measured: dict[str, list[list[float]]] = {}
    for seed in range(options.seed, options.seed + options.seeds):
        planted = plant(rows, count, taxonomy.area_ids, seed=seed)
        if options.export_shape:
            planted = Planted([export_shaped(row) for row in planted.rows], planted.kinds)
        truth = make_truth(planted.rows, taxonomy.area_ids)
        if scores is None:
            ways = {"TF-IDF": cross_probabilities(features, planted.rows, truth, seed=seed)}
        else:
            ways = {"scores": scores, "scores, stacked": stacked(scores, truth, groups, seed=seed)}
        for way, order in _orders(planted, truth, ways, taxonomy, seed=seed):
            measured.setdefault(way, []).append(_measured(order, planted))
        print(f"seed {seed}: {count} of {len(rows)} rows made wrong", file=sys.stderr)
    print((table_markdown if options.markdown else aligned)(_table(measured)))
    print(f"{len(rows)} rows, {count} wrong each time: base rate {count / len(rows):.3f}, {options.seeds} seeds")


def _orders(
    planted: Planted, truth: Truth, ways: dict[str, Values], taxonomy: Taxonomy, *, seed: int
) -> list[tuple[str, list[str]]]:
    """The ids of all rows in the order in which they would be looked at, by each way."""
    rows = planted.rows
    order = np.random.default_rng([seed, 1]).permutation(len(rows))
    found = [("random order", [rows[place].id for place in order])]
    for way, probabilities in ways.items():
        found.append((f"{way}; worst label of each area", worst_by_area(rows, truth, probabilities)))
        surprise, _ = surprises(truth, probabilities)
        for name in DOUBTS:
            chosen = " (suspects)" if name == fitting_doubt(surprise) else ""
            found.append((f"{way}; {name}{chosen}", _most_doubtful(rows, surprise, name)))
        suspects = find_suspects(rows, truth, probabilities, taxonomy.area_ids, benign=taxonomy.benign_id)
        clear = {row.id for row in rows if not row.policy_areas}
        found.append((f"{way}; suspects, rows without an area", [one.id for one in suspects if one.id in clear]))
    return found


def _most_doubtful(rows: Sequence[LabelledText], surprise: Values, name: str) -> list[str]:
    judged = np.flatnonzero(~np.isnan(surprise).all(axis=1))
    doubts = DOUBTS[name](surprise[judged]).tolist()
    ordered = sorted(zip(doubts, judged.tolist(), strict=True), key=lambda pair: (-pair[0], rows[pair[1]].id))
    return [rows[row].id for _, row in ordered]


def worst_by_area(rows: Sequence[LabelledText], truth: Truth, probabilities: Values) -> list[str]:
    """The order that `suspects` does not use: the labels that count as wrong, by cleanlab's quality within their area."""
    worst: dict[int, tuple[bool, float]] = {}
    for column in range(probabilities.shape[1]):
        judged = np.flatnonzero((truth.known[:, column] > 0) & ~np.isnan(probabilities[:, column]))
        labels = truth.labels[judged, column] > 0
        if min(labels.sum(), (~labels).sum()) < MIN_OF_A_KIND:
            continue
        quality, issues = judge_labels(labels, probabilities[judged, column])
        for row, value, issue in zip(judged.tolist(), quality.tolist(), issues.tolist(), strict=True):
            worst[row] = min(worst.get(row, (True, 2.0)), (not issue, value))
    return [rows[row].id for row in sorted(worst, key=lambda row: (worst[row], rows[row].id))]


def _measured(order: Sequence[str], planted: Planted) -> list[float]:
    """Precision of the first of each of DEPTHS, and the share found of each kind among as many as were planted."""
    hits = [one in planted.kinds for one in order]
    first = set(order[: len(planted.kinds)])
    kinds = [[name for name, kind in planted.kinds.items() if kind == wanted] for wanted in KINDS]
    return [
        *(sum(hits[:depth]) / depth for depth in DEPTHS),
        *(sum(name in first for name in names) / max(len(names), 1) for names in kinds),
    ]


def _table(measured: dict[str, list[list[float]]]) -> Table:
    head = ("judge; order", *(f"right of the first {depth}" for depth in DEPTHS), *(f"found: {kind}" for kind in KINDS))
    return Table(
        head,
        tuple(
            (way, *(cell(mean_of(values)) for values in zip(*lines, strict=True))) for way, lines in measured.items()
        ),
    )
