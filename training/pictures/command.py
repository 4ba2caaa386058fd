"""`python -m training image`: fine-tune an image model on a team's own labelled pictures and write it for the service."""

import argparse
import sys
from pathlib import Path
from typing import Any, get_args

from eval.pictures.data import read_pictures
from labeling.image_classes import IMAGE_CLASS_IDS
from training.pictures.export import About, Method, export
from training.pictures.train import PictureConfig, fine_tune, load_network


def add_image_command(commands: Any) -> None:
    """Add `image` to the subcommands."""
    command = commands.add_parser("image", help="fine-tune an image model on labelled pictures and export it")
    command.set_defaults(run_command=_image)
    command.add_argument(
        "--data", type=Path, required=True, help="folder with a folder for each class and 'benign', or JSON lines"
    )
    command.add_argument(
        "--encoder", type=Path, required=True, help="folder of a Hugging Face image model to start from"
    )
    command.add_argument("--out", type=Path, required=True, help="new folder for model.onnx, model.toml and the report")
    command.add_argument(
        "--class",
        dest="classes",
        action="append",
        choices=IMAGE_CLASS_IDS,
        help="class to learn; may be repeated (default: all that the labels know)",
    )
    command.add_argument("--name", required=True, help="what people shall call the model")
    command.add_argument("--licence", required=True, help="licence of the encoder's weights and of the pictures")
    command.add_argument("--source", required=True, help="where encoder and pictures are from")
    command.add_argument(
        "--calibration", choices=get_args(Method), default="platt", help="fitted on the validation pictures"
    )
    defaults = PictureConfig()
    for field, kind in (("epochs", int), ("batch", int), ("rate", float), ("seed", int), ("threads", int)):
        default = getattr(defaults, field)
        command.add_argument(f"--{field}", type=kind, default=default, help=f"default {default}")


def _image(options: argparse.Namespace) -> None:
    config = PictureConfig(
        epochs=options.epochs, batch=options.batch, rate=options.rate, seed=options.seed, threads=options.threads
    )
    pictures = read_pictures(options.data)
    labelled = {name for one in pictures for name, applies in one.labels.items() if applies}
    classes = list(dict.fromkeys(options.classes or ())) or [one for one in IMAGE_CLASS_IDS if one in labelled]
    network, rule = load_network(options.encoder, classes)
    trained = fine_tune(network, rule, classes, pictures, config)
    about = About(options.name, options.licence, options.source)
    report = export(trained, pictures, options.out, about=about, method=options.calibration)
    print(report.to_markdown(), file=sys.stdout)
