"""`python -m eval simulate`: what each order would leak, miss and leave lying, on invented arrivals or on those of a log."""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from eval.markdown import aligned
from eval.simulate.engine import Rules
from eval.simulate.figures import Figures, measure_policies, to_json
from eval.simulate.replay import load_of, replay_scene
from eval.simulate.report import page, table
from eval.simulate.world import World, read_world, scene_of
from labeling.taxonomy import load_taxonomy
from models.rank import POLICIES
from models.rank_file import read_ranking

LOADS = (0.8, 0.95, 1.2, 1.6)


def add_simulate_command(commands: Any) -> None:
    """Add `simulate` to the subcommands."""
    command = commands.add_parser("simulate", help="compare the orders of a queue on invented arrivals")
    command.set_defaults(run_command=_simulate)
    command.add_argument("--load", type=float, action="append", help="work that arrives by capacity; may be repeated")
    command.add_argument("--policy", choices=list(POLICIES), action="append", help="default: all; may be repeated")
    command.add_argument("--seeds", type=int, default=3, help="arrivals drawn for each load (default 3)")
    command.add_argument("--seed", type=int, default=1, help="the first of them (default 1)")
    command.add_argument("--random-share", type=float, help="claims drawn at random (default: that of the ranking)")
    command.add_argument("--latest-start", type=float, metavar="HOURS", help="when every case is due (default 72)")
    command.add_argument("--replay", type=Path, metavar="LOG", help="decision log to run instead of invented arrivals")
    command.add_argument(
        "--half-life", type=float, default=10.0, metavar="HOURS", help="in which views of a log halve (default 10)"
    )
    command.add_argument("--world", type=Path, help="TOML file with parameters of the world (eval/simulate/world.py)")
    command.add_argument("--ranking", type=Path, help="ranking configuration (default: the one that ships)")
    command.add_argument("--noise", type=float, help="standard deviation of the model's logit, for a poorer classifier")
    command.add_argument("--days", type=float, help="days to simulate")
    command.add_argument("--json", action="store_true", help="print one JSON object for each policy and load")
    command.add_argument("--out", type=Path, help="HTML page with plots to write")
    command.add_argument("--taxonomy", type=Path, help="taxonomy file (default: the one that ships with the product)")


def _simulate(options: argparse.Namespace) -> None:
    if options.seeds < 1:
        raise ValueError("--seeds must be 1 or more")
    config = read_ranking(options.ranking)
    given = {"latest_start_hours": options.latest_start, "random_share": options.random_share}
    config = replace(config, **{name: value for name, value in given.items() if value is not None})
    rules = Rules(load_taxonomy(options.taxonomy), config)
    if options.replay is not None:
        _replay(options, rules)
        return
    changes = {"logit_noise": options.noise, "days": options.days}
    world = read_world(options.world, **{name: value for name, value in changes.items() if value is not None})
    _tell(_worlds(options, world, rules), options, asdict(world))


def _replay(options: argparse.Namespace, rules: Rules) -> None:
    if named := [name for name in ("load", "world", "noise", "days") if getattr(options, name) is not None]:
        raise ValueError(f"a log brings its own world: leave out --{', --'.join(named)}")
    scene = replay_scene(options.replay, rules.taxonomy, rules.ranking, half_life=options.half_life)
    arrivals, seeds = scene.arrivals, [options.seed]
    unknown = int((arrivals.severity < 0).sum())
    print(
        f"{len(arrivals):,} cases, {len(scene.team.sessions)} reviewers at most; of {unknown:,} nobody knows the truth: "
        "they stand in the queue and are left out of the leak. Views and probabilities are those of each case's first claim "
        "(of the export for those never claimed), known to every order from the arrival on; deadlines are the last ones set",
        file=sys.stderr,
    )
    policies = options.policy or list(POLICIES)
    found = measure_policies([scene], rules, policies=policies, load=load_of(scene), seeds=seeds)
    _tell(found, options, {"log": options.replay.name, "half_life": options.half_life})


def _worlds(options: argparse.Namespace, world: World, rules: Rules) -> Iterable[Figures]:
    seeds = range(options.seed, options.seed + options.seeds)
    # Every load must describe a world before the first one is simulated for minutes.
    for at_load in [replace(world, load=load) for load in options.load or LOADS]:
        scenes = [scene_of(at_load, rules.taxonomy, rules.ranking, seed) for seed in seeds]
        yield from measure_policies(
            scenes, rules, policies=options.policy or list(POLICIES), load=at_load.load, seeds=seeds
        )


def _tell(figures: Iterable[Figures], options: argparse.Namespace, source: Mapping[str, Any]) -> None:
    found = []
    for one in figures:
        found.append(one)
        if options.json:
            print(json.dumps(to_json(one)), flush=True)
    if not options.json:
        print(aligned(table(found)))
    if options.out:
        options.out.write_text(page(found, source), encoding="utf-8")
