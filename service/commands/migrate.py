"""`migrate`: the newest schema."""

import argparse

from service.commands.database import migrated
from service.settings import Settings


def add_to(parser: argparse.ArgumentParser) -> None:
    """What it does."""
    parser.set_defaults(run=_migrate)


def _migrate(settings: Settings, _options: argparse.Namespace) -> None:
    migrated(settings)
