"""Callers with credentials, one for each part somebody plays."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import bearer, client_of


@pytest.fixture
async def platform(app: FastAPI, keys: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """The platform that sends reports."""
    async with client_of(app) as caller:
        caller.headers.update(bearer(keys["platform"]))
        yield caller


@pytest.fixture
async def reviewer(app: FastAPI, keys: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """A person who reviews."""
    async with client_of(app) as caller:
        caller.headers.update(bearer(keys["reviewer"]))
        yield caller


@pytest.fixture
async def colleague(app: FastAPI, keys: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """Another person who reviews."""
    async with client_of(app) as caller:
        caller.headers.update(bearer(keys["specialist"]))
        yield caller
