"""`views`: what the SQL views for analysts hold, from the comments in the database."""

import argparse
import asyncio

from service.commands.database import with_connection
from service.scorecards.workflow import views_page
from service.settings import Settings


def add_to(parser: argparse.ArgumentParser) -> None:
    """What it does."""
    parser.set_defaults(run=_views)


def _views(settings: Settings, _options: argparse.Namespace) -> None:
    print(asyncio.run(with_connection(settings, views_page)), end="")
