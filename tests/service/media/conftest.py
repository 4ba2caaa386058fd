"""What tests of media share."""

from collections.abc import AsyncIterator

import httpx
import pytest

from service.db import create_engine
from tests.service.media.console import Console


@pytest.fixture
async def console(client: httpx.AsyncClient, keys: dict[str, str], database: str) -> AsyncIterator[Console]:
    engine = create_engine(database, pool=1)
    async with engine.connect() as raw:
        connection = await raw.execution_options(isolation_level="AUTOCOMMIT")
        yield Console(client, keys, connection)
    await engine.dispose()
