"""`work`: the background worker."""

import argparse
import asyncio

from service.commands.part import add_parent, ready
from service.settings import Settings
from service.worker import work


def add_to(parser: argparse.ArgumentParser) -> None:
    """Its arguments, and what it does."""
    add_parent(parser)
    parser.set_defaults(run=_work)


def _work(settings: Settings, options: argparse.Namespace) -> None:
    asyncio.run(work(settings, ready(settings, options)))
