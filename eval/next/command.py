"""`python -m eval next`: which texts are worth a label next, each with the reason, and a random share with its chance."""

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eval.next.draw import RANDOM, RANDOM_SHARE, Mix, MixError, Pick, Pool, draw
from eval.next.judges import Judge, by_bundle, by_learner, by_people, by_scores
from eval.next.learner import Sparse, features_of, fit_areas, vectors_of
from eval.next.rows import read_labelled, read_unlabelled, waiting, write_rows
from eval.next.strategies import UNCERTAINTY, disagreement
from labeling.records import LabelledText, RecordError
from labeling.taxonomy import load_taxonomy

# Chosen before the areas of docs/next-to-label.md were measured.
SHARES = {"uncertainty": 0.8, "diversity": 0.1, "novelty": 0.1}
REASONS = {
    RANDOM: "drawn at random",
    "uncertainty": "the model is unsure whether {area} applies",
    "disagreement": "{other} and the model differ on {area}",
    "diversity": "stands for a group of texts alike",
    "novelty": "nothing that is labelled is like it",
}


@dataclass(frozen=True, slots=True)
class Desk:
    """What a batch is chosen from, and by whom."""

    rows: list[LabelledText]
    areas: tuple[str, ...]
    judge: Judge
    other: Judge | None
    pool: Pool


def add_next_command(commands: Any) -> None:
    """Add `next` to the subcommands."""
    command = commands.add_parser("next", help="choose the texts that are worth a label next")
    command.set_defaults(run_command=_choose)
    command.add_argument("--unlabelled", type=Path, required=True, help="JSON lines with id and text, plain or .gz")
    command.add_argument("--labelled", type=Path, help="labelled rows: what is like them is not new")
    command.add_argument("--bundle", type=Path, help="bundle whose scores and operating points count")
    command.add_argument("--scores", type=Path, help="score file to read instead of scoring; --bundle gives the points")
    command.add_argument(
        "--against", metavar="WHO", help="second judge: `learner`, `people` (labels of the rows) or a score file"
    )
    command.add_argument("--count", type=int, required=True, help="rows to choose")
    command.add_argument("--seed", type=int, required=True, help="seed of the draw; keep it with the batch")
    command.add_argument("--out", type=Path, required=True, help="file to write the batch to")
    command.add_argument("--threads", type=int, default=1, help="cores to use (default 1)")
    command.add_argument("--taxonomy", type=Path, help="taxonomy file (default: the one that ships with the product)")
    add_mix(command)


def add_mix(command: argparse.ArgumentParser) -> None:
    """Add the options that say how a batch is put together."""
    shown = " ".join(f"{name}={share:g}" for name, share in SHARES.items())
    command.add_argument(
        "--share",
        action="append",
        default=[],
        metavar="STRATEGY=SHARE",
        help=f"share of what the random share leaves; may be repeated (default: {shown})",
    )
    command.add_argument(
        "--random-share", type=float, default=RANDOM_SHARE, help=f"drawn at random (default {RANDOM_SHARE:g})"
    )
    command.add_argument(
        "--uncertainty", choices=list(UNCERTAINTY), default="margin", help="how it is measured (default margin)"
    )
    command.add_argument(
        "--not-apart", action="store_true", help="let uncertain rows be alike, instead of one for each group of them"
    )


def mix_of(options: argparse.Namespace) -> Mix:
    """The mix that the options of `add_mix` say. Raises MixError."""
    shares: dict[str, float] = {}
    for one in options.share:
        name, _, share = one.partition("=")
        try:
            shares[name] = float(share)
        except ValueError as error:
            raise MixError(f"--share {one}: must be STRATEGY=SHARE, such as novelty=0.2") from error
    return Mix(shares or SHARES, options.random_share, options.uncertainty, not options.not_apart)


