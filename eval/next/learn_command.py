"""`python -m eval learn`: what choosing the next texts saves against a random order, on rows whose labels are known."""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from eval.markdown import aligned, table_markdown
from eval.next.command import add_mix, mix_of
from eval.next.experiment import Result, make_trial, run_trial
from eval.next.figures import figures, table, to_json
from labeling.records import LabelledText, RecordError, read_labelled_texts
from labeling.taxonomy import load_taxonomy


def add_learn_command(commands: Any) -> None:
    """Add `learn` to the subcommands."""
    command = commands.add_parser("learn", help="measure what choosing the next texts saves against a random order")
    command.set_defaults(run_command=_learn)
    command.add_argument("--data", type=Path, required=True, help="labelled rows that the pools are drawn from")
    command.add_argument("--held-out", type=Path, required=True, help="labelled rows that courses are measured on")
    command.add_argument("--area", action="append", required=True, help="policy area; may be repeated")
    command.add_argument("--rows", type=int, default=5_000, help="rows of a pool, and held out, at most (default 5000)")
    command.add_argument("--seeds", type=int, default=5, help="pools drawn for each area (default 5)")
    command.add_argument("--seed", type=int, default=1, help="the first of them (default 1)")
    command.add_argument("--json", type=Path, metavar="FILE", help="write figures and every measurement to this file")
    command.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    command.add_argument("--taxonomy", type=Path, help="taxonomy file (default: the one that ships with the product)")
    add_mix(command)


def _learn(options: argparse.Namespace) -> None:
    mix = mix_of(options)
    areas = load_taxonomy(options.taxonomy).area_ids
    if strange := sorted(set(options.area) - set(areas)):
        raise RecordError(f"no policy area {strange[0]!r}; known: {', '.join(areas)}")
    if options.seeds < 1 or options.rows < 100:
        raise ValueError("--seeds must be 1 or more and --rows 100 or more")
    rows, held_out = (_known(path, options.area) for path in (options.data, options.held_out))
    results: list[Result] = []
    for area in options.area:
        for seed in range(options.seed, options.seed + options.seeds):
            begun = time.monotonic()
            result = run_trial(make_trial(rows, held_out, area, most=options.rows, seed=seed), mix)
            if result is None:
                raise RecordError(f"{area}: a pool of {options.rows} rows, seed {seed}, teaches nothing")
            results.append(result)
            print(f"{area}, seed {seed}: {time.monotonic() - begun:.0f} s", file=sys.stderr)
    found = figures(results)
    print((table_markdown if options.markdown else aligned)(table(found)))
    if options.json is not None:
        values = {"data": options.data.name, "held_out": options.held_out.name, **to_json(results, found)}
        options.json.write_text(json.dumps(values, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def _known(path: Path, areas: list[str]) -> list[LabelledText]:
    """The rows of a file that know one of the areas."""
    wanted = set(areas)
    return [row for row in read_labelled_texts(path) if wanted & set(row.annotated_areas)]
