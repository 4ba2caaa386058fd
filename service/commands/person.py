"""`person`: what is known about somebody, and changes of whom they work for and what an hour of theirs costs."""

import argparse
import asyncio

from sqlalchemy.ext.asyncio import AsyncConnection

from labeling.taxonomy import load_taxonomy
from service.commands.database import with_connection
from service.people.schemas import PersonChangeIn, PersonStandingOut
from service.people.workflow import change_person, standing
from service.settings import Settings

# What can be changed.
WORK = {
    "vendor": ("NAME", "the company they work for"),
    "site": ("NAME", "where they work"),
    "started_on": ("DATE", "their first day at work, YYYY-MM-DD"),
    "hourly_cost": ("AMOUNT", "what an hour of theirs costs"),
}


def add_to(parser: argparse.ArgumentParser) -> None:
    """Its arguments, and what it does."""
    parser.add_argument("username", help="whose account")
    for name, (kind, meaning) in WORK.items():
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, metavar=kind, help=f"{meaning}; an empty value takes it away")
    parser.set_defaults(run=_person)


def _person(settings: Settings, options: argparse.Namespace) -> None:
    given = {name: getattr(options, name) for name in WORK if getattr(options, name) is not None}
    body = PersonChangeIn.model_validate({name: value or None for name, value in given.items()})

    async def run(connection: AsyncConnection) -> PersonStandingOut:
        if not given:
            return await standing(connection, options.username)
        taxonomy = load_taxonomy(settings.taxonomy)
        return await change_person(connection, options.username, body, actor=None, taxonomy=taxonomy)

    print(asyncio.run(with_connection(settings, run)).model_dump_json(indent=2))