def _choose(options: argparse.Namespace) -> None:
    mix = mix_of(options)
    areas = load_taxonomy(options.taxonomy).area_ids
    unlabelled, labelled = read_unlabelled(options.unlabelled), read_labelled(options.labelled)
    rows = waiting(unlabelled, labelled)
    if not rows:
        raise RecordError(f"{options.unlabelled}: every text is labelled already, or empty")
    if left_out := len(unlabelled) - len(rows):
        print(f"{left_out} rows left out: labelled already, empty, or the text of another row", file=sys.stderr)
    desk = _desk(options, rows, labelled, areas)
    picks = draw(desk.pool, options.count, mix=mix, seed=options.seed)
    write_rows(options.out, _lines(desk, picks, mix=mix, seed=options.seed))
    counts = {lane: number for lane, number in mix.counts(options.count).items() if number}
    told = ", ".join(f"{number} {lane}" for lane, number in counts.items())
    print(f"{len(picks)} of {len(rows)} rows chosen by {desk.judge.name}: {told}", file=sys.stderr)


def _desk(
    options: argparse.Namespace,
    rows: list[LabelledText],
    labelled: Sequence[LabelledText],
    areas: tuple[str, ...],
) -> Desk:
    features = features_of([row.text for row in [*rows, *labelled]])
    vectors = vectors_of(features, seed=options.seed)
    first = len(rows)
    learner: Judge | None = None
    if options.against == "learner" or (options.bundle is None and options.scores is None):
        learner = _learner(features, first, labelled, areas)
    if options.scores is not None:
        judge = by_scores(options.scores, options.bundle, rows, areas)
    elif options.bundle is not None:
        judge = by_bundle(options.bundle, rows, areas, threads=options.threads)
    else:
        judge = learner or _learner(features, first, labelled, areas)
    other = _other(options.against, learner, rows, areas)
    if other is judge:
        raise MixError("--against learner: it is the only judge; name a --bundle or --scores beside it")
    second = None if other is None else other.probabilities
    pool = Pool(vectors[:first], judge.probabilities, judge.thresholds, vectors[first:], second)
    return Desk(rows, areas, judge, other, pool)


def _learner(features: Sparse, first: int, labelled: Sequence[LabelledText], areas: tuple[str, ...]) -> Judge:
    models = fit_areas(features[first:], labelled, areas) if labelled else {}
    if not models:
        raise RecordError("too few labelled rows to learn any area from: name a --bundle or --scores")
    return by_learner(models, features[:first], areas)


def _other(
    against: str | None, learner: Judge | None, rows: Sequence[LabelledText], areas: tuple[str, ...]
) -> Judge | None:
    if against is None:
        return None
    if against == "learner":
        return learner
    return by_people(rows, areas) if against == "people" else by_scores(Path(against), None, rows, areas)


def _lines(desk: Desk, picks: Sequence[Pick], *, mix: Mix, seed: int) -> Iterator[dict[str, Any]]:
    """The rows as they came, and under `next` lane, chance and reason. A weight stands on the random share alone.

    A row may have a lane and a weight of its own, by which it came among those that wait: they stay.
    """
    for pick in picks:
        yield {
            **desk.rows[pick.row].to_json(),
            "next": {
                "lane": pick.lane,
                "propensity": pick.propensity,
                "sampling_weight": None if pick.propensity is None else 1 / pick.propensity,
                "reason": _reason(desk, pick, mix),
                "value": None if pick.value is None else round(pick.value, 6),
                "judge": desk.judge.name,
                "waiting": len(desk.rows),
                "seed": seed,
            },
        }


def _reason(desk: Desk, pick: Pick, mix: Mix) -> str:
    """The reason in words, with the area that the value is of."""
    said = desk.pool.probabilities[pick.row]
    if pick.lane == "disagreement" and desk.pool.other is not None:
        values = disagreement(said, desk.pool.other[pick.row])
    else:
        values = UNCERTAINTY[mix.uncertainty](said, desk.pool.thresholds)
    of = int(np.argmax(np.where(np.isnan(values), -math.inf, values)))
    return REASONS[pick.lane].format(area=desk.areas[of], other="" if desk.other is None else desk.other.name)
