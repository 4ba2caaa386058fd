"""`demo`: one report on its way through the running service."""

import argparse

from service.demo import walk_through
from service.settings import Settings


def add_to(parser: argparse.ArgumentParser) -> None:
    """What it does."""
    parser.set_defaults(run=_walk)


def _walk(settings: Settings, _options: argparse.Namespace) -> None:
    walk_through(settings)
