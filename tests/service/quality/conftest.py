"""People who check what others decided."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from tests.service.conftest import another


@pytest.fixture
async def third(app: FastAPI, keys: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """One more reviewer who decided nothing."""
    async for caller in another(app, keys, "third"):
        yield caller


@pytest.fixture
async def manager(app: FastAPI, keys: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody else who leads: whoever makes a plan checks nothing of it."""
    async for caller in another(app, keys, "manager", role="lead"):
        yield caller
