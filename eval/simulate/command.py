"""`python -m eval simulate`: what each order would leak, miss and leave lying, on invented arrivals."""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from eval.markdown import aligned
from eval.simulate.engine import Rules
from eval.simulate.report import measure_policies, page, table, to_json
from eval.simulate.world import read_world
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
    command.add_argument("--random-share", type=float, default=0.05, help="claims drawn at random (default 0.05)")
    command.add_argument("--latest-start", type=float, metavar="HOURS", help="when every case is due (default 72)")
    command.add_argument("--world", type=Path, help="TOML file with parameters of the world (eval/simulate/world.py)")
    command.add_argument("--ranking", type=Path, help="ranking configuration (default: the one that ships)")
    command.add_argument("--noise", type=float, help="standard deviation of the model's logit, for a poorer classifier")
    command.add_argument("--days", type=float, help="days to simulate")
    command.add_argument("--json", action="store_true", help="print one JSON object for each policy and load")
    command.add_argument("--out", type=Path, help="HTML page with plots to write")
    command.add_argument("--taxonomy", type=Path, help="taxonomy file (default: the one that ships with the product)")


def _simulate(options: argparse.Namespace) -> None:
    changes = {"logit_noise": options.noise, "days": options.days}
    world = read_world(options.world, **{name: value for name, value in changes.items() if value is not None})
    config = read_ranking(options.ranking)
    if options.latest_start:
        config = replace(config, latest_start_hours=options.latest_start)
    found = []
    for one in measure_policies(
        world,
        Rules(load_taxonomy(options.taxonomy), config, options.random_share),
        policies=options.policy or list(POLICIES),
        loads=options.load or LOADS,
        seeds=range(options.seed, options.seed + options.seeds),
    ):
        found.append(one)
        if options.json:
            print(json.dumps(to_json(one)), flush=True)
    if not options.json:
        print(aligned(table(found)))
    if options.out:
        options.out.write_text(page(found, world), encoding="utf-8")
