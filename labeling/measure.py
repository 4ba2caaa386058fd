"""The commands that measure labels: agreement of a file, coverage of the intervals, the simulation with a known truth."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from labeling.simulate import Floor, outcome_text, simulate
from labeling.statistics.bootstrap import SEED
from labeling.statistics.coverage import PARTS, coverage, coverage_text
from labeling.statistics.ratings import RatingsError, read_ratings
from labeling.statistics.report import agreement_report, agreement_text

MAX_RESAMPLES = 100_000
MAX_FLOORS = 1_000
MAX_SEED = 2**32 - 1


def add_measuring_commands(commands: Any) -> None:
    """Add `agreement`, `simulate` and `coverage`; each sets `report`, which returns what is to be printed."""
    agreement = commands.add_parser(
        "agreement", help="how far several people agree, by every statistic with its interval"
    )
    agreement.set_defaults(run_command=_agreement)
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
    simulated.set_defaults(run_command=_simulate)
    floor = Floor()
    simulated.add_argument("--items", type=int, default=floor.items, help=f"default {floor.items}")
    simulated.add_argument("--reviewers", type=int, default=floor.reviewers, help=f"default {floor.reviewers}")
    simulated.add_argument(
        "--random-share", type=float, default=floor.random_share, help=f"default {floor.random_share}"
    )
    simulated.add_argument("--answers", type=int, default=floor.answers, help=f"of each item (default {floor.answers})")
    simulated.add_argument("--hard", type=float, default=floor.hard, help=f"share of hard items (default {floor.hard})")
    simulated.add_argument("--seeds", type=int, default=60, help="floors drawn (default 60)")
    covered = commands.add_parser("coverage", help="how often the 95 %% intervals hold the truth, by simulation")
    covered.set_defaults(run_command=_coverage)
    covered.add_argument("--repeats", type=int, default=1500, help="samples drawn for each figure (default 1500)")
    covered.add_argument("--resamples", type=int, default=1000, help="resamples of each (default 1000)")
    covered.add_argument("--only", choices=PARTS, help="one part of the figures")
    for command in (agreement, simulated, covered):
        command.add_argument("--seed", type=int, default=SEED, help=f"the first seed (default {SEED})")
        command.add_argument("--json", action="store_true", help="print one JSON object")


def _names(value: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in value.split(",") if name.strip())


def _agreement(options: argparse.Namespace) -> tuple[str, int]:
    _check("--seed", options.seed, 0, MAX_SEED)
    _check("--resamples", options.resamples, 100, MAX_RESAMPLES)
    ratings = read_ratings(options.file, labels=options.labels)
    if options.raters:
        ratings = ratings.only(options.raters)
    found = agreement_report(ratings, experts=options.experts, seed=options.seed, resamples=options.resamples)
    return (json.dumps(found, allow_nan=False) if options.json else agreement_text(found)), 0


def _simulate(options: argparse.Namespace) -> tuple[str, int]:
    _check("--seed", options.seed, 0, MAX_SEED)
    _check("--seeds", options.seeds, 2, MAX_FLOORS)
    try:
        floor = Floor(
            items=options.items,
            reviewers=options.reviewers,
            answers=options.answers,
            random_share=options.random_share,
            hard=options.hard,
        )
        found = simulate(floor, range(options.seed, options.seed + options.seeds))
    except ValueError as error:
        raise RatingsError(str(error)) from error
    return (json.dumps(found.to_json(), allow_nan=False) if options.json else outcome_text(found)), 0


def _coverage(options: argparse.Namespace) -> tuple[str, int]:
    _check("--seed", options.seed, 0, MAX_SEED)
    _check("--resamples", options.resamples, 100, MAX_RESAMPLES)
    _check("--repeats", options.repeats, 100, MAX_RESAMPLES)
    found = list(coverage(repeats=options.repeats, resamples=options.resamples, seed=options.seed, only=options.only))
    return (json.dumps([asdict(one) for one in found]) if options.json else coverage_text(found)), 0


def _check(option: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise RatingsError(f"{option} must lie between {least} and {most:,}, not {value}")
