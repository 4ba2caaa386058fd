"""`seed`: the sample cases."""

import argparse
import asyncio

from service.commands.database import migrated
from service.samples.load import load_samples, remove_samples
from service.settings import Settings


def add_to(parser: argparse.ArgumentParser) -> None:
    """Its arguments, and what it does."""
    parser.add_argument("--remove", action="store_true", help="remove sample cases and close sample log-ins")
    parser.set_defaults(run=_seed)


def _seed(settings: Settings, options: argparse.Namespace) -> None:
    url = migrated(settings)
    command = remove_samples if options.remove else load_samples
    print(asyncio.run(command(settings, url)))
