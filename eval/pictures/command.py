"""`python -m eval image`: how well an image model does on a team's own labelled pictures."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from eval.pictures.data import PARTS, PictureDataError, read_pictures
from eval.pictures.report import PictureReport, measure_model
from models.images import load_image_model

ALL = "all"


def add_image_command(commands: Any) -> None:
    """Add `image` to the subcommands."""
    command = commands.add_parser("image", help="measure an image model on labelled pictures")
    command.set_defaults(run_command=_image)
    command.add_argument("--model", type=Path, required=True, help="manifest (TOML) of the image model")
    command.add_argument(
        "--data", type=Path, required=True, help="folder with a folder for each class and 'benign', or JSON lines"
    )
    command.add_argument(
        "--part",
        choices=(ALL, *PARTS),
        default=ALL,
        help="a model that was trained on these pictures is measured on 'test' (default: all)",
    )
    command.add_argument("--threads", type=int, default=1, help="cores to use (default 1)")
    command.add_argument("--draws", type=int, default=500, help="bootstrap draws (default 500)")
    command.add_argument("--seed", type=int, default=1, help="seed of the draws (default 1)")
    for name in ("json", "markdown"):
        command.add_argument(f"--{name}", type=Path, metavar="FILE", help=f"write the report as {name} to this file")


def _image(options: argparse.Namespace) -> None:
    model = load_image_model(options.model, threads=options.threads)
    pictures = [one for one in read_pictures(options.data) if options.part in {ALL, one.part}]
    if not pictures:
        raise PictureDataError(
            f"{options.data}: no picture is in the part {options.part!r}; label more, or measure all"
        )
    report = measure_model(model, pictures, part=options.part, draws=options.draws, seed=options.seed)
    print(report.to_markdown(), file=sys.stdout)
    write_report(report, json_file=options.json, markdown_file=options.markdown)


def write_report(report: PictureReport, *, json_file: Path | None, markdown_file: Path | None) -> None:
    """Write the report to those of the files that are named."""
    if json_file is not None:
        json_file.write_text(json.dumps(report.to_json(), indent=1, allow_nan=False) + "\n", encoding="utf-8")
    if markdown_file is not None:
        markdown_file.write_text(report.to_markdown(), encoding="utf-8")
