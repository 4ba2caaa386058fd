"""`close-person`: the end of an account with its keys and sessions."""

import argparse
import asyncio

from service.commands.database import with_connection
from service.people.workflow import close_person
from service.settings import Settings


def add_to(parser: argparse.ArgumentParser) -> None:
    """Its arguments, and what it does."""
    parser.add_argument("username", help="whose account to close")
    parser.set_defaults(run=_close)


def _close(settings: Settings, options: argparse.Namespace) -> None:
    name = options.username
    asyncio.run(with_connection(settings, lambda connection: close_person(connection, name, actor=None)))
    print(f"{name} is closed")
