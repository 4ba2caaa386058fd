"""People who check what others decided."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import bearer, client_of


@pytest.fixture
async def checker(app: FastAPI, keys: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """A reviewer who decided nothing."""
    async for caller in another(app, keys, "checker"):
        yield caller


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


async def another(
    app: FastAPI, keys: dict[str, str], name: str, *, role: str = "reviewer"
) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as caller:
        body = {"username": name, "role": role}
        made = await caller.post("/v1/people", json=body, headers=bearer(keys["admin"]))
        caller.headers.update(bearer(made.json()["api_key"]))
        yield caller
