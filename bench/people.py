"""Accounts that a benchmark acts as."""

import asyncio
from dataclasses import dataclass
from uuid import UUID

from service.db import create_engine
from service.people.schemas import PersonIn, RoleName
from service.people.workflow import create_person


@dataclass(frozen=True, slots=True)
class Account:
    """An account with its key."""

    id: UUID
    key: str


def add_accounts(url: str, role: RoleName, count: int) -> list[Account]:
    """Add `count` accounts of one role."""
    return asyncio.run(_add(url, role, count))


async def _add(url: str, role: RoleName, count: int) -> list[Account]:
    engine = create_engine(url, pool=1)
    try:
        async with engine.begin() as connection:
            people = [
                await create_person(connection, PersonIn(username=f"bench-{role}-{number}", role=role), actor=None)
                for number in range(count)
            ]
    finally:
        await engine.dispose()
    return [Account(person.id, person.api_key) for person in people]
