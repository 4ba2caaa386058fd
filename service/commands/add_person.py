"""`add-person`: an account, with its password and key, this once."""

import argparse
import asyncio
import secrets

from sqlalchemy.ext.asyncio import AsyncConnection

from service.commands.database import with_connection
from service.people.schemas import AccountIn, PersonOut
from service.people.workflow import create_person
from service.security import ROLES
from service.settings import Settings


def add_to(parser: argparse.ArgumentParser) -> None:
    """Its arguments, and what it does."""
    parser.add_argument("username", help="lower case, 2 to 64 characters")
    parser.add_argument("--role", required=True, choices=sorted(ROLES), help="what the account may do")
    parser.set_defaults(run=_add)


def _add(settings: Settings, options: argparse.Namespace) -> None:
    password = secrets.token_urlsafe(12)
    person = AccountIn(username=options.username, role=options.role, password=password)
    consenting = not settings.exposure_consent

    async def run(connection: AsyncConnection) -> PersonOut:
        return await create_person(connection, person, actor=None, consenting=consenting)

    made = asyncio.run(with_connection(settings, run))
    print(f"user name {made.username}\npassword  {password}\nAPI key   {made.api_key}")
