"""What the commands share: the migrated database, and files written from it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from service.db import create_engine
from service.embedded import database_url
from service.exports.files import replacing
from service.migrate import migrate
from service.settings import Settings

Result = TypeVar("Result")


def migrated(settings: Settings) -> str:
    """The address of the database, which has the newest schema by now."""
    url = database_url(settings)
    migrate(url)
    return url


async def with_connection(settings: Settings, run: Callable[[AsyncConnection], Awaitable[Result]]) -> Result:
    """What `run` gives in a transaction of its own."""
    engine = create_engine(migrated(settings), pool=1)
    try:
        async with engine.begin() as connection:
            return await run(connection)
    finally:
        await engine.dispose()


async def written(settings: Settings, out: Path, lines: Callable[[AsyncConnection], AsyncIterator[str]]) -> int:
    """Write lines to a file and return how many. Raises OutputError."""
    engine = create_engine(migrated(settings), pool=1)
    count = 0
    try:
        async with engine.connect() as connection:
            with replacing(out) as write:
                async for line in lines(connection):
                    write(line)
                    count += 1
    finally:
        await engine.dispose()
    return count
