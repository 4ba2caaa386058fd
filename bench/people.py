"""Accounts that a benchmark acts as."""

from dataclasses import dataclass
from uuid import UUID

import uvloop

from service.db import create_engine
from service.people.schemas import AccountIn, RoleName
from service.people.workflow import create_person


@dataclass(frozen=True, slots=True)
class Account:
    """An account with its key."""

    id: UUID
    key: str


def add_accounts(url: str, role: RoleName, count: int) -> list[Account]:
    """Add `count` accounts of one role."""
    return uvloop.run(add_accounts_in_loop(url, role, count))


async def add_accounts_in_loop(url: str, role: RoleName, count: int) -> list[Account]:
    """The same, for those who have an event loop running."""
    engine = create_engine(url, pool=1)
    try:
        async with engine.begin() as connection:
            people = [
                await create_person(connection, AccountIn(username=f"bench-{role}-{number}", role=role), actor=None)
                for number in range(count)
            ]
    finally:
        await engine.dispose()
    return [Account(person.id, person.api_key) for person in people]
