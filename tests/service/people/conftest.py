"""Whoever manages people."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import bearer, client_of


@pytest.fixture
async def admin(app: FastAPI, keys: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """An administrator, beside callers without credentials."""
    async with client_of(app) as caller:
        caller.headers.update(bearer(keys["admin"]))
        yield caller
