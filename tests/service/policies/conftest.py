"""A lead, who manages policies and reviews."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import bearer, client_of


@pytest.fixture
async def lead(app: FastAPI, keys: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """A person who manages policies."""
    async with client_of(app) as caller:
        caller.headers.update(bearer(keys["lead"]))
        yield caller
