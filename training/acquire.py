"""`python -m training data`: rows to train on from public sources, with their data card."""

import argparse
import logging
from pathlib import Path

import httpx

from training.sources.build import Recipe, build_data
from training.sources.fetch import Downloads, Mirror
from training.sources.registry import choose_sources, load_sources

POLICIES = ("commercial", "all")
VALIDATION_SHARE = 0.1

_LOG = logging.getLogger(__name__)


def add_data_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand to those of `python -m training`."""
    parser = commands.add_parser("data", help="fetch public sources and write the rows to train and validate on")
    parser.set_defaults(run_command=acquire)
    parser.add_argument("--out", type=Path, required=True, help="folder for train, validation and data card")
    parser.add_argument("--mirror", type=Path, help="folder with the files of the sources; without it they are fetched")
    parser.add_argument(
        "--licence-policy",
        choices=POLICIES,
        default="commercial",
        help="only licences that permit commercial use (default), or all",
    )
    parser.add_argument("--source", action="append", help="only this source; may be given several times")
    parser.add_argument(
        "--keep-out", type=Path, nargs="+", default=[], help="evaluation files whose texts must not be trained on"
    )
    parser.add_argument(
        "--validation-share", type=_share, default=VALIDATION_SHARE, help="share of texts that validate (default: 0.1)"
    )


def acquire(options: argparse.Namespace) -> None:
    """Read the sources and write rows and card. Raises SourceError, OSError."""
    known = load_sources()
    chosen = choose_sources(known, policy=options.licence_policy, names=options.source)
    recipe = Recipe(
        sources=chosen,
        refused=tuple(one for one in known if one not in chosen and not options.source),
        policy=options.licence_policy,
        validation_share=options.validation_share,
        keep_out=tuple(options.keep_out),
    )
    with httpx.Client() as client:
        supply = Mirror(options.mirror) if options.mirror else Downloads(options.out / "raw", client)
        card = build_data(recipe, supply, options.out)
    rows = {name: side["rows"] for name, side in card["sides"].items()}
    _LOG.info("%s: %s train rows, %s validation rows", options.out, f"{rows['train']:,}", f"{rows['validation']:,}")


def _share(value: str) -> float:
    share = float(value)
    if not 0 < share < 1:
        raise argparse.ArgumentTypeError("a share between 0 and 1 is needed")
    return share
