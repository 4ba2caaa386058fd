"""`up`: everything on this machine."""

import argparse

from service.local import run_everything
from service.settings import Settings


def add_to(parser: argparse.ArgumentParser) -> None:
    """What it does."""
    parser.set_defaults(run=_run)


def _run(settings: Settings, _options: argparse.Namespace) -> None:
    run_everything(settings)
