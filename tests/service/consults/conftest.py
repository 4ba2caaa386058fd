"""People around questions to teams."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from tests.service.conftest import another
from tests.service.consults.steps import caller_of


@pytest.fixture
async def adviser(app: FastAPI, keys: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who answers questions."""
    async for caller in caller_of(app, keys, "adviser"):
        yield caller


@pytest.fixture
async def admin(app: FastAPI, keys: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who manages people."""
    async for caller in caller_of(app, keys, "admin"):
        yield caller


@pytest.fixture
async def other_lead(app: FastAPI, keys: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """Another lead than the one who manages teams."""
    async for caller in another(app, keys, "other-lead", role="lead"):
        yield caller


@pytest.fixture
async def second(app: FastAPI, keys: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """Another specialist than the asker."""
    async for caller in another(app, keys, "second-specialist", role="specialist"):
        yield caller
