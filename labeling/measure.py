"""The commands that measure labels: agreement of a file, coverage of the intervals, the simulation with a known truth."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from labeling.simulate import Floor, outcome_text, simulate
from labeling.statistics.bootstrap import SEED
from labeling.statistics.coverage import coverage, coverage_text
from labeling.statistics.ratings import RatingsError, read_ratings
from labeling.statistics.report import agreement_report, agreement_text

MAX_RESAMPLES = 100_000


def add_measuring_commands(commands: Any) -> None:
    """Add `agreement`, `simulate` and `coverage`; each sets `report`, which returns what is to be printed."""
    agreement = commands.add_parser(
        "agreement", help="how far several people agree, by every statistic with its interval"
    )
    agreement.set_defaults(report=_agreement)
    agreement.add_argument("file", type=Path, metavar="FILE", help='rows {"item", "rater", "label"}, .jsonl')
    agreement.add_argument(
        "--labels", type=_names, default=(), metavar="A,B", help="all labels in their order, if they have one"
    )
    agreement.add_argument("--raters", type=_names, default=(), metavar="R,S", help="only these raters")
    agreement.add_argument(
        "--experts", type=_names, default=(), metavar="R,S", help="show agreement of these as the ceiling"
    )
    agreement.add_argument("--resamples", type=int, default=2000, help="resamples of the items (default 2000)")
    simulated = commands.add_parser("simulate", help="labels and estimates against a known truth, on an invented floor")
    simulated.set_defaults(report=_simulate)
    floor = Floor()
    simulated.add_argument("--items", type=int, default=floor.items, help=f"default {floor.items}")
    simulated.add_argument("--reviewers", type=int, default=floor.reviewers, help=f"default {floor.reviewers}")
    simulated.add_argument(
        "--random-share", type=float, default=floor.random_share, help=f"default {floor.random_share}"
    )
    simulated.add_argument("--seeds", type=int, default=40, help="floors drawn (default 40)")
    covered = commands.add_parser("coverage", help="how often the 95 %% intervals hold the truth, by simulation")
    covered.set_defaults(report=_coverage)
    covered.add_argument("--repeats", type=int, default=2000, help="samples drawn for each figure (default 2000)")
    covered.add_argument("--resamples", type=int, default=1000, help="resamples of each (default 1000)")
    for command in (agreement, simulated, covered):
        command.add_argument("--seed", type=int, default=SEED, help=f"the first seed (default {SEED})")
        command.add_argument("--json", action="store_true", help="print one JSON object")


def _names(value: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in value.split(",") if name.strip())


def _agreement(options: argparse.Namespace) -> str:
    ratings = read_ratings(options.file, labels=options.labels)
    _check_times("--resamples", options.resamples)
    if options.raters:
        ratings = ratings.only(options.raters)
    found = agreement_report(ratings, experts=options.experts, seed=options.seed, resamples=options.resamples)
    return json.dumps(found, allow_nan=False) if options.json else agreement_text(found)


def _simulate(options: argparse.Namespace) -> str:
    try:
        floor = Floor(items=options.items, reviewers=options.reviewers, random_share=options.random_share)
        found = simulate(floor, range(options.seed, options.seed + options.seeds))
    except ValueError as error:
        raise RatingsError(str(error)) from error
    return json.dumps(found.to_json(), allow_nan=False) if options.json else outcome_text(found)


def _coverage(options: argparse.Namespace) -> str:
    _check_times("--resamples", options.resamples)
    _check_times("--repeats", options.repeats)
    found = list(coverage(repeats=options.repeats, resamples=options.resamples, seed=options.seed))
    return json.dumps([asdict(one) for one in found]) if options.json else coverage_text(found)


def _check_times(option: str, times: int) -> None:
    if not 100 <= times <= MAX_RESAMPLES:
        raise RatingsError(f"{option} must lie between 100 and {MAX_RESAMPLES:,}, not {times}")
