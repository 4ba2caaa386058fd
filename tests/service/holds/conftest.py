"""A lead beside the reviewers, and what these tests do again and again."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import bearer, client_of


@pytest.fixture
async def lead(app: FastAPI, keys: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """The person who looks after the floor."""
    async with client_of(app) as caller:
        caller.headers.update(bearer(keys["lead"]))
        yield caller
